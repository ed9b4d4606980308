"""Connections go from thread to thread, and never are two threads' at once."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TypeVar

import pytest
from sqlite_utils import Database

from app.connections import KEPT, Connections
from data.database import DatabaseError, open_database
from data.home import Home

T = TypeVar("T")


@pytest.fixture
def home(tmp_path) -> Home:
    place = Home(tmp_path / "home")
    open_database(place).close()
    return place


def in_a_thread(act: Callable[[], T]) -> T:
    """What `act` returns in a thread of its own, which has ended by then."""
    answers: list[T] = []
    thread = threading.Thread(target=lambda: answers.append(act()))
    thread.start()
    thread.join()
    return answers[0]


def synchronous(database: Database) -> int:
    return database.execute("PRAGMA synchronous").fetchone()[0]


def test_a_thread_has_one_of_each_kind(home: Home) -> None:
    pool = Connections()
    quick, durable = pool.get(home, durable=False), pool.get(home, durable=True)
    assert (pool.get(home, durable=False), pool.get(home, durable=True)) == (quick, durable)
    assert (synchronous(quick), synchronous(durable)) == (1, 2)


def test_the_next_thread_goes_on_with_what_the_last_one_had(home: Home) -> None:
    pool = Connections()
    names = {in_a_thread(lambda: id(pool.get(home, durable=True))) for _ in range(5)}
    assert len(names) == 1


def test_two_threads_at_once_have_two(home: Home) -> None:
    pool = Connections()
    mine = pool.get(home, durable=True)
    assert in_a_thread(lambda: pool.get(home, durable=True)) is not mine


def test_after_a_rush_only_some_stay_open(home: Home) -> None:
    pool = Connections()
    together = threading.Barrier(KEPT + 5)

    def take() -> None:
        pool.get(home, durable=False)
        together.wait(30)

    threads = [threading.Thread(target=take) for _ in range(KEPT + 5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert pool.waiting == KEPT


def test_what_a_thread_left_unfinished_is_undone(home: Home) -> None:
    pool = Connections()

    def begin() -> None:
        database = pool.get(home, durable=False)
        database.execute("BEGIN IMMEDIATE")
        database.execute("CREATE TABLE unfinished (x)")

    in_a_thread(begin)
    assert "unfinished" not in pool.get(home, durable=False).table_names()


def test_a_restored_file_is_opened_anew(home: Home, tmp_path) -> None:
    pool = Connections()
    in_a_thread(lambda: pool.get(home, durable=False).execute("SELECT 1").fetchone())
    other = Home(tmp_path / "other")
    with_a_table = open_database(other)
    with_a_table.execute("CREATE TABLE restored (x)")
    with_a_table.close()
    other.database.replace(home.database)
    assert "restored" in in_a_thread(lambda: pool.get(home, durable=False).table_names())


def test_what_cannot_be_opened_says_so_each_time(home: Home) -> None:
    home.database.write_bytes(b"something else" * 100)
    pool = Connections()
    for _ in range(2):
        with pytest.raises(DatabaseError, match="holds something else"):
            pool.get(home, durable=False)
