"""What the Results page keeps is thrown away with anything new, and not read twice without."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import wait
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
from sqlite_utils import Database

from app.widgets import results_data, results_kept
from app.widgets.results_choices import for_whom
from app.widgets.results_curves import likely_curves
from app.widgets.results_data import SelectedResults, Selection
from data.database import open_database
from data.experiments import conditions, experiment
from data.home import Home
from data.judgements import add_event, judgements, retract
from labelling.answers import Answer
from labelling.distances import DISTANCES
from labelling.eligibility import JudgingRule
from labelling.estimands import AS_PUBLISHED, RAW, SOURCE_JUDGED
from labelling.votes import Standing, standing
from tests.browser.synthetic_home import (
    MINIMUM_NORM,
    RELAXATION,
    add_synthetic_experiment,
    add_synthetic_judgements,
    skip_under_one_condition,
)

AGREE = "fooled-while-people-agree"


@pytest.fixture
def selection(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Selection:
    """A synthetic experiment judged by two, and everything of it selected."""
    monkeypatch.setenv("PLAINVIEW_HOME", str(tmp_path))
    experiment_id = add_synthetic_experiment(tmp_path, 12, "synthetic")
    add_synthetic_judgements(tmp_path, experiment_id)
    with closing(open_database(Home(tmp_path))) as database:
        cells = conditions(database, experiment_id)
        return Selection(
            experiment(database, experiment_id),
            cells[0].search,
            cells[0].schedule_name,
            (200,),
            ("first", "last"),
            ("mnist-robust", "mnist-standard"),
            JudgingRule(),
        )


@pytest.fixture
def database(selection: Selection, tmp_path: Path) -> Iterator[Database]:
    with closing(open_database(Home(tmp_path), durable=True)) as database:
        yield database


def counted(selection: Selection) -> int:
    """How many perturbed pictures people still call by their label."""
    trials = SelectedResults(selection).trials
    return int((trials["perturbed_judgement"] == "agree").sum())


def test_another_rule_reads_nothing_again(selection: Selection) -> None:
    before = results_kept._votes.cache_info().misses
    for rule in (JudgingRule(), JudgingRule("any"), JudgingRule("labeller", "synthetic-a")):
        for common in (False, True):
            chosen = SelectedResults(replace(selection, rule=rule, common=common))
            assert not chosen.curves(AGREE).empty and not chosen.means(AGREE, 5.0).empty
    assert results_kept._votes.cache_info().misses == before + 1


def test_a_new_judgement_has_only_newer_ones_read(
    selection: Selection, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    counted(selection)
    read_before = []

    def told(database: Database, *before: Standing) -> Standing:
        read_before.extend(one.newest for one in before)
        return standing(database, *before)

    monkeypatch.setattr(results_kept, "standing", told)
    given = judgements(database)
    retract(database, given[0].id)
    counted(selection)
    assert read_before == [given[-1].id]


def test_what_is_read_ahead_is_what_the_page_asks_for(selection: Selection) -> None:
    results_kept.read_ahead()
    kept = (results_kept._votes, results_kept.curves_of)
    before = [one.cache_info().misses for one in kept]
    assert not SelectedResults(selection).curves(AGREE).empty
    assert not SelectedResults(selection).curves(SOURCE_JUDGED.key, bands=False).empty
    assert [one.cache_info().misses for one in kept] == before


@pytest.mark.parametrize(
    ("change", "estimand"),
    [
        ({"rule": JudgingRule("unanimous")}, AGREE),
        ({"common": True}, AGREE),
        ({}, AS_PUBLISHED.key),
    ],
    ids=["another rule", "the common set", "another estimand"],
)
def test_what_is_one_press_away_is_computed_before_the_press(
    selection: Selection, change: dict[str, object], estimand: str
) -> None:
    shown = SelectedResults(selection)
    shown.curves(AGREE)
    shown.ahead(*likely_curves(selection, {AGREE: True}))
    shown.prepare()
    wait(results_data._likely)
    before = results_kept.curves_of.cache_info().misses
    assert not SelectedResults(replace(selection, **change)).curves(estimand).empty
    assert results_kept.curves_of.cache_info().misses == before


def test_fewer_conditions_are_not_computed_again(selection: Selection) -> None:
    whole = SelectedResults(selection).curves(AGREE)
    before = results_kept.curves_of.cache_info().misses
    part = SelectedResults(replace(selection, subsets=("last",))).curves(AGREE)
    assert results_kept.curves_of.cache_info().misses == before
    assert set(part["subset"]) == {"last"} and set(whole["subset"]) == {"first", "last"}


def test_a_judgement_taken_back_and_a_labeller_who_withdraws_are_noticed(
    selection: Selection, database: Database
) -> None:
    both, rule = counted(selection), replace(selection, rule=JudgingRule("unanimous"))
    assert both == counted(rule) > 0
    given = [one for one in judgements(database) if one.side == "perturbed"]
    yes = [one for one in given if one.answer == Answer.LABEL]
    for one in yes:
        if one.stimulus == yes[0].stimulus:
            retract(database, one.id)
    assert counted(selection) == both - 1
    for person in {one.labeller_id for one in given}:
        add_event(database, person, "withdrew")
    assert counted(selection) == 0


def test_whom_a_studys_rules_exclude_does_not_count(selection: Selection) -> None:
    """The study has no such rule, so that nobody is; and it is known before it is asked for."""
    SelectedResults(selection).prepare()
    strict = replace(selection, rule=JudgingRule(exclusion=True))
    assert counted(strict) == counted(selection)


def test_searches_are_compared_on_the_trials_of_all_of_them(tmp_path: Path, monkeypatch) -> None:
    """Own: each pair on the trials that both let in. Common: on those that enter everywhere."""
    monkeypatch.setenv("PLAINVIEW_HOME", str(tmp_path))
    experiment_id = add_synthetic_experiment(
        tmp_path, 10, "two searches", searches=(RELAXATION, MINIMUM_NORM)
    )
    skip_under_one_condition(tmp_path, experiment_id, trial=4)
    with closing(open_database(Home(tmp_path), durable=True)) as database:
        cells = conditions(database, experiment_id)
        selection = Selection(
            experiment(database, experiment_id),
            *(cells[0].search, cells[0].schedule_name, (200,), ("first", "last")),
            *(("mnist-robust", "mnist-standard"), JudgingRule()),
        )
    for common, trials in ((False, [10, 10, 10, 9]), (True, [9, 9, 9, 9])):
        chosen = replace(selection, common=common)
        results = SelectedResults(chosen).across_searches
        table = results.comparisons("raw", "search", results.limit)
        assert set(table["one"]) == {"relaxation, imagenet"}
        assert table["trials"].tolist() == trials
        [first, second, *_] = for_whom(chosen, results, RAW)
        assert "relaxation search, imagenet schedule, up to 200 steps" in first
        assert second == "and minimum-norm search, cosine schedule, up to 300 steps"
        assert ("the 9 trials that enter under every condition shown" in first) == common


def test_the_table_of_means_has_the_distances_of_its_own_trials(
    selection: Selection, database: Database
) -> None:
    for common in (False, True):
        results = SelectedResults(replace(selection, common=common))
        table, trials = results.means("raw", None), results.trials
        assert len(table) == 4
        for row in table.itertuples():
            found = (trials["condition_id"] == row.condition_id) & (trials["outcome"] == "found")
            stored = [
                database["results"].rows_where(
                    "condition_id = ? AND trial_index = ?", [row.condition_id, index]
                )
                for index in trials[found]["trial_index"].tolist()
            ]
            stored = [one for [one] in stored]
            assert len(stored) == row.n_plain > 0
            for name in DISTANCES:
                mean = sum(one[name] for one in stored) / len(stored)
                assert getattr(row, f"mean_{name}") == pytest.approx(mean)


def test_the_common_set_has_the_same_trials_everywhere(selection: Selection) -> None:
    trials = SelectedResults(replace(selection, common=True)).trials
    sets = trials.groupby("condition_id")["trial_index"].apply(tuple)
    assert sets.nunique() == 1 and len(sets) == 4
