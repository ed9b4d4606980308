"""The labeller's whole world: what the study asks of one, one image after the other, and the end.

What this page sends is all that a labeller's browser ever gets.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path

import streamlit as st

from app.access import database, durable_database, visitor
from app.widgets import label_screens as screens
from app.widgets.label_task import (
    LEAVING,
    STORAGE_ERRORS,
    PictureError,
    leave_task,
    show_last_again,
    show_task,
)
from data.labellers import Labeller
from labelling.options import StudyOptions, options_of
from labelling.plain_words import NotPlainError
from labelling.queue import may_undo, next_task, undo
from labelling.stages import Stage, agree, say_purpose, stage, start, withdraw
from labelling.studies import completion_code
from labelling.wording import ENGLISH, Wording, wording

log = logging.getLogger(__name__)

BARE_PAGE = Path(__file__).parents[1] / "widgets" / "bare_page.css"
#: In this session's state: the study's options, and why something could not be stored.
OPTIONS, FAILED = "options", "failed"


def render() -> None:
    """Show the labeller who is here what comes next, and take the answer."""
    st.html(BARE_PAGE)
    _next()


@st.fragment
def _next() -> None:
    """Reruns by itself after every answer. Failures get one sentence here: see app.guard.

    What was to be judged stays on the screen meanwhile: the same key tries again.
    """
    try:
        labeller = visitor().labeller
        if labeller is None:
            st.rerun()
        options = _options(labeller)
        words = wording(options.language)
        said: str | None = None
        if st.session_state.get(LEAVING):
            screens.sure_to_withdraw(words, _storing(withdraw, labeller, words), _stay)
            said = leave_task()
        elif (task := next_task(database(), labeller.id)) is not None:
            show_task(labeller, task, options, words)
        else:
            _show(stage(database(), labeller.id), labeller, options, words)
            said = leave_task()
        if said is not None:
            screens.problem(said)
        if failed := st.session_state.pop(FAILED, None):
            screens.problem(failed)
    except PictureError:
        log.exception("A labeller cannot be shown what comes next")
        st.write(ENGLISH.not_available)
    except STORAGE_ERRORS:
        log.exception("A labeller cannot be shown what comes next")
        if not show_last_again():
            st.write(ENGLISH.not_available)


def _options(labeller: Labeller) -> StudyOptions:
    """The study's options, which do not change while people label: read once a session."""
    if OPTIONS not in st.session_state:
        st.session_state[OPTIONS] = options_of(database(), labeller.study_id)
    return st.session_state[OPTIONS]


def _show(now: Stage, labeller: Labeller, options: StudyOptions, words: Wording) -> None:
    """The screen of a stage in which nothing is judged."""
    debrief = options.debrief or words.debrief
    back = _storing(undo, labeller, words) if may_undo(database(), labeller.id) else None
    match now:
        case Stage.INFORMATION:
            screens.consent(words, options.information, _storing(agree, labeller, words))
        case Stage.INSTRUCTIONS:
            screens.instructions(words, options, _storing(start, labeller, words))
        case Stage.PURPOSE:
            screens.purpose(words, _storing(say_purpose, labeller, words), back)
        case Stage.LATER | Stage.PRACTICE | Stage.JUDGING:
            screens.nothing_now(words, back)
        case Stage.WITHDRAWN:
            screens.farewell(words.withdrawn_title, words.withdrawn)
        case Stage.UNQUALIFIED:
            screens.farewell(words.unqualified_title, words.unqualified, debrief)
        case Stage.CLOSED:
            screens.end(words, words.closed, completion_code(labeller), debrief, _leave)
        case Stage.END:
            screens.end(words, words.end, completion_code(labeller), debrief, _leave, back)


def _storing(
    write: Callable[..., object], labeller: Labeller, words: Wording
) -> Callable[..., None]:
    """`write` as what a button does; where it fails, nothing moves on and a sentence says so."""

    def act(*arguments: str) -> None:
        try:
            write(durable_database(), labeller.id, *arguments)
            st.session_state.pop(LEAVING, None)
        except NotPlainError as error:
            st.session_state[FAILED] = error.said_in(words)
        except STORAGE_ERRORS:
            log.exception("%s of labeller %s could not be stored", write.__name__, labeller.id)
            st.session_state[FAILED] = words.not_saved

    return act


def _leave() -> None:
    st.session_state[LEAVING] = True


def _stay() -> None:
    st.session_state.pop(LEAVING, None)
