"""Controls: shares and relative differences that can be counted by hand."""

from __future__ import annotations

from dataclasses import fields, replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from statsmodels.stats.proportion import proportion_confint

from data.database import open_database
from data.experiments import ConditionRow, conditions
from data.home import Home
from data.results import add_results
from labelling.control_conditions import (
    CONTROLLED,
    control_table,
    random_directions,
    repeated_runs,
)
from tests.data.rows import a_failure, a_find, an_experiment

THREE_OF_TWELVE = [
    (index, "changed" if index < 3 else "unchanged", 1.0, "found", 1.0) for index in range(12)
]
SEARCHED = (0, "mnist-standard", "first", "relaxation", "mnist")


def controls(*rows: tuple[object, ...], role: str) -> pd.DataFrame:
    """(trial, outcome, magnitude, searched outcome, searched magnitude) each, its own source."""
    return pd.DataFrame(
        [(role, *SEARCHED, 1, index, f"source {index}", *rest) for index, *rest in rows],
        columns=[
            *("role", *CONTROLLED, "repetition", "trial_index", "source_id", "outcome"),
            *("magnitude", "searched_outcome", "searched_magnitude"),
        ],
    )


def test_the_share_that_a_random_direction_changed_has_wilsons_interval() -> None:
    table = controls(
        *THREE_OF_TWELVE, (12, "skipped", np.nan, "exhausted", np.nan), role="random-direction"
    )
    [row] = random_directions(table).itertuples()
    assert (row.n, row.changed, row.share) == (12, 3, 0.25)
    assert (row.low, row.high) == pytest.approx(proportion_confint(3, 12, method="wilson"))


def test_repetitions_of_a_source_make_no_interval_narrower() -> None:
    once = controls(*THREE_OF_TWELVE, role="random-direction")
    [one] = random_directions(once).itertuples()
    [three] = random_directions(
        pd.concat([once.assign(repetition=number) for number in (1, 2, 3)])
    ).itertuples()
    assert (three.n, three.changed) == (36, 9)
    assert (three.share, three.low, three.high) == (one.share, one.low, one.high)


def test_repeated_runs_differ_by_their_share_of_the_first_magnitude() -> None:
    table = controls(
        (0, "found", 2.0, "found", 2.0),
        (1, "found", 129.0, "found", 128.0),  # less than 1 %
        (2, "found", 3.0, "found", 4.0),  # 25 %
        (3, "exhausted", np.nan, "found", 4.0),
        (4, "exhausted", np.nan, "exhausted", np.nan),
        (5, "failed", np.nan, "found", 4.0),
        (6, "found", 4.0, None, np.nan),  # not searched yet
        role="repeat",
    )
    [row] = repeated_runs(table).itertuples()
    assert (row.pairs, row.otherwise, row.n, row.moved) == (5, 1, 3, 1)
    assert (row.median, row.largest) == pytest.approx((1 / 128, 0.25))


@pytest.mark.parametrize("role", ["random-direction", "repeat"])
def test_controls_of_which_nothing_counts_have_no_number(role: str) -> None:
    table = controls((0, "failed", np.nan, "failed", np.nan), role=role)
    [row] = (random_directions if role == "random-direction" else repeated_runs)(table).itertuples()
    assert row.n == 0
    assert np.isnan(row.share if role == "random-direction" else row.median)
    assert random_directions(table.iloc[:0]).empty
    assert repeated_runs(table.iloc[:0]).empty


def test_controls_are_read_beside_the_search_that_they_control(tmp_path: Path) -> None:
    home = Home(tmp_path / "home")
    database = open_database(home)
    stored = conditions(database, an_experiment(database))
    first, last = (
        ConditionRow(**{each.name: getattr(one, each.name) for each in fields(ConditionRow)})
        for one in stored
    )
    experiment_id = an_experiment(
        database,
        conditions=[
            first,
            last,
            replace(last, role="repeat", controls=1, repetition=1),
            replace(last, role="random-direction", controls=1, repetition=1),
        ],
    )
    _, searched, again, random = conditions(database, experiment_id)
    add_results(
        database,
        [
            a_find(database, home, searched.id, 0, magnitude=2.0),
            a_find(database, home, searched.id, 1, magnitude=4.0),
            a_find(database, home, again.id, 0, magnitude=2.5),
            a_failure(again.id, 1),
            a_find(database, home, random.id, 0, outcome="changed", magnitude=2.0),
            a_find(database, home, random.id, 1, outcome="unchanged", magnitude=4.0),
        ],
    )
    table = control_table(database, experiment_id)
    assert set(table["subset"]) == {"last"}
    assert set(table["position"]) == {1}
    [row] = repeated_runs(table).itertuples()
    assert (row.n, row.median) == (1, 0.25)
    [row] = random_directions(table).itertuples()
    assert (row.changed, row.n) == (1, 2)
