"""What a labeller sees before the first task and after the last one: text, and one thing to do."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager

import streamlit as st

from labelling.options import StudyOptions
from labelling.wording import Wording

#: A comfortable line of text, in CSS pixels.
COLUMN = 640
LONGEST_TEXT = 2000

#: What a button does.
Act = Callable[[], None]


def screen(title: str, *paragraphs: str) -> AbstractContextManager[object]:
    """A column in the middle with a title and Markdown paragraphs; what follows goes into it."""
    column = st.container(width=COLUMN, gap="small", key="text")
    with column:
        st.title(title, anchor=False)
        for paragraph in paragraphs:
            st.markdown(paragraph)
    return column


def consent(words: Wording, information: str, agree: Act) -> None:
    """The information sheet; one takes part by saying that one has read it."""
    with screen(words.information_title, information or words.information):
        read = st.checkbox(words.agree, key="read")
        st.button(words.go_on, key="agree", type="primary", disabled=not read, on_click=agree)
        st.caption(words.decline)


def instructions(words: Wording, study: StudyOptions, start: Act) -> None:
    """What to do, the four answers, and whether items for practice come first."""
    paragraphs = [study.instructions or words.instructions]
    if study.practice_items:
        paragraphs.append(words.practice.format(count=study.practice_items))
    with screen(words.instructions_title, *paragraphs):
        _options(words)
        st.button(words.start, key="start", type="primary", on_click=start)


def purpose(words: Wording, answer: Callable[[str], None], undo: Act | None) -> None:
    """What one thinks it was for: asked before the debrief says it."""
    with screen(words.purpose_title, words.purpose):
        st.text_area(
            words.purpose_answer,
            key="words",
            max_chars=LONGEST_TEXT,
            label_visibility="collapsed",
        )
        st.button(
            words.purpose_send,
            key="send",
            type="primary",
            on_click=lambda: answer(str(st.session_state.get("words") or "")[:LONGEST_TEXT]),
        )
        _undo(words, undo)


def end(
    words: Wording, thanks: str, code: str, debrief: str, withdraw: Act, undo: Act | None = None
) -> None:
    """Thanks, the code to hand in, what it was about, and a way to take it all back."""
    with screen(words.end_title, thanks):
        _undo(words, undo)
        st.markdown(words.code)
        st.code(code, language=None)
        st.subheader(words.debrief_title, anchor=False)
        st.markdown(debrief)
        st.button(words.leave, key="leave", type="tertiary", on_click=withdraw)


def farewell(title: str, *paragraphs: str) -> None:
    """The last words to someone who has nothing more to do here, and no code."""
    screen(title, *paragraphs)


def problem(sentence: str) -> None:
    """Below what is on show, which stays as it is."""
    with st.container(width=COLUMN, key="note"):
        st.warning(sentence)


def sure_to_withdraw(words: Wording, yes: Act, no: Act) -> None:
    """Ask once more: it cannot be taken back."""
    with screen(words.withdraw_title, words.withdraw), st.container(horizontal=True):
        st.button(words.withdraw_no, key="no", type="primary", on_click=no)
        st.button(words.withdraw_yes, key="yes", on_click=yes)


def nothing_now(words: Wording, undo: Act | None) -> None:
    """Others have what is left: look again by oneself."""
    with screen(words.later_title, words.later):
        st.button(words.look_again, key="again", type="primary")
        _undo(words, undo)


def _undo(words: Wording, undo: Act | None) -> None:
    """A way back to the last item, while there is one."""
    if undo is not None:
        st.button(words.undo_last, key="back", on_click=undo)


def _options(words: Wording) -> None:
    """The four sentences with their keys, a line each."""
    sentences = (sentence.format(phrase="…") for sentence in words.options)
    st.markdown("  \n".join(f"**{key}** {text}" for key, text in enumerate(sentences, start=1)))
