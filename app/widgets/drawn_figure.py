"""A figure on a page, drawn by Plotly once a change.

Streamlit's own element would take the chart away and draw another at each change, and that one
twice, before and after it knows its size: of sixteen curves three times the work, in the browser.
It also knows a click only on what has markers.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import plotly.graph_objects as go
import streamlit as st

from app.plotly_script import script_address
from app.widgets.component import component

# In the page itself, where files and pictures of the chart are made from (figure_files).
_component = component("drawn_figure", isolate_styles=False)


def drawn_figure(
    figure: go.Figure, config: dict[str, Any], key: str, on_select: Callable[[], None] | None = None
) -> None:
    """Draw a figure as wide as the page leaves room.

    `on_select` runs after a click on a point; `clicked_point(key)` is that point then.
    """
    data = _data() | {"figure": figure.to_json(validate=False), "config": config}
    _component(key=key, data=data, on_selection_change=on_select or _nothing)


def clicked_point(key: str) -> dict[str, Any]:
    """What was clicked in the figure of this key: x, y, customdata (a list, [] where it has none).

    To be asked while `on_select` runs, and only then.
    """
    return st.session_state[key]["selection"]


def fetch_script() -> None:
    """Have the browser fetch Plotly meanwhile, while what it will draw is computed."""
    _component(key="fetch-plotly", data=_data() | {"figure": None})


def _data() -> dict[str, Any]:
    base = st.get_option("server.baseUrlPath")
    return {"script": script_address(base), "fullscreen": "Fullscreen"}


def _nothing() -> None:
    """A click on a chart that leads nowhere."""
