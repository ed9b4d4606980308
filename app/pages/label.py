"""The labeller's whole world: one image, then perhaps a second one, and four answers.

What this page sends is all that a labeller's browser ever gets.
"""

from __future__ import annotations

import logging
from pathlib import Path

import streamlit as st

from app.access import database, visitor
from app.widgets.label_task import STORAGE_ERRORS, PictureError, show_task
from labelling.queue import next_task
from labelling.studies import completion_code
from labelling.wording import ENGLISH

log = logging.getLogger(__name__)

BARE_PAGE = Path(__file__).parents[1] / "widgets" / "bare_page.css"


def render() -> None:
    """Show the labeller who is here the next task, and take the answer."""
    st.html(BARE_PAGE)
    _next()


@st.fragment
def _next() -> None:
    """Reruns by itself after every answer. Failures get one sentence here: see app.guard."""
    labeller = visitor().labeller
    if labeller is None:
        st.rerun()
    try:
        task = next_task(database(), labeller.id)
        if task is None:
            st.title(ENGLISH.end_title, anchor=False)
            st.write(ENGLISH.end)
            st.code(completion_code(labeller), language=None)
        else:
            show_task(labeller, task)
    except (*STORAGE_ERRORS, PictureError):
        log.exception("Labeller %s cannot be shown the next task", labeller.id)
        st.write(ENGLISH.not_available)
