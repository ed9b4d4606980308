"""Opening, transactions, and what the schema itself refuses."""

from __future__ import annotations

import sqlite3
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from sqlite_utils import Database

from data.database import DatabaseError, immediate, insert_once, open_database
from data.experiments import conditions
from data.home import Home
from data.results import add_result
from tests.data.actors import run_together, start
from tests.data.rows import a_failure, a_find, an_experiment


@pytest.mark.parametrize(("durable", "synchronous"), [(False, 1), (True, 2)])
def test_a_connection_has_the_settings_it_promises(
    home: Home, durable: bool, synchronous: int
) -> None:
    database = open_database(home, durable=durable)
    settings = {
        "journal_mode": "wal",
        "foreign_keys": 1,
        "busy_timeout": 10_000,
        "recursive_triggers": 1,
        "synchronous": synchronous,
    }
    for name, value in settings.items():
        assert database.execute(f"PRAGMA {name}").fetchone() == (value,), name


def test_four_processes_open_a_new_home_at_once(home: Home) -> None:
    tables = run_together([start("opener", home.root) for _ in range(4)])
    expected = len(open_database(home).table_names())
    assert tables == [[str(expected)]] * 4


def test_a_new_home_that_another_is_just_creating_is_waited_for(home: Home) -> None:
    """The switch to the write-ahead log fails at once on a locked file, whatever the timeout."""
    other = sqlite3.connect(home.database, isolation_level=None, check_same_thread=False)
    other.execute("BEGIN IMMEDIATE")
    threading.Timer(0.2, other.commit).start()
    assert open_database(home).execute("PRAGMA journal_mode").fetchone() == ("wal",)


def test_of_several_that_count_at_once_no_count_is_lost(home: Home, database: Database) -> None:
    database.execute("CREATE TABLE counter (n INTEGER)")
    database.execute("INSERT INTO counter VALUES (0)")

    def count(_: int) -> None:
        own = open_database(home)
        for _ in range(20):
            with immediate(own):
                (n,) = own.execute("SELECT n FROM counter").fetchone()
                time.sleep(0.0005)  # lets the others in, between reading and writing
                own.execute("UPDATE counter SET n = ?", [n + 1])

    with ThreadPoolExecutor(4) as threads:
        list(threads.map(count, range(4)))
    assert database.execute("SELECT n FROM counter").fetchone() == (80,)


def test_an_exception_undoes_the_transaction_and_a_nested_one_only_itself(
    database: Database,
) -> None:
    with pytest.raises(ZeroDivisionError), immediate(database):
        an_experiment(database)
        _ = 1 / 0
    assert database["experiments"].count == 0 and not database.conn.in_transaction

    with immediate(database):
        an_experiment(database)
        with pytest.raises(ZeroDivisionError), immediate(database):
            an_experiment(database)
            _ = 1 / 0
    assert database["experiments"].count == 1 and not database.conn.in_transaction


def test_a_reader_is_not_held_up_by_a_writer(home: Home, database: Database) -> None:
    reader = open_database(home)
    with immediate(database):
        an_experiment(database)
        assert reader["experiments"].count == 0
    assert reader["experiments"].count == 1


def test_a_locked_database_is_one_sentence(home: Home, database: Database) -> None:
    other = open_database(home)
    other.execute("PRAGMA busy_timeout = 20")
    with (
        immediate(database),
        pytest.raises(DatabaseError, match=r"kept it locked for too long; try again\.$"),
    ):
        an_experiment(other)
    an_experiment(other)


def test_a_full_disk_is_one_sentence_and_leaves_nothing(database: Database) -> None:
    """SQLite answers SQLITE_FULL at its own page limit as it does on a full disk."""
    (pages,) = database.execute("PRAGMA page_count").fetchone()
    database.execute(f"PRAGMA max_page_count = {pages}")
    with pytest.raises(DatabaseError, match=r"the disk is full; free some space"):
        an_experiment(database, definition={"long": "x" * 100_000})
    assert database["experiments"].count == 0
    assert database.execute("PRAGMA integrity_check").fetchone() == ("ok",)


def test_a_read_only_database_is_one_sentence(database: Database) -> None:
    database.execute("PRAGMA query_only = ON")
    with pytest.raises(DatabaseError, match=r"it is read-only; make its file .* writable"):
        an_experiment(database)


