"""A link from one researcher page to another, in the same tab and the same session."""

from __future__ import annotations

import streamlit as st
from streamlit.navigation.page import StreamlitPage


def page_link(url_path: str, label: str, icon: str | None = None, **query: str) -> None:
    """Link to the page registered under `url_path`, such as "studies", with that `query`."""
    page = registered_page(url_path, label)
    st.page_link(page, label=label, icon=icon, query_params=query or None)


def registered_page(url_path: str, title: str = "") -> StreamlitPage:
    """The page registered under `url_path`.

    Streamlit knows a page by its address alone, so a page object made here stands for the one that
    streamlit_app.py registered; its function is never called.
    """
    return st.Page(_registered_elsewhere, title=title or url_path, url_path=url_path)


def _registered_elsewhere() -> None:
    """Stands in for the page's function."""
