"""A crowd of synthetic labellers, each a process of its own, at one study. No person is one.

They answer at random, undo, walk away from what they hold, and come back; some stay away.
"""

from __future__ import annotations

import random
import time
from collections import Counter
from collections.abc import Sequence
from contextlib import closing
from multiprocessing import get_context
from pathlib import Path

from sqlite_utils import Database

from data.database import open_database
from data.home import Home
from data.labellers import labeller_of
from data.studies import items
from labelling.answers import Answer
from labelling.pool import CONTENT
from labelling.queue import next_task, record, undo
from labelling.stages import Stage, stage
from labelling.studies import create_study, invite
from tests.labelling.synthetic_study import add_experiment, at_once, label_text

#: Long enough to answer in, short enough to wait for.
LEASE_MINUTES = 0.02
#: Who has nothing to do looks again after so long; who walks away is gone longer than a lease.
LOOK_SECONDS, AWAY_SECONDS = 0.1, 2.0
WALKS_AWAY, UNDOES, SHOWS_LABEL = 0.03, 0.05, 0.7


def crowded_study(home: Path, *, trials: int, overlap: int, **options: object) -> str:
    """A study with `overlap`, and an invitation for each worker; returns its id."""
    with closing(open_database(Home(home), durable=True)) as database:
        experiment_id = add_experiment(database, Home(home), trials=trials)
        return create_study(
            database,
            [experiment_id],
            "crowd (synthetic)",
            label_text=label_text,
            created_by="test",
            options=at_once(overlap=overlap, lease_minutes=LEASE_MINUTES, **options),
        )


def label_together(home: Path, study_id: str, workers: int) -> None:
    """So many processes label at once until nobody has anything left to do."""
    with closing(open_database(Home(home), durable=True)) as database:
        tokens = [invite(database, study_id, f"synthetic {number}") for number in range(workers)]
        people = [labeller_of(database, token).id for token in tokens]
    # Who stays away for good is one of the last fifth: enough others remain.
    leavers = set(people[: workers // 5])
    with get_context("forkserver").Pool(workers) as pool:
        pool.starmap(_label, [(home, person, person in leavers) for person in people])


def _label(home: Path, labeller_id: int, leaves: bool) -> None:
    draws = random.Random(labeller_id)
    with closing(open_database(Home(home), durable=True)) as database:
        while True:
            task = next_task(database, labeller_id)
            if task is None:
                if stage(database, labeller_id) is not Stage.LATER:
                    return
                time.sleep(LOOK_SECONDS)
                continue
            if draws.random() < WALKS_AWAY:
                if leaves:
                    return
                time.sleep(AWAY_SECONDS)
            label = draws.random() < SHOWS_LABEL
            answer = Answer.LABEL if label else Answer(draws.randint(2, 4))
            record(database, labeller_id, task.item_id, task.side, answer, number=task.number)
            if draws.random() < UNDOES:
                undo(database, labeller_id)


def resolved(database: Database, study_id: str) -> Counter[int]:
    """Item → by how many different people it is resolved, worked out from the judgements' log.

    By a person's own answers: the source rejected, or both sides answered. Assignments only say
    which of the pairs of a rejected source were free to be resolved by it.
    """
    rows = database.execute(
        "SELECT labeller_id, item_id FROM assignments"
        " WHERE study_id = ? AND round = 0 AND finished_at IS NOT NULL",
        [study_id],
    ).fetchall()
    assert len(rows) == len(set(rows)), "nobody has an item twice"
    asked = {item.id: item for item in items(database, study_id) if item.kind in CONTENT}
    answers = {
        tuple(key): answer
        for *key, answer in database.execute(
            "SELECT labeller_id, side, stimulus, label, answer FROM standing_judgements"
            " WHERE repeat = 0"
        )
    }
    count: Counter[int] = Counter()
    for labeller_id, item_id in rows:
        if (item := asked.get(item_id)) is None:  # a control, which the overlap is not about
            continue
        source = answers[labeller_id, "source", item.source_stimulus, item.label]
        rejected = source != Answer.LABEL
        lone = item.perturbed_stimulus is None
        judged = (labeller_id, "perturbed", item.perturbed_stimulus, item.label) in answers
        assert rejected or lone or judged, "what is finished was judged"
        count[item_id] += 1
    return count


def every_item(database: Database, study_id: str) -> Sequence[int]:
    """The ids of the items that the overlap is about."""
    return [item.id for item in items(database, study_id) if item.kind in CONTENT]
