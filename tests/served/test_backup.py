"""A backup by the command, while people label at a real server; the labellers are synthetic."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

from data.database import open_database
from data.home import Home
from data.judgements import judgements
from tests.app.processes import ROOT
from tests.event_loop import run_apart
from tests.labelling.synthetic_study import at_once
from tests.served.crowd import Given, Member, crowd, label_for, loaded_study
from tests.served.labelling_client import LabellingClient, Screen
from tests.served.server import Server, running

PEOPLE, SECONDS = 5, 12.0


def command(*words: str | Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "app", *map(str, words)], capture_output=True, text=True, cwd=ROOT
    )
    assert done.returncode == 0, done.stderr


def given(members: Sequence[Member]) -> Counter[Given]:
    return Counter(one for member in members for one in member.given)


async def opened(url: str, invitation: str) -> Screen:
    client = LabellingClient(url, invitation)
    screen = await client.open()
    await client.close()
    return screen


def test_a_backup_while_people_label_is_of_one_moment_and_can_be_labelled_on(
    tmp_path: Path,
) -> None:
    home, file, restored = tmp_path / "home", tmp_path / "backup.tar", tmp_path / "restored"
    home.mkdir()
    people = loaded_study(home, people=PEOPLE, trials=100, options=at_once())
    with running(Server(home)) as server:
        members = crowd(server.url, people)
        labelling = threading.Thread(
            target=label_for,
            args=[members],
            kwargs={"seconds": SECONDS, "arrival": 0.5, "pause": (0.0, 0.1)},
        )
        labelling.start()
        while given(members).total() < 10 * PEOPLE:
            assert labelling.is_alive()
            labelling.join(0.05)
        before = given(members)
        command("backup", file, "--home", home)
        after = given(members)
        labelling.join()
    assert after > before, "people went on meanwhile"

    command("restore", file, "--home", restored)
    with closing(open_database(Home(restored))) as database:
        kept = Counter(
            (one.labeller_id, one.side, one.stimulus, one.answer) for one in judgements(database)
        )
    # What is on its way when the copy is taken may be stored already, and acknowledged after.
    assert before <= kept <= given(members)
    with running(Server(restored)) as server:
        assert run_apart(opened(server.url, people[0][1])).task is not None
