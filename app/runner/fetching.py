"""The course of a download: a thread fetches, the course tells how far it is and can be stopped."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from threading import Event, Thread

from app.runner.course import Course
from engine.catalogue import ensure_weights
from engine.entries import Entry

#: Between two looks at the thread; others have their turn in between.
LOOK_SECONDS = 0.02


class _NotWantedError(Exception):
    """Ends the thread at its next piece: what came stays, and the next download goes on from it."""


def fetching(entry: Entry, folders: Sequence[Path]) -> Course:
    """Fetch the entry's weights into the last of the folders, unless one has them. ModelError.

    Closing the course stops the download; what has come is kept.
    """
    told: tuple[int, int | None] = (0, None)
    unwanted, problems = Event(), list[Exception]()

    def follow(done: int, total: int | None) -> None:
        nonlocal told
        told = (done, total)
        if unwanted.is_set():
            raise _NotWantedError

    def fetch() -> None:
        try:
            ensure_weights(entry, folders, follow)
        except _NotWantedError:
            return
        except Exception as error:  # raised where the course is run
            problems.append(error)

    thread = Thread(target=fetch, name=f"fetching {entry.name}", daemon=True)
    thread.start()
    try:
        while thread.is_alive():
            yield {"phase": "fetching", "preparing": _sentence(entry.name, *told)}
            thread.join(LOOK_SECONDS)
    finally:
        unwanted.set()
    if problems:
        raise problems[0]


def _sentence(name: str, done: int, total: int | None) -> str:
    """ "Fetching resnet50: 12.3 of 102.5 MB"."""
    if not done:
        return f"Fetching {name}"
    if done == total:
        return f"Unpacking {name}"
    whole = f" of {total / 1e6:,.1f}" if total else ""
    return f"Fetching {name}: {done / 1e6:,.1f}{whole} MB"
