"""Experiments, sources and results come back as they were written, once."""

from __future__ import annotations

import hashlib
from dataclasses import asdict, fields, replace
from sqlite3 import IntegrityError

import numpy as np
import pytest
from sqlite_utils import Database

from data.experiments import (
    ConditionRow,
    archive_experiment,
    conditions,
    experiment,
    experiments,
    extend_experiment,
    save_experiment,
)
from data.home import Home
from data.images import read_image
from data.results import (
    ResultRow,
    StoredResult,
    add_result,
    add_results,
    add_source,
    add_stimulus,
    missing_trials,
    outcome_counts,
    result,
    results,
    source,
)
from data.tensors import store_perturbation
from tests.data.rows import a_failure, a_find, a_source, an_experiment, perturbation, pixels


@pytest.fixture
def condition_id(database: Database) -> int:
    return conditions(database, an_experiment(database))[0].id


def written(stored: StoredResult) -> ResultRow:
    """What was written, without what the database adds."""
    values = vars(stored).copy()
    del values["id"], values["created_at"]
    return ResultRow(**values)


def test_an_experiment_and_its_conditions_come_back(database: Database) -> None:
    experiment_id = an_experiment(database, definition={"trials": 10, "seed": 2**53 - 1})
    stored = experiment(database, experiment_id)
    assert stored.definition == {"trials": 10, "seed": 2**53 - 1}
    assert (stored.kind, stored.trials, stored.created_by) == ("experiment", 10, "ada")
    assert stored.saved_at is None and stored.archived_at is None

    first, last = conditions(database, experiment_id)
    assert [first.position, last.position] == [0, 1]
    assert [first.subset, last.subset] == ["first", "last"]
    assert first.layer_weights == (1.0, 0.0)
    assert first.schedule == {"learning_rate": 0.004, "budget": 10_000}


def test_experiments_are_listed_newest_first_by_kind_without_the_archived(
    database: Database,
) -> None:
    one, two = an_experiment(database), an_experiment(database)
    run = an_experiment(database, kind="exploration")
    archive_experiment(database, one)
    assert [row.id for row in experiments(database)] == [run, two]
    assert [row.id for row in experiments(database, archived=True)] == [run, two, one]
    assert [row.id for row in experiments(database, kind="exploration")] == [run]
    archive_experiment(database, one, archived=False)
    assert [row.id for row in experiments(database, kind="experiment")] == [two, one]


def test_saving_names_an_exploration_and_keeps_the_time_of_the_first_save(
    database: Database,
) -> None:
    run = an_experiment(database, kind="exploration")
    save_experiment(database, run, "a seven that fools")
    first = experiment(database, run)
    save_experiment(database, run, "renamed")
    second = experiment(database, run)
    assert first.saved_at is not None and first.name == "a seven that fools"
    assert (second.saved_at, second.name) == (first.saved_at, "renamed")


def test_an_extended_experiment_keeps_what_it_was(database: Database) -> None:
    experiment_id = an_experiment(database)
    extend_experiment(database, experiment_id, 30, code_version="0.2.0", by="bob")
    extend_experiment(database, experiment_id, 20, code_version="0.3.0", by="eve")  # fewer: nothing
    stored = experiment(database, experiment_id)
    assert (stored.trials, stored.definition["trials"], stored.code_version) == (30, 30, "0.2.0")
    [past] = stored.history
    assert (past["trials"], past["code_version"], past["by"]) == (10, "0.1.0", "bob")


def test_a_control_names_what_it_controls(database: Database) -> None:
    searched = conditions(database, an_experiment(database))[0]
    cell = {field.name: getattr(searched, field.name) for field in fields(ConditionRow)}
    control = ConditionRow(**cell | {"role": "random-direction", "controls": 0, "repetition": 1})
    again = an_experiment(database, conditions=[ConditionRow(**cell), control])
    first, second = conditions(database, again)
    assert (first.role, first.controls, first.repetition) == ("search", None, 0)
    assert (second.role, second.controls, second.repetition) == ("random-direction", 0, 1)
    with pytest.raises(IntegrityError):
        an_experiment(database, conditions=[replace(control, controls=None)])


def test_what_is_not_there_is_none(database: Database) -> None:
    assert experiment(database, "nowhere") is None
    assert source(database, "nowhere") is None
    assert result(database, 1, 0) is None


def test_a_found_result_comes_back_as_written(
    database: Database, home: Home, condition_id: int
) -> None:
    row = a_find(
        database,
        home,
        condition_id,
        seed=2**53 - 1,
        perturbation=store_perturbation(database, home, perturbation(0)),
    )
    assert add_result(database, row)
    assert written(result(database, condition_id, 0)) == row
    np.testing.assert_array_equal(read_image(home, row.stimulus), pixels(1000))


