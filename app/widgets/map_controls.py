"""What the maps in view are looked at with: regions, overlays, clicks; all of it in the address."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import streamlit as st

from app.widgets.address import one_of, some_of, switched, whole_number
from app.widgets.map_data import KINDS, OpenMap, Start
from engine.regions import METHODS

#: In the address: the starts.
STARTS = "starts"
MOST_STARTS = 12
METHOD_NAMES = {
    "none": "no regions",
    "refined": "refined (ours)",
    "oir_w": "OIR white box",
    "oir_b": "OIR black box",
    "naive": "naive",
}
_METHODS = ("none", *reversed(METHODS))
_CLICKS = ("looks", "places a start")


@dataclass(frozen=True)
class Growing:
    """How regions are grown: from which starts, by which method, which kinds, with which T."""

    method: str
    kinds: tuple[str, ...]
    steps: int
    starts: tuple[Start, ...]


@dataclass(frozen=True)
class Controls:
    """How regions are grown, and what is drawn: a difference, the growth; what a click does."""

    growing: Growing
    compare: bool
    animated: bool
    places: bool


def controls(maps: Sequence[OpenMap]) -> Controls:
    """The row above the maps."""
    first = maps[0]
    growing = _growing(first)
    several = sum(len(one.networks) for one in maps) == 2
    compare = several and st.toggle("Difference", **switched("difference"))
    grows = growing.method != "none" and len(first.axes) == 2 and not compare
    animated = grows and st.toggle("Growth", help="Play the updates.", **switched("growth"))
    clicks = st.segmented_control("A click", _CLICKS, **one_of("click", _CLICKS), required=True)
    places = clicks == _CLICKS[1] and growing.method != "none"
    return Controls(growing, compare, animated, places)


def _growing(first: OpenMap) -> Growing:
    method = st.selectbox(
        "Regions by",
        _METHODS,
        format_func=METHOD_NAMES.get,
        width=230,
        **one_of("method", _METHODS, "refined"),
    )
    if method == "none":
        return Growing(method, (), 0, ())
    kinds = st.pills("Kinds", KINDS, selection_mode="multi", **some_of("kinds", KINDS, KINDS))
    steps = st.number_input(
        "T",
        10,
        5000,
        step=10,
        **whole_number("steps", 800, 5000, 10),
        help="Updates of the published methods; for the refined one, those whose scores it may ask"
        " a twentieth of.",
        width=120,
    )
    starts = starts_in_address(first) or first.default_starts()
    if st.button(
        "Starts back", icon=":material/restart_alt:", disabled=STARTS not in st.query_params
    ):
        st.query_params.pop(STARTS, None)
        st.rerun()
    return Growing(method, tuple(kinds or ()), int(steps), starts)


def written(u: Sequence[float]) -> str:
    """A place as it stands in the address."""
    return ",".join(f"{value:.4g}" for value in u)


def read(text: str, axes: int) -> Start | None:
    """The place that an address names; None for what is none."""
    try:
        u = tuple(float(part) for part in text.split(","))
    except ValueError:
        return None
    return u if len(u) == axes and all(abs(value) < 1e6 for value in u) else None


def keep_starts(starts: Sequence[Start]) -> None:
    """Put the starts into the address, the last ones where there are too many."""
    st.query_params[STARTS] = ";".join(written(start) for start in starts[-MOST_STARTS:])


def starts_in_address(first: OpenMap) -> tuple[Start, ...]:
    """The starts that the address names for a map of so many axes."""
    parts = st.query_params.get(STARTS, "").split(";")
    starts = (read(part, len(first.axes)) for part in parts if part)
    return tuple(start for start in starts if start is not None)[:MOST_STARTS]
