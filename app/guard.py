"""What people see when something fails: one sentence. The details go to the log."""

from __future__ import annotations

import logging
from collections.abc import Callable
from functools import wraps
from typing import ParamSpec

import streamlit as st

from data.database import DatabaseError
from data.home import HomeError

P = ParamSpec("P")

log = logging.getLogger(__name__)

FAILED = "Something went wrong here. Reload the page; if it happens again, the log has the details."


def guarded(render: Callable[P, None]) -> Callable[P, None]:
    """`render`, but on a failure it logs the traceback and shows one sentence in its place.

    Errors of the home folder and the database bring their own sentence. Streamlit's own ways to
    end a run (`st.stop`, `st.rerun`) are no `Exception` and pass through. A page is guarded where
    it is registered; a fragment reruns without its page and needs a guard of its own, below
    `@st.fragment`, else people get Streamlit's advice about Streamlit's cloud.
    """

    @wraps(render)
    def shielded(*arguments: P.args, **named: P.kwargs) -> None:
        try:
            render(*arguments, **named)
        except (DatabaseError, HomeError) as error:
            log.exception("Storage failed in %s", render.__module__)
            st.error(str(error))
        except Exception:
            log.exception("%s failed", render.__module__)
            st.error(FAILED)

    return shielded
