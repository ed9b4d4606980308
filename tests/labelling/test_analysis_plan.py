"""A frozen analysis plan: made in time or marked as late, never changed, and held against."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest
from sqlite_utils import Database

from data.database import as_json, open_database
from data.experiments import conditions, extend_experiment
from data.home import Home
from data.judgements import add_judgement
from data.plans import plan_hash, plans
from data.results import add_result
from data.studies import items
from labelling.analysis_plan import (
    NO_PLAN,
    AnalysisPlan,
    Comparison,
    adherence,
    compared,
    freeze,
    standing_plan,
)
from labelling.eligibility import JudgingRule
from labelling.options import ExclusionRules, StudyError, StudyOptions
from tests.data.rows import a_find, a_study, an_experiment

PLAN = AnalysisPlan(
    rule=JudgingRule("majority", exclusion=True),
    estimand="fooled-while-people-agree",
    limit=12.0,
    trials=10,
    comparisons=(Comparison("subset", "first", "last"),),
    exclusion=ExclusionRules(gold=0.8),
)


@pytest.fixture
def place(tmp_path: Path) -> Home:
    return Home(tmp_path)


@pytest.fixture
def database(place: Home) -> Iterator[Database]:
    connection = open_database(place, durable=True)
    yield connection
    connection.close()


@pytest.fixture
def planned(database: Database, place: Home) -> str:
    """An experiment with a result, whose pair a study asks about, and nothing judged; its id."""
    study_id, _, _ = a_study(database, place)
    [link] = database["study_experiments"].rows
    first, _ = conditions(database, link["experiment_id"])
    add_result(database, a_find(database, place, first.id))
    options = StudyOptions(exclusion=ExclusionRules(gold=0.8)).as_json()
    database["studies"].update(study_id, {"options": as_json(options)})
    return link["experiment_id"]


def judge(database: Database) -> None:
    """A synthetic judgement of the source."""
    [labeller] = database["labellers"].rows
    [item] = items(database, labeller["study_id"])
    add_judgement(database, labeller_id=labeller["id"], item_id=item.id, side="source", answer=1)


def test_what_keeps_to_the_plan_follows_it(database: Database, planned: str) -> None:
    row = freeze(database, planned, PLAN, created_by="ada")
    assert AnalysisPlan.of(row.plan) == PLAN
    assert row.sha256 == plan_hash(planned, PLAN.as_json())
    judge(database)
    found = adherence(
        database,
        planned,
        rule=PLAN.rule,
        estimand=PLAN.estimand,
        limit=12.0,
        comparisons=[Comparison("subset", "last", "first")],
    )
    assert found.follows
    assert found.in_words() == (
        f"Follows the analysis plan of {row.created_at[:10]} {row.created_at[11:16]} UTC"
        f" ({row.sha256[:8]}, frozen before anybody judged)."
    )


@pytest.mark.parametrize(
    ("analysis", "difference"),
    [
        ({"rule": JudgingRule("any", exclusion=True)}, "judged by at least one labeller"),
        ({"rule": replace(PLAN.rule, exclusion=False)}, "planned by the majority of the labellers"),
        ({"estimand": "raw"}, "shows “raw”, planned “fooled while people agree”"),
        ({"limit": 6.5}, "M_max is 6.5, planned 12"),
        ({"comparisons": []}, "leaves out the planned comparison of first with last"),
        (
            {"comparisons": [Comparison("subset", "first", "middle"), *PLAN.comparisons]},
            "compares first with middle, which was not planned",
        ),
        (
            {"comparisons": [Comparison("classifier", "a", "b")]},
            "compares a with b, which was not planned",
        ),
    ],
    ids=str,
)
def test_what_differs_is_said(
    database: Database, planned: str, analysis: dict[str, object], difference: str
) -> None:
    freeze(database, planned, PLAN, created_by="ada")
    found = adherence(database, planned, **analysis)
    assert not found.follows
    assert len(found.differences) == 1
    assert difference in found.in_words()
    assert found.in_words().startswith("Differs from the analysis plan of ")


def test_an_extended_experiment_and_a_study_of_other_rules_differ(
    database: Database, planned: str
) -> None:
    plan = replace(PLAN, exclusion=ExclusionRules(gold=0.9))
    freeze(database, planned, plan, created_by="ada")
    extend_experiment(database, planned, 20, code_version="1", by="ada")
    assert adherence(database, planned).differences == (
        "20 trials a condition, planned 10",
        "the study “digits” leaves out under 80% of gold right, planned under 90% of gold right",
    )


def test_after_the_first_judgement_a_plan_is_refused_or_marked(
    database: Database, planned: str
) -> None:
    judge(database)
    with pytest.raises(StudyError, match="1 judgement of this experiment's pictures there is"):
        freeze(database, planned, PLAN, created_by="ada")
    assert plans(database, planned) == []
    freeze(database, planned, PLAN, created_by="ada", after_the_fact=True)
    found = adherence(database, planned, rule=PLAN.rule)
    assert not found.follows
    assert "made after the fact: 1 judgement was there" in found.in_words()


def test_a_late_plan_replaces_none_that_was_made_in_time(database: Database, planned: str) -> None:
    freeze(database, planned, replace(PLAN, limit=3.0), created_by="ada")
    in_time = freeze(database, planned, PLAN, created_by="ada")
    judge(database)
    freeze(database, planned, replace(PLAN, limit=5.0), created_by="ada", after_the_fact=True)
    assert standing_plan(database, planned) == in_time


def test_no_plan_is_said_too(database: Database, planned: str) -> None:
    assert not adherence(database, planned, rule=PLAN.rule).follows
    assert adherence(database, planned, rule=PLAN.rule).in_words() == NO_PLAN


def test_a_frozen_plan_neither_changes_nor_goes_but_with_its_experiment(
    database: Database,
) -> None:
    experiment_id = an_experiment(database)
    freeze(database, experiment_id, PLAN, created_by="ada")
    with pytest.raises(sqlite3.IntegrityError, match="frozen"):
        database.execute("UPDATE analysis_plans SET plan = '{}'")
    with pytest.raises(sqlite3.IntegrityError, match="frozen"):
        database.execute("DELETE FROM analysis_plans")
    database.execute("DELETE FROM experiments WHERE id = ?", [experiment_id])
    assert plans(database, experiment_id) == []


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: replace(PLAN, estimand="nice"), "There is no estimand 'nice'; choose from"),
        (lambda: replace(PLAN, limit=0.0), "M_max must be a number above 0"),
        (lambda: replace(PLAN, trials=0), "at least 1 trial"),
        (lambda: replace(PLAN, overlap=0), "at least 1"),
        (lambda: Comparison("colour", "a", "b"), "Compare by classifier, subset, search"),
        (lambda: Comparison("subset", "a", "a"), "cannot be compared with itself"),
    ],
)
def test_a_plan_that_makes_no_sense_is_refused(make, said: str) -> None:
    with pytest.raises(StudyError, match=said):
        make()


def test_only_what_the_experiment_has_can_be_compared(database: Database) -> None:
    plan = replace(PLAN, comparisons=(Comparison("subset", "first", "middle"),))
    with pytest.raises(StudyError, match="no subset 'middle'; it has first, last"):
        freeze(database, an_experiment(database), plan, created_by="ada")


def test_a_table_of_comparisons_is_held_to_the_plan_by_its_levels() -> None:
    table = pd.DataFrame(
        [("first", "last"), ("last", "first"), ("first", "middle")], columns=["one", "other"]
    )
    assert compared(table, "subset") == [
        Comparison("subset", "first", "last"),
        Comparison("subset", "first", "middle"),
    ]
    searches = pd.DataFrame(
        [("relaxation, imagenet", "minimum-norm, imagenet"), ("a, fast", "a, slow")],
        columns=["one", "other"],
    )
    assert compared(searches, "search") == [Comparison("search", "relaxation", "minimum-norm")]
