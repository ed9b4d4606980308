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

from app.access import current_home, durable_database, visitor
from app.widgets.judge import data_address, judge
from data.database import DatabaseError
from data.images import image_file
from data.stamps import now
from data.studies import Labeller, Side
from labelling.answers import Answer, options
from labelling.queue import Task, record
from labelling.wording import ENGLISH

log = logging.getLogger(__name__)

#: Keys reach the browser as CSS classes and widget names: they tell nothing.
COMPONENT = "task"
#: This session's state: the task on the screen, the images' names, what the browser holds of them,
#: and what went wrong.
SHOWN, NAMES, HELD, PROBLEM = "shown", "names", "held", "problem"

SIDES: dict[str, Side] = {"left": "source", "right": "perturbed"}
PLACES: dict[Side, str] = {side: place for place, side in SIDES.items()}
IMAGE_SEARCH = "https://duckduckgo.com/?ia=images&iax=images&q="
EXPOSURE_MS = 250

STORAGE_ERRORS = (DatabaseError, sqlite3.Error, OSError)


class PictureError(RuntimeError):
    """An image that is to be shown is missing or damaged."""


@dataclass(frozen=True)
class Shown:
    """A task as it was sent to this browser, and when that was first done."""

    task: Task
    shown_at: str


@dataclass(frozen=True)
class Press:
    """What the browser says of a press; the item's number and side are those it had on show."""

    number: int
    side: Side
    answer: Answer
    milliseconds: float
    hidden: float
    searches: int


def show_task(labeller: Labeller, task: Task) -> None:
    """Mount the task; its messages are taken before the fragment around this reruns."""
    judge(
        _content(task),
        key=COMPONENT,
        exposure_ms=EXPOSURE_MS,
        on={"answer": _answered, "undo": _undone, "comment": _commented, "leave": _left},
    )


def _answered() -> None:
    """Put the answer that came on the disk."""
    message, labeller = _message("answer"), visitor().labeller
    press = _press(message)
    shown: Shown | None = st.session_state.get(SHOWN)
    if press is None or labeller is None:
        log.warning("An answer was refused: malformed, or its invitation is not valid.")
        return
    if shown is None or (shown.task.number, shown.task.side) != (press.number, press.side):
        return
    try:
        record(
            durable_database(),
            labeller.id,
            shown.task.item_id,
            press.side,
            press.answer,
            response_ms=press.milliseconds,
            shown_at=shown.shown_at,
        )
    except STORAGE_ERRORS:
        log.exception("An answer of labeller %s could not be stored", labeller.id)
        st.session_state[PROBLEM] = ENGLISH.not_stored


def _undone() -> None:
    _message("undo")


def _commented() -> None:
    _message("comment")


def _left() -> None:
    _message("leave")


def _message(name: str) -> Any:
    """What came from the browser; the images that it says it holds are noted."""
    message = getattr(st.session_state[COMPONENT], name)
    held = message.get("held") if isinstance(message, dict) else None
    if isinstance(held, list):
        st.session_state[HELD] = frozenset(map(str, held))
    return message


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


def _content(task: Task) -> dict[str, Any]:
    """What the browser is sent now; `turn` makes each one differ."""
    _remember(task)
    stimuli = {_name(task.number, "source"): task.source_stimulus}
    if task.perturbed_stimulus is not None:
        stimuli[_name(task.number, "perturbed")] = task.perturbed_stimulus
    if task.ahead is not None:
        number, stimulus = task.ahead
        stimuli[_name(number, "source")] = stimulus
    held = st.session_state.pop(HELD, frozenset())
    return {
        "turn": secrets.token_hex(4),
        "words": asdict(ENGLISH),
        "help": ENGLISH.help,
        "number": task.number,
        "side": PLACES[task.side],
        "left": _name(task.number, "source"),
        "right": _name(task.number, "perturbed") if task.perturbed_stimulus else None,
        "images": {name: _picture(it) for name, it in stimuli.items() if name not in held},
        "answered": task.source_answer,
        "options": options(task.phrase, ENGLISH.options),
        "gloss": task.gloss,
        "place": ENGLISH.place.format(place=task.done + 1, total=task.total),
        "done": task.done,
        "total": task.total,
        "undo": False,
        "comment": None,
        "rest": None,
        "search": {
            "text": ENGLISH.unsure.format(phrase=task.phrase),
            "address": IMAGE_SEARCH + quote_plus(task.search_term),
        },
        "problem": st.session_state.pop(PROBLEM, None),
    }


def _remember(task: Task) -> None:
    """Keep what is on show, with the time at which it was first sent."""
    shown: Shown | None = st.session_state.get(SHOWN)
    if shown is None or (shown.task.number, shown.task.side) != (task.number, task.side):
        shown = Shown(task, now())
    st.session_state[SHOWN] = Shown(task, shown.shown_at)


def _name(number: int, side: Side) -> str:
    """An image's name in this browser. No two items share one, whatever images they show."""
    names = st.session_state.setdefault(NAMES, {})
    return names.setdefault((number, side), secrets.token_hex(4))


def _picture(sha256: str) -> str:
    """The stored PNG itself, bit for bit, as a data: address."""
    file = image_file(current_home(), sha256)
    png = file.read_bytes()
    if hashlib.sha256(png).hexdigest() != sha256:
        raise PictureError(f"{file} is damaged; restore it from a backup of the home folder.")
    return data_address(png)