@pytest.mark.parametrize("outcome", ["changed", "unchanged"])
def test_a_random_direction_has_a_magnitude_whatever_comes_of_it(
    database: Database, home: Home, condition_id: int, outcome: str
) -> None:
    row = a_find(
        database,
        home,
        condition_id,
        **{"outcome": outcome, "bound": None, "bracket_low": None, "bracket_high": None},
        **{"pixel_l2": 2.5, "pixel_linf": 0.5, "ssim": 0.75},
    )
    assert add_result(database, row)
    assert written(result(database, condition_id, 0)) == row
    with pytest.raises(IntegrityError):
        add_result(database, replace(row, trial_index=1, magnitude=None))


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"outcome": "skipped", "reason": None},
        {"outcome": "exhausted", "reason": None, "steps": 200, "bound": 4.2, "margin": -0.1},
        {"target": None},
        {"outcome": "skipped", "reason": "The search that it controls was exhausted."},
    ],
    ids=str,
)
def test_every_outcome_comes_back_as_written(
    database: Database, condition_id: int, changes: dict
) -> None:
    row = a_failure(condition_id, **changes)
    assert add_result(database, row)
    assert written(result(database, condition_id, 0)) == row


def test_a_trial_is_recorded_once_under_each_condition(database: Database) -> None:
    first, last = conditions(database, an_experiment(database))
    row = a_failure(first.id)
    assert add_result(database, row)
    assert not add_result(database, replace(row, reason="another"))
    assert add_result(database, replace(row, condition_id=last.id))
    assert add_results(database, [a_failure(first.id, index) for index in range(3)]) == 2
    assert [stored.trial_index for stored in results(database, first.id)] == [0, 1, 2]
    assert result(database, first.id, 0).reason == row.reason
    assert outcome_counts(database, experiments(database)[0].id) == {
        first.id: {"failed": 3},
        last.id: {"failed": 1},
    }


def test_of_several_results_all_are_recorded_or_none(database: Database, condition_id: int) -> None:
    good = a_failure(condition_id)
    with pytest.raises(ValueError, match="Out of range"):
        add_results(database, [good, a_failure(condition_id, 1, magnitudes=(float("inf"),))])
    assert results(database, condition_id) == []


def test_the_missing_trials_are_those_without_a_result(
    database: Database, condition_id: int
) -> None:
    add_results(database, [a_failure(condition_id, index) for index in (1, 2, 5)])
    assert missing_trials(database, condition_id, 4) == [0, 3]
    assert missing_trials(database, condition_id, 7) == [0, 3, 4, 6]
    assert missing_trials(database, condition_id + 1, 2) == [0, 1]


def test_a_source_is_known_by_its_content_not_by_its_trial_or_the_generators_name() -> None:
    row = a_source(7)
    identity = (
        f'{{"generator_checksum":"{"d" * 64}","label":3,"options":{{}},"seed":7,"truncation":1.0}}'
    )
    assert row.id == hashlib.sha256(identity.encode()).hexdigest()
    assert replace(row, generator="renamed").id == row.id
    assert replace(row, truncation=1).id == row.id
    for change in (
        {"generator_checksum": "e" * 64},
        {"label": 4},
        {"seed": 8},
        {"truncation": 0.5},
        {"options": {"flow": False}},
    ):
        assert replace(row, **change).id != row.id


def test_a_source_comes_back_and_keeps_its_first_image(database: Database, home: Home) -> None:
    row = a_source(7, truncation=0.4, options={"z flows into batch norm": False})
    assert add_source(database, home, row, pixels(0)) == row.id
    assert add_source(database, home, row, pixels(1)) == row.id
    stored = source(database, row.id)
    assert {name: getattr(stored, name) for name in asdict(row)} == asdict(row)
    np.testing.assert_array_equal(read_image(home, stored.stimulus), pixels(0))
    assert database["stimuli"].count == 1


def test_a_stimulus_row_describes_its_file(database: Database, home: Home) -> None:
    sha256 = add_stimulus(database, home, pixels(0, height=20, width=30, channels=3))
    assert add_stimulus(database, home, pixels(0, height=20, width=30, channels=3)) == sha256
    (row,) = database["stimuli"].rows
    del row["created_at"]
    (file,) = home.images.rglob("*.png")
    size = file.stat().st_size
    assert row == {"sha256": sha256, "width": 30, "height": 20, "channels": 3, "bytes": size}


def test_a_perturbation_dropped_meanwhile_is_recorded_as_gone(
    database: Database, home: Home, condition_id: int
) -> None:
    add_result(database, a_find(database, home, condition_id, perturbation="f" * 64))
    assert result(database, condition_id, 0).perturbation is None
