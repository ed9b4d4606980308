"""`kill -9` of the server in the middle of people's answers, again and again."""

from __future__ import annotations

import asyncio
import random
import sqlite3
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path

from data.home import Home
from tests.event_loop import run_apart
from tests.labelling.synthetic_study import at_once
from tests.served.crowd import (
    Member,
    assert_nothing_lost_or_doubled,
    crowd,
    label,
    loaded_study,
)
from tests.served.server import Server, running

PEOPLE = 10
#: They look at an image for a moment only: there is always an answer on its way.
PAUSE = (0.0, 0.05)
#: A life of the server lasts for so many judgements at most, and for a moment more.
LONGEST_LIFE, MOMENT_SECONDS = 20, 0.05
#: Where a server should have answered long ago.
PATIENCE_SECONDS = 120


def killed_and_killed(home: Path, *, kills: int, judgements: int, seed: int = 0) -> int:
    """Kill the server so often during so many judgements; how many there were in all.

    Everything acknowledged is there, nothing is there twice, and the database is sound after each.
    """
    draws = random.Random(seed)
    home.mkdir(parents=True)
    people = loaded_study(home, people=PEOPLE, trials=2 * judgements, options=at_once())
    with running(Server(home)) as server:
        members = crowd(server.url, people)
        over = threading.Event()
        labelling = threading.Thread(target=_label, args=[members, over], daemon=True)
        labelling.start()
        try:
            for _ in range(kills):
                life = draws.randint(0, min(LONGEST_LIFE, 2 * judgements // kills))
                seen = _given(members) + life
                _until(lambda seen=seen: _given(members) >= seen)
                time.sleep(draws.uniform(0, MOMENT_SECONDS))
                server.kill()
                server.start()
                _assert_sound(home)
            _until(lambda: _given(members) >= judgements)
        finally:
            over.set()
            labelling.join(PATIENCE_SECONDS)
    assert not labelling.is_alive()
    assert [member.ended for member in members] == [()] * len(members), "somebody was sent away"
    assert sum(member.connections for member in members) > kills, "they came back each time"
    assert sum(member.interrupted for member in members) > kills, "answers were on their way"
    return assert_nothing_lost_or_doubled(home, members)


def _label(members: Sequence[Member], over: threading.Event) -> None:
    async def together() -> None:
        async with asyncio.TaskGroup() as group:
            for seed, member in enumerate(members):
                group.create_task(label(member, until=over.is_set, pause=PAUSE, seed=seed))

    run_apart(together())


def _given(members: Sequence[Member]) -> int:
    return sum(len(member.given) for member in members)


def _until(done: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not done():
        assert time.monotonic() < deadline, "nobody's answers are stored any more"
        time.sleep(0.005)


def _assert_sound(home: Path) -> None:
    with closing(sqlite3.connect(Home(home).database, timeout=30)) as database:
        assert database.execute("PRAGMA integrity_check").fetchone() == ("ok",)
