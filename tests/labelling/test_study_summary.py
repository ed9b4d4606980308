"""A study's summary says what its quality says, by another way through the judgements."""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from sqlite_utils import Database

from data.database import open_database
from data.home import Home
from data.judgements import judgements
from data.labellers import labeller_of, labellers
from data.results import add_stimulus
from data.studies import items
from labelling.answers import Answer
from labelling.controls import Gold
from labelling.options import ExclusionRules
from labelling.quality import study_quality
from labelling.queue import next_task, record
from labelling.stages import withdraw
from labelling.studies import create_study, invite
from labelling.study_summary import study_summary
from tests.labelling.synthetic_study import add_experiment, at_once, label_text, source_picture


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    with closing(open_database(Home(tmp_path), durable=True)) as opened:
        yield opened


@pytest.fixture
def study(database: Database, tmp_path: Path) -> str:
    """Four synthetic people judged a study with gold, false labels, catch pairs and repeats."""
    home = Home(tmp_path)
    gold = [
        Gold(add_stimulus(database, home, source_picture(900 + one)), 3, Answer.LABEL)
        for one in range(4)
    ]
    study_id = create_study(
        database,
        [add_experiment(database, home, trials=12)],
        "study",
        label_text=label_text,
        created_by="test",
        options=at_once(
            gold_share=0.2,
            false_label_share=0.2,
            catch_share=0.2,
            repeat_share=0.2,
            exclusion=ExclusionRules(gold=0.9),
        ),
        gold=gold,
    )
    draws = random.Random(0)
    for name in ("one", "two", "three", "contrary"):
        person = labeller_of(database, invite(database, study_id, name)).id
        kinds = {item.id: item.kind for item in items(database, study_id)}
        while (task := next_task(database, person)) is not None:
            fitting = Answer.LABEL if name != "contrary" else Answer.MEANINGLESS
            answer = fitting if kinds[task.item_id] == "gold" else draws.choice(list(Answer))
            record(database, person, task.item_id, task.side, answer, response_ms=800.0)
    return study_id


def test_the_summary_is_that_of_the_quality(database: Database, study: str) -> None:
    quality, summary = study_quality(database, study), study_summary(database, study)
    assert summary.alpha == quality.alpha
    assert summary.alpha.images > 12
    assert summary.judgements == len(judgements(database, study_id=study))
    assert (summary.people, summary.excluded) == (4, 1)


def test_whoever_withdrew_is_in_no_number_but_that_of_people(
    database: Database, study: str
) -> None:
    before = study_summary(database, study)
    withdraw(database, labellers(database, study)[0].id)
    summary = study_summary(database, study)
    assert summary.alpha == study_quality(database, study).alpha
    assert summary.alpha != before.alpha
    assert summary.judgements == len(judgements(database, study_id=study)) < before.judgements


def test_a_study_that_nobody_judged(database: Database, tmp_path: Path) -> None:
    study_id = create_study(
        database,
        [add_experiment(database, Home(tmp_path), trials=2)],
        "new",
        label_text=label_text,
        created_by="test",
    )
    summary = study_summary(database, study_id)
    assert (summary.people, summary.judgements, summary.alpha.value) == (0, 0, None)
