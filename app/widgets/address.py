"""Widgets whose value is in the page's address, so that links restore it and Back takes it back."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from math import inf
from typing import Any

import streamlit as st

#: What each choice has last written into the address, by the name it has there.
WRITTEN = "address-written"


def one_of(name: str, options: Sequence[str], default: str | None = None) -> dict[str, Any]:
    """Arguments that keep a widget's one choice under `name` in the address.

    Streamlit's own `bind="query-params"` replaces the address instead of adding to the history, so
    Back would leave the page. Here the address decides: a choice writes it, which makes a step of
    the history, and whatever address comes, the widget follows. What the address does not name, or
    names wrongly, is `default`, or the first option. A default is left out of the address.

    Pass the result to a widget with `options`, and no default of its own.
    """
    default = options[0] if default is None else default
    named = st.query_params.get(name, default)
    return _kept(name, named if named in options else default, default)


def some_of(name: str, options: Sequence[str], default: Iterable[str]) -> dict[str, Any]:
    """As `one_of`, for a widget that allows several choices, or none."""
    default = list(default)
    named = st.query_params.get_all(name) if name in st.query_params else default
    return _kept(name, [option for option in options if option in named], default)


def switched(name: str) -> dict[str, Any]:
    """As `one_of`, for a toggle, which is off by default."""
    return _kept(name, st.query_params.get(name) == str(True), False)


def positive_number(name: str) -> dict[str, Any]:
    """As `one_of`, for a number input that may be empty (None, the default)."""
    try:
        value = float(st.query_params[name])
    except (KeyError, ValueError):
        value = 0.0
    return _kept(name, value if 0 < value < inf else None, None)


def whole_number(name: str, default: int, largest: int, least: int = 0) -> dict[str, Any]:
    """As `one_of`, for a number input that holds a whole number from `least` to `largest`."""
    text = st.query_params.get(name, "")
    value = int(text) if text.isdecimal() else default
    return _kept(name, value if least <= value <= largest else default, default)


def _kept(name: str, value: Any, default: Any) -> dict[str, Any]:
    key = f"address-{name}"
    if key not in st.session_state or st.session_state[key] != value:
        st.session_state[key] = value
    return {"key": key, "on_change": _writer(name, key, default)}


def _writer(name: str, key: str, default: Any) -> Callable[[], None]:
    """What a choice calls.

    One that is made before the browser has heard of the address of the one before comes with the
    address of before both. Whatever a widget still shows as it was chosen is written again.
    """

    def write() -> None:
        chosen = st.session_state[key]
        if chosen is None or _same(chosen, default):
            text = []
        elif isinstance(chosen, list):
            text = chosen or [""]  # an empty choice is named, too
        else:
            text = [str(chosen)]
        written = st.session_state.setdefault(WRITTEN, {})
        written[name] = (chosen, text)
        for other, (value, its_text) in written.items():
            shown = f"address-{other}"
            if shown in st.session_state and st.session_state[shown] == value:
                _put(other, its_text)

    return write


def _put(name: str, text: list[str]) -> None:
    if text == st.query_params.get_all(name):
        return
    if text:
        st.query_params[name] = text
    else:
        del st.query_params[name]


def _same(chosen: Any, default: Any) -> bool:
    if isinstance(default, list):
        return sorted(chosen) == sorted(default)
    return chosen == default
