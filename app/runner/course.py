"""A job's course: a generator that yields its progress after every unit of work.

Whoever runs the course decides how long it may go on before others have their turn, and stops it
by throwing `Stopped` into it, so that it can close its books. A course that is dropped or closed
without that (the worker ends) leaves its job to be resumed.
"""

from __future__ import annotations

from collections.abc import Generator
from time import monotonic
from typing import Any

Progress = dict[str, Any]
Course = Generator[Progress, None, None]


class Stopped(Exception):
    """Thrown into a course when a person has asked for its end."""


def advance(course: Course, seconds: float) -> tuple[Progress, bool]:
    """Run the course for about `seconds`, at least one unit: its newest progress, and whether
    it has ended. Whatever goes wrong in the course is raised here."""
    deadline = monotonic() + seconds
    progress: Progress = {}
    for progress in course:
        if monotonic() >= deadline:
            return progress, False
    return progress, True


def stop(course: Course) -> None:
    """End the course as a person wished; its work so far is kept."""
    try:
        course.throw(Stopped())
    except (Stopped, StopIteration):
        return
    course.close()
