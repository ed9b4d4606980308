"""What can befall a server's storage, as long as a context lasts."""

from __future__ import annotations

import os
import resource
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from data.home import Home
from tests.served.server import Server

#: Tests may run as root, whom no permission holds off: the server goes without that.
AS_ANYBODY = (
    ("setpriv", "--bounding-set=-dac_override,-dac_read_search,-fowner")
    if os.geteuid() == 0 and shutil.which("setpriv")
    else ()
)
FILLER = "filler"
NO_SPACE = Path(__file__).with_name("no_space")


@contextmanager
def no_larger_files(server: Server) -> Iterator[None]:
    """The server may make no file larger than it is: every write is refused by the system."""
    limits = resource.prlimit(server.pid, resource.RLIMIT_FSIZE, (0, resource.RLIM_INFINITY))
    yield
    resource.prlimit(server.pid, resource.RLIMIT_FSIZE, limits)


@contextmanager
def no_space(server: Server) -> Iterator[None]:
    """To the server's SQLite the disk is full: see tests/served/no_space."""
    full = Path(server.environment["PLAINVIEW_TEST_FULL"])
    full.touch()
    yield
    full.unlink()


@contextmanager
def full_disk(server: Server) -> Iterator[None]:
    """Nothing is free on the disk on which the home is, where one of its own can be mounted."""
    filler = server.home / FILLER
    with filler.open("wb", buffering=0) as file:
        for size in (2**20, 2**12, 1):
            try:
                while file.write(b"\0" * size):
                    pass
            except OSError:
                continue
    yield
    filler.unlink()


@contextmanager
def read_only(server: Server) -> Iterator[None]:
    yield from _with_mode(server, 0o444)


@contextmanager
def unreadable(server: Server) -> Iterator[None]:
    yield from _with_mode(server, 0o000)


def _with_mode(server: Server, mode: int) -> Iterator[None]:
    database = Home(server.home).database
    before = database.stat().st_mode
    database.chmod(mode)
    yield
    database.chmod(before)


@contextmanager
def locked(server: Server) -> Iterator[None]:
    """Another process's transaction does not end."""
    with closing(sqlite3.connect(Home(server.home).database, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        yield


def server_at(home: Path) -> Server:
    """A server that any of the troubles can befall."""
    environment = {
        "PYTHONPATH": str(NO_SPACE),
        "PLAINVIEW_TEST_FULL": str(home.with_name("no-space-left")),
    }
    return Server(home, wrapper=AS_ANYBODY, environment=environment)
