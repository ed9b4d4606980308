"""The pointer on a map: pictures while hovering, a click that looks, starts that are dragged."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from app.runner.map_thumbnails import Thumbnails
from app.widgets.component import component
from app.widgets.judge import data_address

_component = component("map_pointer")


def pointer(
    plot: str,
    *,
    key: str,
    lower: Sequence[float],
    upper: Sequence[float],
    starts: Sequence[Sequence[float]],
    thumbnails: Thumbnails | None,
    place: bool,
    answered: int,
    on: dict[str, Callable[[], None]],
) -> None:
    """Follow the pointer over the chart called `plot`, whose axes go from `lower` to `upper`.

    During `on["look"]`, `on["place"]` and `on["move"]` `st.session_state[key]` has a dict of that
    name: `number`, `u`, where it happened, and for a move `start`, which one, and `done`, whether
    it was let go. `place`: a click places a start instead of looking. `answered`: the number of the
    last move that the chart shows; while a start is dragged, the next is sent after that.
    """
    _component(
        key=key,
        data={
            "plot": plot,
            "sheet": data_address(thumbnails.png) if thumbnails else None,
            "counts": list(thumbnails.counts) if thumbnails else [1, 1],
            "lower": list(lower),
            "upper": list(upper),
            "starts": [list(start) for start in starts],
            "place": place,
            "answered": answered,
        },
        height=1,
        **{f"on_{name}_change": act for name, act in on.items()},
    )
