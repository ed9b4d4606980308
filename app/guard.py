"""What people see when something fails: one sentence. The details go to the log."""

from __future__ import annotations

import logging
from collections.abc import Callable

import streamlit as st

log = logging.getLogger(__name__)

FAILED = "Something went wrong here. Reload the page; if it happens again, the log has the details."


def guarded(render: Callable[[], None]) -> None:
    """Call `render`; on a failure log the traceback and show one sentence in its place.

    Streamlit's own ways to end a run (`st.stop`, `st.rerun`) are no `Exception` and pass through.
    A fragment that reruns by itself is not called from here: Streamlit shows its own sentence
    (`client.showErrorDetails`), and `app.logs` keeps that traceback too.
    """
    try:
        render()
    except Exception:
        log.exception("%s.%s failed", render.__module__, render.__qualname__)
        st.error(FAILED)
