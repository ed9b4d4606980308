"""The guard around a page: people get a sentence, the log gets the details."""

from __future__ import annotations

import pytest
from streamlit.testing.v1 import AppTest

from app.guard import FAILED
from data.database import DatabaseError


def guarded_page(ending: str) -> None:
    import streamlit as st

    from app.guard import guarded
    from data.database import DatabaseError

    def render(before: str) -> None:
        st.write(before)
        if ending == "bug":
            raise ValueError("a secret detail")
        if ending == "storage":
            raise DatabaseError("Nothing was saved: the disk is full.")
        if ending == "stop":
            st.stop()
        if ending == "rerun" and "again" not in st.session_state:
            st.session_state["again"] = True
            st.rerun()
        st.write("after")

    guarded(render)("before")


@pytest.mark.parametrize(
    ("ending", "texts", "errors"),
    [
        ("none", ["before", "after"], []),
        ("bug", ["before"], [FAILED]),
        ("storage", ["before"], ["Nothing was saved: the disk is full."]),
        ("stop", ["before"], []),
        ("rerun", ["before", "after"], []),
    ],
)
def test_what_is_shown(ending: str, texts: list[str], errors: list[str]) -> None:
    shown = AppTest.from_function(guarded_page, args=(ending,)).run()
    assert [element.value for element in shown.markdown] == texts
    assert [element.value for element in shown.error] == errors
    assert not shown.exception


@pytest.mark.parametrize(
    ("ending", "kept"), [("bug", "a secret detail"), ("storage", DatabaseError.__name__)]
)
def test_what_is_logged(ending: str, kept: str, caplog: pytest.LogCaptureFixture) -> None:
    AppTest.from_function(guarded_page, args=(ending,)).run()
    assert kept in caplog.text
