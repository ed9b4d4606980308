"""Whether the visitor sees the light or the dark theme, for charts that lie flush in the page."""

from __future__ import annotations

import streamlit as st

from app.charts.theme import SchemeName

#: A speck in the text's colour: it changes with the theme, and the end of its change is an event.
_watch = st.components.v2.component(
    "scheme",
    html='<i style="position: absolute; color: var(--st-text-color); transition: color 1ms"></i>',
    js="""
    let changes = 0;
    export default function ({ parentElement, setTriggerValue }) {
      const told = () => setTriggerValue("changed", ++changes);
      parentElement.querySelector("i").ontransitionend = told;
    }
    """,
)


def current_scheme() -> SchemeName:
    """The scheme of this browser."""
    return "dark" if st.context.theme.type == "dark" else "light"


def follow_scheme() -> None:
    """Show the page anew when its visitor changes the theme, which by itself runs no script."""
    _watch(key="scheme", height=1, on_changed_change=lambda: None)
