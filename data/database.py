"""Opening the database, and transactions that take the write lock at once."""

from __future__ import annotations

import json
import sqlite3
import threading
import time
from collections import defaultdict
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

import sqlite_utils

from data.home import Home
from data.migrations import migrations

BUSY_SECONDS = 10.0

#: What each of SQLite's primary result codes means to the person who meets it.
EXPLANATIONS = {
    sqlite3.SQLITE_BUSY: "another process has kept it locked for too long; try again",
    sqlite3.SQLITE_READONLY: "it is read-only; make its file and folder writable",
    sqlite3.SQLITE_FULL: "the disk is full; free some space and try again",
    sqlite3.SQLITE_IOERR: "the disk could not be read or written; check it and try again",
    sqlite3.SQLITE_CANTOPEN: "its file cannot be opened; make its file and folder writable",
    sqlite3.SQLITE_PERM: "access is denied; make its file and folder writable",
    sqlite3.SQLITE_CORRUPT: "it is damaged; restore it from a backup",
    sqlite3.SQLITE_NOTADB: "its file holds something else; restore it from a backup",
}


#: By file: whose turn it is among this process's threads to write. SQLite waits by looking again
#: after a while, and whoever looks at the right moment is next: with fifty people answering, one
#: in a hundred waited for seconds.
_turns: defaultdict[str, threading.Lock] = defaultdict(threading.Lock)


class DatabaseError(RuntimeError):
    """The database cannot be used; the message is one sentence for the user."""


def open_database(
    home: Home, *, durable: bool = False, any_thread: bool = False
) -> sqlite_utils.Database:
    """A new connection to the home's database, created and migrated where that is needed.

    Write-ahead log, foreign keys and a busy timeout of 10 s. `durable` makes a commit wait until
    the disk has it (synchronous = FULL): judgements are written through such a connection. A
    connection belongs to the thread that opened it; with `any_thread` to one thread at a time.

    Raises DatabaseError when the database cannot be opened, or comes from a newer version.
    """
    path = home.database
    with explained(path):
        connection = sqlite3.connect(
            path,
            timeout=BUSY_SECONDS,
            isolation_level=None,
            check_same_thread=not any_thread,
        )
        try:
            database = sqlite_utils.Database(connection, execute_plugins=False)
            _write_ahead(connection)
            connection.execute("PRAGMA foreign_keys = ON")
            connection.execute(f"PRAGMA synchronous = {'FULL' if durable else 'NORMAL'}")
            _migrate(database)
        except BaseException:
            connection.close()
            raise
    return database


@contextmanager
def immediate(database: sqlite_utils.Database) -> Iterator[None]:
    """A transaction that holds the write lock from its start: BEGIN IMMEDIATE … COMMIT.

    sqlite-utils' own `atomic()` begins without the lock, so two connections could read the same
    state and both act on it. Inside another `immediate` this is a savepoint of that transaction.
    An exception rolls back. Raises DatabaseError when the lock is not to be had within 10 s, and
    for a full disk and the like.
    """
    if database.conn.in_transaction:
        with database.atomic():
            yield
        return
    path = _path(database)
    with explained(path), _turn(path):
        database.execute("BEGIN IMMEDIATE")
        try:
            yield
            database.execute("COMMIT")
        except BaseException:
            database.rollback()
            raise


def insert_once(
    database: sqlite_utils.Database, table: str, values: Mapping[str, Any]
) -> int | None:
    """Inserts a row and returns its rowid; None, and nothing done, when its key is there already.

    Only a unique key may stand in the way: a broken CHECK or foreign key raises
    sqlite3.IntegrityError, where INSERT OR IGNORE would drop the row in silence.
    """
    columns = ", ".join(values)
    places = ", ".join(f":{column}" for column in values)
    cursor = database.execute(
        f"INSERT INTO {table} ({columns}) VALUES ({places}) ON CONFLICT DO NOTHING", values
    )
    return cursor.lastrowid if cursor.rowcount == 1 else None


def as_json(value: Any) -> str:
    """JSON text for a column: sorted keys, no spaces; ValueError for NaN and infinity."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False)


@contextmanager
def explained(path: Path | str) -> Iterator[None]:
    """Turns SQLite's errors about files, locks and disks into DatabaseError.

    Broken constraints and wrong SQL are errors of the program and pass unchanged.
    """
    try:
        yield
    except sqlite3.Error as error:
        code = getattr(error, "sqlite_errorcode", None)
        explanation = EXPLANATIONS.get(code & 0xFF) if code is not None else None
        if explanation is None:
            raise
        raise _unusable(path, explanation) from error


@contextmanager
def _turn(path: str) -> Iterator[None]:
    """This thread's turn to write to the file; a database in memory has no other writers."""
    if not path:
        yield
        return
    turn = _turns[path]
    if not turn.acquire(timeout=BUSY_SECONDS):
        raise _unusable(path, EXPLANATIONS[sqlite3.SQLITE_BUSY])
    try:
        yield
    finally:
        turn.release()


def _unusable(path: Path | str, explanation: str) -> DatabaseError:
    return DatabaseError(f"The database {path} cannot be used: {explanation}.")


def _path(database: sqlite_utils.Database) -> str:
    """The file behind a connection; empty for one in memory."""
    return database.execute("PRAGMA database_list").fetchone()[2]


def _write_ahead(connection: sqlite3.Connection) -> None:
    """Switches a new file to the write-ahead log; the setting stays in the file.

    SQLite does not wait for the busy timeout here, so two processes that open a new home at the
    same moment would meet "database is locked".
    """
    deadline = time.monotonic() + BUSY_SECONDS
    while connection.execute("PRAGMA journal_mode").fetchone() != ("wal",):
        try:
            connection.execute("PRAGMA journal_mode = WAL")
        except sqlite3.OperationalError as error:
            busy = error.sqlite_errorcode & 0xFF == sqlite3.SQLITE_BUSY
            if not busy or time.monotonic() > deadline:
                raise
            time.sleep(0.01)


def _migrate(database: sqlite_utils.Database) -> None:
    """Brings the schema up to date; of several processes at once, one does and the others wait."""
    applied = {migration.name for migration in migrations.applied(database)}
    if newer := sorted(applied - _known_migrations()):
        raise DatabaseError(
            f"The database was written by a newer version of Plainview (it has {newer[-1]}); "
            "update the code, or set PLAINVIEW_HOME to another folder."
        )
    if applied != _known_migrations():
        with immediate(database):
            migrations.apply(database)


@cache
def _known_migrations() -> frozenset[str]:
    """The names of all migrations in the code: those that an empty database lacks."""
    empty = sqlite_utils.Database(memory=True)
    return frozenset(migration.name for migration in migrations.pending(empty))
