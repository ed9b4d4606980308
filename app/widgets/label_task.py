"""Judging: what one task sends to the labeller's browser, and what becomes of what comes back.

Items are named by their place in the labeller's own order, images by names drawn at random, and
the second image of a pair leaves the server only after the answer about the first one is on the
disk (`labelling.queue`).
"""

from __future__ import annotations

import hashlib
import logging
import math
import secrets
import sqlite3
from dataclasses import asdict, dataclass
from typing import Any
from urllib.parse import quote_plus

import streamlit as st

from app.access import current_home, database, durable_database, visitor
from app.widgets.judge import data_address, judge
from data.database import DatabaseError
from data.images import image_file
from data.judgements import Side
from data.labellers import Labeller
from data.stamps import now
from labelling.answers import Answer, options
from labelling.options import StudyOptions
from labelling.plain_words import NotPlainError
from labelling.queue import LONGEST_COMMENT, Task, came_too_late, comment, record, undo
from labelling.wording import Wording

log = logging.getLogger(__name__)

#: Keys reach the browser as CSS classes and widget names: they tell nothing.
COMPONENT = "task"
#: This session's state: the task on the screen, the images' names, what the browser holds of them,
#: what went wrong, and that someone is about to withdraw.
SHOWN, NAMES, HELD, PROBLEM, LEAVING = "shown", "names", "held", "problem", "leaving"
#: … and what was written here about items, by number and item.
WRITTEN = "written"

#: More than the images that judge.js keeps.
KEPT_NAMES = 16

SIDES: dict[str, Side] = {"left": "source", "right": "perturbed"}
PLACES: dict[Side, str] = {side: place for place, side in SIDES.items()}
IMAGE_SEARCH = "https://duckduckgo.com/?ia=images&iax=images&q="

STORAGE_ERRORS = (DatabaseError, sqlite3.Error, OSError)


class PictureError(RuntimeError):
    """An image that is to be shown is missing or damaged."""


@dataclass(frozen=True)
class Shown:
    """A task as it was sent to this browser, when that was first done, and in which language."""

    task: Task
    shown_at: str
    study: StudyOptions
    words: Wording


@dataclass(frozen=True)
class Press:
    """What the browser says of a press; the item's number and side are those it had on show."""

    number: int
    side: Side
    answer: Answer
    milliseconds: float
    hidden: float
    searches: int


def show_task(labeller: Labeller, task: Task, study: StudyOptions, words: Wording) -> None:
    """Mount the task; its messages are taken before the fragment around this reruns."""
    _mount(task, study, words)
    _remember(task, study, words)


def show_last_again() -> bool:
    """Where nothing can be read: what is on the screen stays there, with a sentence; else False."""
    shown: Shown | None = st.session_state.get(SHOWN)
    if shown is None:
        return False
    st.session_state[PROBLEM] = shown.words.not_stored
    # The pictures are on the screen already; their files may be what cannot be read.
    st.session_state.setdefault(HELD, frozenset(st.session_state.get(NAMES, {}).values()))
    _mount(shown.task, shown.study, shown.words)
    return True


def leave_task() -> str | None:
    """No task is shown any more: the browser keeps no image; what was to be said with the next."""
    for of_the_task in (SHOWN, HELD):
        st.session_state.pop(of_the_task, None)
    return st.session_state.pop(PROBLEM, None)


def _mount(task: Task, study: StudyOptions, words: Wording) -> None:
    judge(
        _content(task, study, words),
        key=COMPONENT,
        exposure_ms=task.exposure_ms,
        beat_ms=study.lease_minutes * 60_000 // 3,
        on={
            "answer": _answered,
            "undo": _undone,
            "comment": _commented,
            "leave": _leaving,
            "beat": _alive,
        },
    )


def _answered() -> None:
    """Put the answer that came on the disk."""
    press = _press(_message("answer"))
    labeller, shown = _on_show()
    if press is None or labeller is None:
        log.warning("An answer was refused: malformed, or its invitation is not valid.")
        return
    if shown is None or (shown.task.number, shown.task.side) != (press.number, press.side):
        return
    if press.milliseconds < shown.task.exposure_ms:
        log.warning(
            "An answer of labeller %s was refused: %g ms after its image, of at least %d.",
            *(labeller.id, press.milliseconds, shown.task.exposure_ms),
        )
        st.session_state[PROBLEM] = shown.words.not_stored
        return
    try:
        stored = record(
            durable_database(),
            labeller.id,
            shown.task.item_id,
            press.side,
            press.answer,
            number=press.number,
            response_ms=press.milliseconds,
            hidden_ms=press.hidden,
            searches=press.searches,
            shown_at=shown.shown_at,
        )
        if not stored and came_too_late(database(), labeller.id, shown.task.item_id, press.number):
            log.warning(
                "An answer of labeller %s came too late: others have item %s, or the study ended.",
                *(labeller.id, shown.task.item_id),
            )
            st.session_state[PROBLEM] = shown.words.too_late
    except STORAGE_ERRORS:
        log.exception("An answer of labeller %s could not be stored", labeller.id)
        st.session_state[PROBLEM] = shown.words.not_stored


def _undone() -> None:
    """Take the last answer back, if the task on show is still the one it was pressed at."""
    message = _message("undo")
    labeller, shown = _on_show()
    if labeller is None or shown is None or not _is_about(message, shown):
        return
    try:
        if not undo(durable_database(), labeller.id):
            st.session_state[PROBLEM] = shown.words.not_undone
    except STORAGE_ERRORS:
        log.exception("An answer of labeller %s could not be undone", labeller.id)
        st.session_state[PROBLEM] = shown.words.not_saved


