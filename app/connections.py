"""Connections to the database, each lent to one thread at a time and used again by the next.

Streamlit starts a thread for every run: opening two connections for each answer, and closing them
after it, cost more than the answer itself when fifty people were there.
"""

from __future__ import annotations

import os
import threading
from collections import defaultdict

from sqlite_utils import Database

from data.database import open_database
from data.home import Home

#: The database file as it is now: path, device, number (another one after a restore), whether it
#: may be written (SQLite asks when it opens it). Then whether commits wait for the disk.
Key = tuple[str, int, int, bool, bool]
#: Each connection keeps so much of the file in memory. By default it is 2 MB, which a hundred of
#: them fill within the hour; the system keeps the file in memory anyhow, once for all.
CACHE_KIB = 256
#: So many wait for the next thread. More are opened while more threads run, and closed after that:
#: each takes most of a megabyte, with what SQLite knows of the schema.
KEPT = 16


class Connections:
    """A pool. What a thread was lent is free again when the thread has ended."""

    def __init__(self) -> None:
        self._free: defaultdict[Key, list[Database]] = defaultdict(list)
        self._here = threading.local()

    def get(self, home: Home, *, durable: bool) -> Database:
        """This thread's connection; the same one until the thread ends.

        Raises DatabaseError as `open_database` does.
        """
        if not hasattr(self._here, "loans"):
            self._here.loans = _Loans(self)
        loans: dict[Key, Database] = self._here.loans.lent
        key = _key(home, durable)
        if key not in loans:
            loans[key] = self._take(home, key)
        return loans[key]

    @property
    def waiting(self) -> int:
        """How many are open that no thread has."""
        return sum(map(len, self._free.values()))

    def give_back(self, key: Key, database: Database) -> None:
        """A thread has ended. A transaction that it did not end is undone."""
        if database.conn.in_transaction:
            database.conn.rollback()
        if len(self._free[key]) < KEPT:
            self._free[key].append(database)
        else:
            database.close()

    def _take(self, home: Home, key: Key) -> Database:
        try:
            return self._free[key].pop()
        except IndexError:
            self._close_replaced(key)
            database = open_database(home, durable=key[-1], any_thread=True)
            database.execute(f"PRAGMA cache_size = -{CACHE_KIB}")
            return database

    def _close_replaced(self, key: Key) -> None:
        """Connections to a file that is no longer the one of that name."""
        for other in list(self._free):
            if other[0] == key[0] and other[1:3] != key[1:3]:
                for database in self._free.pop(other):
                    database.close()


class _Loans:
    """What one thread was lent: it goes with the thread."""

    def __init__(self, pool: Connections) -> None:
        self.lent: dict[Key, Database] = {}
        self._pool = pool

    def __del__(self) -> None:
        for key, database in self.lent.items():
            self._pool.give_back(key, database)


def _key(home: Home, durable: bool) -> Key:
    file = home.database
    try:
        status = file.stat()
    except OSError:  # to be created
        return (str(file), 0, 0, True, durable)
    return (str(file), status.st_dev, status.st_ino, os.access(file, os.W_OK), durable)
