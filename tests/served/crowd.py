"""Synthetic labellers at one server: they answer at random, at a pace, and note what became of it.

What they note is compared with the database afterwards: an answer after which the page showed
another task, then or when it was opened again, was acknowledged.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

from data.database import open_database
from data.home import Home
from data.judgements import judgements
from data.labellers import labeller_of
from labelling.options import StudyOptions
from labelling.studies import create_study, invite
from tests.event_loop import run_apart
from tests.labelling.synthetic_study import add_experiment, label_text
from tests.served.labelling_client import LOST, LabellingClient, Screen

#: Images that show their label, as these labellers see it.
SHOWS_LABEL = 0.7
#: Between two attempts to reach a server that is gone.
LOOK_SECONDS = 0.1

SIDES = {"left": "source", "right": "perturbed"}
#: Labeller, side, image and answer of a judgement.
Given = tuple[int, str, str, int]


@dataclass
class Member:
    """One of them: the client, and what was acknowledged to it.

    `interrupted`: answers that were on their way when the connection was lost. `ended`: what the
    page said when there was no task any more.
    """

    labeller_id: int
    client: LabellingClient
    given: list[Given] = field(default_factory=list)
    problems: int = 0
    connections: int = 0
    interrupted: int = 0
    ended: tuple[str, ...] = ()


def loaded_study(
    home: Path, *, people: int, trials: int, options: StudyOptions
) -> list[tuple[int, str]]:
    """A study of 4 × `trials` pairs; (labeller, invitation) of each of its people."""
    place = Home(home)
    with closing(open_database(place, durable=True)) as database:
        experiment_id = add_experiment(database, place, trials=trials)
        study_id = create_study(
            database,
            [experiment_id],
            "crowd (synthetic)",
            label_text=label_text,
            created_by="test",
            options=options,
        )
        tokens = [invite(database, study_id, f"synthetic {number}") for number in range(people)]
        return [(labeller_of(database, token).id, token) for token in tokens]


def crowd(url: str, people: Sequence[tuple[int, str]]) -> list[Member]:
    """Clients for all of them, none connected yet."""
    return [Member(labeller_id, LabellingClient(url, token)) for labeller_id, token in people]


async def label(
    member: Member, *, until: Callable[[], bool], pause: tuple[float, float], seed: int
) -> None:
    """Answer until there is nothing to answer or it is time to stop; reconnect where that is lost.

    `pause`: the shortest and the longest time that one looks at an image, in seconds.
    """
    draws = random.Random(seed)
    client = member.client
    screen: Screen | None = None
    pending: tuple[Screen, int] | None = None
    while not until():
        try:
            if screen is None:
                screen = await client.open()
                member.connections += 1
            if pending is not None and screen.task != pending[0].task:
                member.given.append(_given(member, *pending))
            pending = None
            if screen.task is None:
                member.ended = screen.texts or ("nothing",)
                break
            await asyncio.sleep(draws.uniform(*pause))
            answer = 1 if draws.random() < SHOWS_LABEL else draws.randint(2, 4)
            pending = (screen, answer)
            screen = await client.answer(answer)
            if screen.problem:
                member.problems += 1
                pending = None
        except LOST:
            member.interrupted += pending is not None
            screen = None
            await asyncio.sleep(LOOK_SECONDS)
    if pending is not None and screen is not None and screen.task != pending[0].task:
        member.given.append(_given(member, *pending))
    if screen is not None:
        await client.close()


def label_for(
    members: Sequence[Member], *, seconds: float, arrival: float, pause: tuple[float, float]
) -> None:
    """All at once, for so long, after they have come one by one within `arrival` seconds."""
    end = time.monotonic() + arrival + seconds

    async def together() -> None:
        async with asyncio.TaskGroup() as group:
            for seed, member in enumerate(members):
                delay = arrival * seed / len(members)
                group.create_task(_later(delay, member, end, pause, seed))

    run_apart(together())


async def _later(
    delay: float, member: Member, end: float, pause: tuple[float, float], seed: int
) -> None:
    await asyncio.sleep(delay)
    await label(member, until=lambda: time.monotonic() > end, pause=pause, seed=seed)


def assert_nothing_lost_or_doubled(home: Path, members: Sequence[Member]) -> int:
    """The database has exactly what was acknowledged, and is sound; the number of judgements."""
    acknowledged = Counter(given for member in members for given in member.given)
    with closing(open_database(Home(home))) as database:
        stored = Counter(
            (one.labeller_id, one.side, one.stimulus, one.answer) for one in judgements(database)
        )
        assert acknowledged - stored == Counter(), "lost"
        assert stored - acknowledged == Counter(), "stored twice, or never acknowledged"
        assert database.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        assert database.execute("PRAGMA foreign_key_check").fetchall() == []
    return stored.total()


def _given(member: Member, asked: Screen, answer: int) -> Given:
    assert asked.side is not None and asked.stimulus is not None
    return (member.labeller_id, SIDES[asked.side], asked.stimulus, answer)