@pytest.mark.parametrize(
    ("spoil", "sentence"),
    [
        (lambda file: file.write_text("no database " * 100), "its file holds something else"),
        (lambda file: file.mkdir(parents=True), "its file cannot be opened"),
    ],
)
def test_a_file_that_is_no_database_is_one_sentence(home: Home, spoil: Any, sentence: str) -> None:
    spoil(home.database)
    with pytest.raises(DatabaseError, match=rf"plainview.sqlite cannot be used: {sentence}"):
        open_database(home)


def test_a_database_of_a_newer_version_is_refused_untouched(home: Home) -> None:
    newer = open_database(home)
    newer["_sqlite_migrations"].insert(
        {"migration_set": "plainview", "name": "m999_maps", "applied_at": "2030"}
    )
    newer.close()
    with pytest.raises(DatabaseError, match=r"newer version .*m999_maps.* update the code"):
        open_database(home)


def test_every_table_is_strict(database: Database) -> None:
    rows = database.execute("SELECT name, strict FROM pragma_table_list WHERE schema = 'main'")
    loose = {name for name, strict in rows if not strict and not name.startswith("sqlite_")}
    assert loose == {"_sqlite_migrations", "standing_judgements"}


def test_every_foreign_key_has_an_index(database: Database) -> None:
    """Else deleting a parent row, and joining, reads the whole child table."""
    for table in database.tables:
        leading = {table.pks[0], *(index.columns[0] for index in table.indexes)}
        assert {key.column for key in table.foreign_keys} <= leading, table.name


@pytest.mark.parametrize(
    "broken",
    [
        {"outcome": "lost"},
        {"outcome": "found"},
        {"magnitude": 1.0},
        {"outcome": "exhausted", "reason": None},
        {"reason": None},
        {"target": 3},
        {"trial_index": -1},
        {"seconds": -1.0},
        {"steps": "many"},
        {"condition_id": 999},
        {"source_id": "f" * 64},
        {"stimulus": "f" * 64},
    ],
    ids=str,
)
def test_a_result_that_contradicts_itself_is_refused(
    database: Database, broken: dict[str, Any]
) -> None:
    condition = conditions(database, an_experiment(database))[0]
    with pytest.raises(sqlite3.IntegrityError):
        add_result(database, replace(a_failure(condition.id), **broken))
    assert database["results"].count == 0


def test_a_magnitude_that_is_not_a_number_is_refused(database: Database, home: Home) -> None:
    condition = conditions(database, an_experiment(database))[0]
    with pytest.raises(sqlite3.IntegrityError):
        add_result(database, a_find(database, home, condition.id, magnitude=float("nan")))
    with pytest.raises(ValueError, match="Out of range"):
        add_result(database, a_find(database, home, condition.id, magnitudes=(float("nan"),)))


def test_insert_once_passes_over_a_taken_key_but_not_over_a_broken_row(database: Database) -> None:
    row = {"sha256": "a" * 64, "width": 1, "height": 1, "channels": 1, "bytes": 1}
    row["created_at"] = "2026"
    assert insert_once(database, "stimuli", row) == 1
    assert insert_once(database, "stimuli", row) is None
    with pytest.raises(sqlite3.IntegrityError):
        insert_once(database, "stimuli", row | {"channels": 2})


def test_deleting_an_experiment_takes_its_results_and_leaves_the_images(
    database: Database, home: Home, tmp_path: Path
) -> None:
    experiment_id = an_experiment(database)
    condition = conditions(database, experiment_id)[0]
    add_result(database, a_find(database, home, condition.id))
    database["experiments"].delete(experiment_id)
    counts = {name: database[name].count for name in ("conditions", "results", "stimuli")}
    assert counts == {"conditions": 0, "results": 0, "stimuli": 2}


def test_threads_of_a_process_wait_for_their_turn(home: Home) -> None:
    """Not by asking SQLite again and again: here it would refuse at once."""
    begun, wrote = threading.Event(), []

    def write(name: str) -> None:
        with closing(open_database(home)) as connection:
            connection.execute("PRAGMA busy_timeout = 0")
            with immediate(connection):
                begun.set()
                time.sleep(0.2)
                wrote.append(name)

    threads = [threading.Thread(target=write, args=[name]) for name in ("first", "second")]
    threads[0].start()
    assert begun.wait(30)
    threads[1].start()
    for thread in threads:
        thread.join()
    assert wrote == ["first", "second"]
