"""The layer picker: the generator drawn as its chain of points, lit where it is perturbed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import streamlit as st

from app.runner.menu import GeneratorChoice

_FOLDER = Path(__file__).parent
_component = st.components.v2.component(
    "explore_chain",
    html=(_FOLDER / "explore_chain.html").read_text(encoding="utf-8"),
    css=(_FOLDER / "explore_chain.css").read_text(encoding="utf-8"),
    js=(_FOLDER / "explore_chain.js").read_text(encoding="utf-8"),
)


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
