"""Where nothing can be stored: one sentence, the answer stays on the screen, nothing half-written.

Real servers, whose disk fills, whose database is read-only, unreadable or locked; and afterwards
the same page goes on. The labellers are synthetic.
"""

from __future__ import annotations

import os
import resource
import shutil
import sqlite3
import subprocess
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from data.database import open_database
from data.home import Home
from data.studies import judgements
from labelling.wording import ENGLISH
from tests.event_loop import run_apart
from tests.labelling.synthetic_study import at_once
from tests.served.crowd import loaded_study
from tests.served.labelling_client import LabellingClient, Screen
from tests.served.server import Server, running

#: Tests may run as root, whom no permission holds off: the server goes without that.
AS_ANYBODY = (
    ("setpriv", "--bounding-set=-dac_override,-dac_read_search,-fowner")
    if os.geteuid() == 0 and shutil.which("setpriv")
    else ()
)
FILLER = "filler"


@contextmanager
def no_larger_files(server: Server) -> Iterator[None]:
    """The server may make no file larger than it is: every write is refused by the system."""
    limits = resource.prlimit(server.pid, resource.RLIMIT_FSIZE, (0, resource.RLIM_INFINITY))
    yield
    resource.prlimit(server.pid, resource.RLIMIT_FSIZE, limits)


@contextmanager
def full_disk(server: Server) -> Iterator[None]:
    """Nothing is free on the disk on which the home is."""
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


@pytest.fixture
def home(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Path]:
    """A folder; a small disk of its own where the test fills it."""
    folder = tmp_path / "home"
    folder.mkdir()
    if request.getfixturevalue("trouble") is not full_disk:
        yield folder
        return
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=16m", "tmpfs", folder], capture_output=True
    )
    if mounted.returncode:
        pytest.skip("Mounting a small disk takes a right that these tests do not have here.")
    yield folder
    subprocess.run(["umount", "--lazy", folder], check=True)


TROUBLES = [no_larger_files, full_disk, read_only, unreadable, locked]


@pytest.mark.parametrize("trouble", TROUBLES, ids=lambda trouble: trouble.__name__)
def test_the_answer_stays_on_the_screen_and_afterwards_it_goes_on(home: Path, trouble) -> None:
    (one, other) = loaded_study(home, people=2, trials=20, options=at_once())

    async def label(server: Server) -> None:
        client, latecomer = (
            LabellingClient(server.url, one[1]),
            LabellingClient(server.url, other[1]),
        )
        await client.open()
        for answer in (1, 2, 2):
            assert (await client.answer(answer)).problem is None
        asked, before = client.screen, log_of(home)
        with trouble(server):
            refused = await client.answer(2)
            assert (refused.problem, refused.task) == (ENGLISH.not_stored, asked.task)
            assert refused.stimulus == asked.stimulus
            assert said_to(await latecomer.open()) == ENGLISH.not_available
        assert log_of(home) == before, "nothing was half-written"
        stored = await client.answer(2)
        assert stored.problem is None and stored.task != asked.task
        assert len(log_of(home)["judgements"]) == 4
        assert (await latecomer.open()).task is not None
        for person in (client, latecomer):
            await person.close()

    with running(Server(home, wrapper=AS_ANYBODY)) as server:
        run_apart(label(server))
        assert server.alive


def said_to(screen: Screen) -> str:
    """The one sentence on a page without a task."""
    sentences = [text for text in screen.texts if text != "Plainview"]
    assert screen.task is None and len(sentences) == 1, screen
    return sentences[0]


def log_of(home: Path) -> dict[str, list[object]]:
    """Every row about judging."""
    with closing(open_database(Home(home))) as database:
        assert database.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        tables = ("assignments", "retractions", "labeller_events", "comments")
        rows = {table: list(database[table].rows) for table in tables}
        for row in rows["assignments"]:
            row.pop("lease_expires")
        return rows | {"judgements": list(judgements(database))}
