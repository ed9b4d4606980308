"""A link from one researcher page to another, in the same tab and the same session."""

from __future__ import annotations

import streamlit as st


def page_link(url_path: str, label: str, icon: str | None = None, **query: str) -> None:
    """Link to the page registered under `url_path`, such as "studies"; `query` is in its address.

    Streamlit knows a page by its address alone, so a page object made here stands for the one that
    streamlit_app.py registered; its function is never called.
    """
    page = st.Page(_registered_elsewhere, title=label, url_path=url_path)
    st.page_link(page, label=label, icon=icon, query_params=query or None)


def _registered_elsewhere() -> None:
    """Stands in for the page's function."""
