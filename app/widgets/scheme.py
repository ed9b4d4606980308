"""Whether the visitor sees the light or the dark theme, for charts that lie flush in the page."""

from __future__ import annotations

import streamlit as st

from app.charts.theme import SchemeName


def current_scheme() -> SchemeName:
    """The scheme of this browser."""
    return "dark" if st.context.theme.type == "dark" else "light"
