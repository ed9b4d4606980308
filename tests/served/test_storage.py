"""Where nothing can be stored: one sentence, the answer stays on the screen, nothing half-written.

Real servers, whose disk fills, whose database is read-only, unreadable or locked; and afterwards
the same page goes on. The labellers are synthetic.
"""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from data.database import open_database
from data.home import Home
from data.judgements import judgements
from labelling.wording import ENGLISH
from tests.event_loop import run_apart
from tests.labelling.synthetic_study import at_once
from tests.served.crowd import loaded_study
from tests.served.labelling_client import LabellingClient, Screen
from tests.served.server import Server, running
from tests.served.troubles import (
    full_disk,
    locked,
    no_larger_files,
    no_space,
    read_only,
    server_at,
    unreadable,
)


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


TROUBLES = [no_larger_files, no_space, full_disk, read_only, unreadable, locked]


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

    with running(server_at(home)) as server:
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
