"""The banner of a home folder whose judgements nobody made."""

from __future__ import annotations

import streamlit as st

from app.access import current_home

#: Whoever fills a database with synthetic judgements puts a file of this name into its home.
MARKER = "SYNTHETIC"


def synthetic() -> bool:
    """Whether this home folder is marked as holding synthetic judgements."""
    return (current_home().root / MARKER).exists()


def synthetic_banner() -> None:
    """Say so on a researcher's page where the judgements are synthetic; otherwise show nothing."""
    if synthetic():
        st.warning(
            "**Synthetic judgements.** A program made up the judgements in this database to test "
            "or to show the pages. No person judged these images: draw no conclusion from them.",
            icon=":material/science:",
        )