def _commented() -> None:
    """Store what was written about the item on show."""
    message = _message("comment")
    labeller, shown = _on_show()
    if labeller is None or shown is None or not _is_about(message, shown):
        return
    text = message.get("text")
    if not isinstance(text, str) or len(text) > LONGEST_COMMENT:
        log.warning("A comment of labeller %s was refused: too long.", labeller.id)
        st.session_state[PROBLEM] = shown.words.comment_too_long.format(longest=LONGEST_COMMENT)
        return
    text = text.encode("utf-8", "replace").decode().strip()  # JSON may bring half a character
    try:
        comment(durable_database(), labeller.id, shown.task.number, text)
        written = st.session_state.setdefault(WRITTEN, {})
        written[shown.task.number, shown.task.item_id] = text
    except NotPlainError as error:
        st.session_state[PROBLEM] = error.said_in(shown.words)
    except STORAGE_ERRORS:
        log.exception("A comment of labeller %s could not be stored", labeller.id)
        st.session_state[PROBLEM] = shown.words.comment_not_stored


def _leaving() -> None:
    """The page asks whether it is meant."""
    st.session_state[LEAVING] = True


def _alive() -> None:
    """Nothing to do: sending the task again keeps it this labeller's."""


def _on_show() -> tuple[Labeller | None, Shown | None]:
    """Who is here, and the task that this browser was sent last.

    Where the database cannot be read nobody is here; the page, which cannot read it either, says
    so.
    """
    try:
        return visitor().labeller, st.session_state.get(SHOWN)
    except STORAGE_ERRORS:
        log.exception("Nobody can be found in the database")
        return None, None


def _message(name: str) -> Any:
    """What came from the browser; the images that it says it holds are noted."""
    message = getattr(st.session_state[COMPONENT], name)
    held = message.get("held") if isinstance(message, dict) else None
    if isinstance(held, list):
        st.session_state[HELD] = frozenset(map(str, held))
    return message


def _is_about(message: Any, shown: Shown) -> bool:
    return isinstance(message, dict) and message.get("number") == shown.task.number


def _press(message: Any) -> Press | None:
    """The browser's message, if it is one that judge.js could have sent."""
    try:
        milliseconds, hidden = float(message["milliseconds"]), float(message["hidden"])
        searches = int(message["searches"])
        if not all(math.isfinite(time) and time >= 0 for time in (milliseconds, hidden, searches)):
            return None
        return Press(
            number=int(message["number"]),
            side=SIDES[message["side"]],
            answer=Answer(message["answer"]),
            milliseconds=milliseconds,
            hidden=hidden,
            searches=searches,
        )
    except (KeyError, TypeError, ValueError, OverflowError):
        return None


def _content(task: Task, study: StudyOptions, words: Wording) -> dict[str, Any]:
    """What the browser is sent now; `turn` makes each one differ."""
    left = _name(task.item_id, task.number, "source")
    right = _name(task.item_id, task.number, "perturbed") if task.perturbed_stimulus else None
    stimuli = {left: task.source_stimulus}
    if right is not None and task.perturbed_stimulus is not None:
        stimuli[right] = task.perturbed_stimulus
    if task.ahead is not None:
        item_id, number, stimulus = task.ahead
        stimuli[_name(item_id, number, "source")] = stimulus
    held = st.session_state.pop(HELD, frozenset())
    place = words.practice_place if task.practice else words.place
    return {
        "turn": secrets.token_hex(4),
        "words": asdict(words),
        "help": [text for text in (study.instructions, *words.help) if text],
        "number": task.number,
        "side": PLACES[task.side],
        "left": left,
        "right": right,
        "images": {name: _picture(it) for name, it in stimuli.items() if name not in held},
        "answered": task.source_answer,
        "options": options(task.phrase, words.options),
        "gloss": task.gloss,
        "place": place.format(place=task.done + 1, total=task.total),
        "done": task.done,
        "total": task.total,
        "undo": task.undo,
        "comment": st.session_state.get(WRITTEN, {}).get((task.number, task.item_id), task.comment),
        "longest_comment": LONGEST_COMMENT,
        "rest": words.rest.format(done=task.done, total=task.total) if task.rest else None,
        "search": {
            "text": words.unsure.format(phrase=task.phrase),
            "address": IMAGE_SEARCH + quote_plus(task.search_term),
        },
        "problem": st.session_state.pop(PROBLEM, None),
    }


def _remember(task: Task, study: StudyOptions, words: Wording) -> None:
    """Keep what is on show, with the time at which it was first sent."""
    shown: Shown | None = st.session_state.get(SHOWN)
    same = shown and _question(shown.task) == _question(task)
    st.session_state[SHOWN] = Shown(task, shown.shown_at if same else now(), study, words)


def _question(task: Task) -> tuple[int, int, Side]:
    return task.item_id, task.number, task.side


def _name(item_id: int, number: int, side: Side) -> str:
    """An image's name in this browser. No two items share one, whatever images they show.

    Old names are forgotten, as their images are by the browser.
    """
    names = st.session_state.setdefault(NAMES, {})
    name = names.setdefault((item_id, number, side), secrets.token_hex(4))
    while len(names) > KEPT_NAMES:
        del names[next(iter(names))]
    return name


def _picture(sha256: str) -> str:
    """The stored PNG itself, bit for bit, as a data: address."""
    file = image_file(current_home(), sha256)
    try:
        png = file.read_bytes()
    except OSError as error:
        raise PictureError(
            f"{file} cannot be read; restore it from a backup of the home."
        ) from error
    if hashlib.sha256(png).hexdigest() != sha256:
        raise PictureError(f"{file} is damaged; restore it from a backup of the home folder.")
    return data_address(png)
