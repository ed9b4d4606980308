"""What the pointer's messages do: look somewhere, place a start, move one, also while it moves."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import streamlit as st

from app.widgets.map_controls import Controls, keep_starts, written
from app.widgets.map_data import OpenMap
from app.widgets.map_place import PLACE

POINTER = "map-pointer"
#: In the session: the map, number and place of a start that is being dragged. The address gets it
#: when it is let go, or Back would lead through every place that it came through.
_HELD = "map-start-held"
_ANSWERED = "map-start-answered"


def dragged(first: OpenMap, chosen: Controls) -> Controls:
    """The controls with the start that is being dragged where it is now."""
    starts = list(chosen.growing.starts)
    map_id, number, u = st.session_state.get(_HELD, (None, 0, ()))
    if map_id == first.stored.id and number < len(starts):
        starts[number] = u
    return replace(chosen, growing=replace(chosen.growing, starts=tuple(starts)))


def answered() -> int:
    """The number of the last move that `dragged` and the address have."""
    return int(st.session_state.get(_ANSWERED, 0))


def acts(first: OpenMap, chosen: Controls) -> dict[str, Callable[[], None]]:
    """What to do on each of the pointer's messages."""
    starts = chosen.growing.starts

    def look() -> None:
        st.query_params[PLACE] = written(_message("look")["u"])

    def place() -> None:
        keep_starts((*starts, tuple(_message("place")["u"])))

    def move() -> None:
        message = _message("move")
        number, u = int(message["start"]), tuple(message["u"])
        st.session_state[_ANSWERED] = int(message["number"])
        if not message["done"]:
            st.session_state[_HELD] = first.stored.id, number, u
            return
        st.session_state.pop(_HELD, None)
        keep_starts([u if at == number else start for at, start in enumerate(starts)])

    return {"look": look, "place": place, "move": move}


def _message(name: str) -> dict[str, Any]:
    return st.session_state[POINTER][name]
