"""The labeller's whole world: one image, then perhaps a second one, and four answers.

What this page sends is all that a labeller's browser ever gets. Items are named by their place in
the labeller's own order, images by that place and their side, and the second image of a pair leaves
the server only after the answer about the first one is on the disk (`labelling.queue`).
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
from data.stamps import now
from data.studies import Labeller, Side
from labelling.answers import Answer, options
from labelling.queue import Task, next_task, record
from labelling.studies import completion_code
from labelling.wording import ENGLISH

log = logging.getLogger(__name__)

#: Keys reach the browser as CSS classes and widget names: they tell nothing.
COMPONENT = "task"
#: This session's state: the task on the screen, what the browser holds, what went wrong.
SHOWN, HELD, PROBLEM = "shown", "held", "problem"

SIDES: dict[str, Side] = {"left": "source", "right": "perturbed"}
PLACES: dict[Side, str] = {side: place for place, side in SIDES.items()}
IMAGE_SEARCH = "https://duckduckgo.com/?ia=images&iax=images&q="

#: No header, menu or padding of Streamlit's, and no fading while the next image is on its way.
BARE_PAGE = """
<style>
[data-testid="stHeader"], [data-testid="stToolbar"], footer { display: none; }
[data-testid="stMainBlockContainer"] { max-width: none; padding: 1rem 1rem 0; }
[data-stale="true"] { opacity: 1; }
</style>
"""


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
    held: frozenset[str]


class PictureError(RuntimeError):
    """An image that is to be shown is missing or damaged."""


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
        judge(_content(labeller), key=COMPONENT, on_answer=_store)
    except (DatabaseError, sqlite3.Error, OSError, PictureError):
        log.exception("Labeller %s cannot be shown the next task", labeller.id)
        st.write(ENGLISH.not_available)


def _store() -> None:
    """Put the answer that came on the disk. Runs before `_next` sends anything."""
    press = _press(st.session_state[COMPONENT].answer)
    labeller = visitor().labeller
    shown: Shown | None = st.session_state.get(SHOWN)
    if press is None or labeller is None:
        log.warning("An answer was refused: malformed, or its invitation is not valid.")
        return
    st.session_state[HELD] = press.held
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
    except (DatabaseError, sqlite3.Error, OSError):
        log.exception("An answer of labeller %s could not be stored", labeller.id)
        st.session_state[PROBLEM] = ENGLISH.not_stored


def _press(message: Any) -> Press | None:
    """The browser's message, if it is one that judge.js could have sent."""
    try:
        milliseconds = float(message["milliseconds"])
        if not (math.isfinite(milliseconds) and milliseconds >= 0):
            return None
        return Press(
            number=int(message["number"]),
            side=SIDES[message["side"]],
            answer=Answer(message["answer"]),
            milliseconds=milliseconds,
            held=frozenset(map(str, message["held"])),
        )
    except (KeyError, TypeError, ValueError):
        return None


def _content(labeller: Labeller) -> dict[str, Any]:
    """What the browser is sent now: the next task, or the end. `turn` makes each one differ."""
    task = next_task(database(), labeller.id)
    content = {"turn": secrets.token_hex(4), "words": asdict(ENGLISH), "images": {}, "end": None}
    if task is None:
        st.session_state.pop(SHOWN, None)
        return content | {"end": {"code": completion_code(labeller)}}
    _remember(task)
    stimuli = {_name(task.number, "source"): task.source_stimulus}
    if task.perturbed_stimulus is not None:
        stimuli[_name(task.number, "perturbed")] = task.perturbed_stimulus
    if task.ahead is not None:
        number, stimulus = task.ahead
        stimuli[_name(number, "source")] = stimulus
    held = st.session_state.pop(HELD, frozenset())
    return content | {
        "number": task.number,
        "side": PLACES[task.side],
        "left": _name(task.number, "source"),
        "right": _name(task.number, "perturbed") if task.perturbed_stimulus else None,
        "images": {name: _picture(it) for name, it in stimuli.items() if name not in held},
        "answered": task.source_answer,
        "options": options(task.phrase, ENGLISH.options),
        "gloss": task.gloss,
        "done": task.done,
        "total": task.total,
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
    """An image's name in the browser."""
    return f"{number}{'a' if side == 'source' else 'b'}"


def _picture(sha256: str) -> str:
    """The stored PNG itself, bit for bit, as a data: address."""
    file = image_file(current_home(), sha256)
    png = file.read_bytes()
    if hashlib.sha256(png).hexdigest() != sha256:
        raise PictureError(f"{file} is damaged; restore it from a backup of the home folder.")
    return data_address(png)
