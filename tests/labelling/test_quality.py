"""Whom to trust: known answers, repeats, time, exclusion. Every judgement is synthetic."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing

import pytest
from sqlite_utils import Database

from data.database import open_database
from data.home import Home
from data.labellers import labeller_of
from data.results import add_stimulus
from data.studies import items
from labelling.answers import Answer
from labelling.controls import Gold
from labelling.eligibility import JudgingRule, trial_table
from labelling.options import ExclusionRules
from labelling.quality import excluded_labellers, study_quality
from labelling.queue import Task, next_task, record
from labelling.stages import withdraw
from labelling.studies import create_study, invite
from tests.labelling.synthetic_study import add_experiment, at_once, label_text, source_picture

OPTIONS = at_once(
    repeat_share=0.3,
    gold_share=0.2,
    false_label_share=0.3,
    catch_share=0.3,
    exclusion=ExclusionRules(gold=0.9, false_label=0.5, catch=0.5, repeats=0.5, fastest_ms=300),
)


@pytest.fixture
def database(tmp_path) -> Iterator[Database]:
    with closing(open_database(Home(tmp_path), durable=True)) as database:
        yield database


@pytest.fixture
def study(database, tmp_path) -> tuple[str, str]:
    """(experiment, study) with gold items that all show a three."""
    home = Home(tmp_path)
    experiment_id = add_experiment(database, home, trials=6)
    gold = [
        Gold(add_stimulus(database, home, source_picture(900 + one)), 3, Answer.LABEL)
        for one in range(10)
    ]
    study_id = create_study(
        database,
        [experiment_id],
        "study",
        label_text=label_text,
        created_by="test",
        options=OPTIONS,
        gold=gold,
    )
    return experiment_id, study_id


def label(
    database: Database,
    study_id: str,
    name: str,
    decide: Callable[[str, Task], Answer],
    milliseconds: float = 800.0,
) -> int:
    """A synthetic labeller who answers all of it; `decide` is told the item's kind."""
    person = labeller_of(database, invite(database, study_id, name)).id
    kinds = {item.id: item.kind for item in items(database, study_id)}
    while (task := next_task(database, person)) is not None:
        answer = decide(kinds[task.item_id], task)
        record(database, person, task.item_id, task.side, answer, response_ms=milliseconds)
    return person


def careful(kind: str, task: Task) -> Answer:
    return Answer.SOMETHING_ELSE if kind == "false-label" else Answer.LABEL


def yes(kind: str, task: Task) -> Answer:
    return Answer.LABEL


def no(kind: str, task: Task) -> Answer:
    return Answer.UNCLEAR


def test_who_says_yes_to_everything_is_found_by_false_labels_alone(database, study) -> None:
    _, study_id = study
    label(database, study_id, "careful", careful)
    label(database, study_id, "yes", yes)
    one, two = study_quality(database, study_id).labellers
    assert (one.name, one.broken) == ("careful", ())
    assert (one.gold.value, one.false_label.value, one.catch.value, one.repeats.value) == (1,) * 4
    assert (two.gold.value, two.false_label.value, two.catch.value) == (1, 0, 1)
    assert two.broken == ("false labels 0%, at least 50% asked",)


@pytest.mark.parametrize(
    ("decide", "milliseconds", "rule"),
    [(no, 800.0, "gold 0%"), (careful, 120.0, "median 120 ms, at least 300 asked")],
)
def test_a_rule_that_is_broken_is_named(database, study, decide, milliseconds, rule) -> None:
    _, study_id = study
    person = label(database, study_id, "poor", decide, milliseconds)
    [quality] = study_quality(database, study_id).labellers
    assert any(rule in broken for broken in quality.broken)
    assert excluded_labellers(database, [study_id]) == [person]
    assert excluded_labellers(database) == [person]


def test_results_are_there_with_and_without_whom_the_rules_exclude(database, study) -> None:
    experiment_id, study_id = study
    label(database, study_id, "careful", careful)
    label(database, study_id, "no", no)
    both = trial_table(database, [experiment_id], JudgingRule("unanimous"))
    without = trial_table(database, [experiment_id], JudgingRule("unanimous", exclusion=True))
    assert set(both["source_judgement"]) == {"disagree"}
    assert set(without["source_judgement"]) == {"agree"}
    assert "exclude" in JudgingRule(exclusion=True).in_words()


def test_the_confusion_counts_pairs_of_people_both_ways(database, study) -> None:
    _, study_id = study
    for name, decide in (("a", yes), ("b", yes), ("c", no)):
        label(database, study_id, name, decide)
    confusion = study_quality(database, study_id).confusion
    assert (confusion == confusion.T).all()
    assert confusion[0, 2] > 0
    assert confusion[0, 0] > 0
    assert confusion[1].sum() == confusion[3].sum() == 0
    assert confusion[2, 2] == 0, "one person alone makes no pair"


def test_drift_shows_a_change_in_the_middle(database, study) -> None:
    _, study_id = study
    count = iter(range(10_000))
    label(database, study_id, "tired", lambda *asked: (yes if next(count) < 20 else no)(*asked))
    drift = study_quality(database, study_id).drift
    assert drift["said_label"].iloc[0] == 1
    assert drift["said_label"].iloc[-1] == 0


def test_whoever_withdrew_is_in_no_number(database, study) -> None:
    _, study_id = study
    person = label(database, study_id, "gone", careful)
    withdraw(database, person)
    quality = study_quality(database, study_id)
    assert quality.labellers == ()
    assert quality.alpha.images == 0


def test_rate_and_searches(database, study) -> None:
    _, study_id = study
    person = labeller_of(database, invite(database, study_id, "searching")).id
    task = next_task(database, person)
    times = {"response_ms": 1000.0, "hidden_ms": 250.0}
    record(database, person, task.item_id, task.side, Answer.LABEL, searches=2, **times)
    [quality] = study_quality(database, study_id).labellers
    assert (quality.searches, quality.hidden_share, quality.per_hour) == (2, 0.25, None)
