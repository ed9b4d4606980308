"""The layer picker: the generator drawn as its chain of points, lit where it is perturbed."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from app.runner.menu import GeneratorChoice
from app.widgets.component import component

_component = component("explore_chain")


def chain(
    generator: GeneratorChoice,
    weights: Mapping[str, float],
    *,
    key: str,
    locked: bool,
    on_chosen: Callable[[], None],
) -> None:
    """Draw the chain; during `on_chosen`, `st.session_state[key].chosen["points"]` are its names.

    `weights` gives a weight to every lit point; the shapes show what is perturbed there.
    """
    data = {
        "points": [{"name": point.name, "shape": list(point.shape)} for point in generator.points],
        "weights": dict(weights),
        "presets": {name: list(points) for name, points in generator.presets.items()},
        "locked": locked,
    }
    _component(key=key, data=data, on_chosen_change=on_chosen)
