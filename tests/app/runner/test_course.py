"""Taking turns: a course goes on for its time, is stopped by a person, or ends."""

from __future__ import annotations

import pytest

from app.runner.course import Course, Stopped, advance, stop


def counting(to: int, log: list[str]) -> Course:
    try:
        for step in range(to):
            yield {"step": step}
    except Stopped:
        log.append("stopped")
        raise
    finally:
        log.append("closed")


def test_a_turn_is_at_least_one_unit_and_tells_the_newest_progress() -> None:
    course = counting(3, [])
    assert [advance(course, 0.0) for _ in range(4)] == [
        ({"step": 0}, False),
        ({"step": 1}, False),
        ({"step": 2}, False),
        ({}, True),
    ]


def test_with_time_enough_a_course_ends_in_one_turn() -> None:
    assert advance(counting(1000, []), 60.0) == ({"step": 999}, True)


def test_a_course_that_is_stopped_closes_its_books_and_one_that_is_dropped_only_closes() -> None:
    log: list[str] = []
    course = counting(3, log)
    advance(course, 0.0)
    stop(course)
    assert log == ["stopped", "closed"]
    log.clear()
    course = counting(3, log)
    advance(course, 0.0)
    course.close()
    assert log == ["closed"]


def test_a_course_that_never_began_and_one_that_is_over_can_be_stopped() -> None:
    stop(counting(3, []))
    ended = counting(1, [])
    advance(ended, 60.0)
    stop(ended)


def test_what_goes_wrong_is_raised_to_the_worker() -> None:
    def failing() -> Course:
        yield {}
        raise ValueError("broken")

    course = failing()
    advance(course, 0.0)
    with pytest.raises(ValueError, match="broken"):
        advance(course, 0.0)
