"""The table of means against sums by hand, and its interval against a known truth."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from labelling.estimands import (
    AS_PUBLISHED,
    ESTIMANDS,
    FOOLED_WHILE_PEOPLE_AGREE,
    RAW,
    SOURCE_JUDGED,
    Estimand,
)
from labelling.means import common_limit, table_of_means
from tests.labelling.trial_tables import synthetic_table, trial_table

JUDGED = trial_table(
    "found 1 y y", "found 2 y n", "found 3 n", "found 4 y y", "exhausted 9 y", "skipped 0 y"
)


@pytest.mark.parametrize(
    ("estimand", "restricted", "plain", "n", "n_plain"),
    [
        (RAW, (1 + 2 + 3 + 4 + 6) / 5, (1 + 2 + 3 + 4) / 4, 5, 4),
        (SOURCE_JUDGED, (1 + 2 + 4 + 6) / 4, (1 + 2 + 4) / 3, 4, 3),
        # The one that is no longer y is never fooled while people agree, like the exhausted one.
        (FOOLED_WHILE_PEOPLE_AGREE, (1 + 6 + 4 + 6) / 4, (1 + 4) / 2, 4, 2),
        (AS_PUBLISHED, (1 + 4 + 6) / 3, (1 + 4) / 2, 3, 2),
    ],
    ids=lambda value: value.key if isinstance(value, Estimand) else "",
)
def test_means_by_hand(estimand, restricted, plain, n, n_plain) -> None:
    (row,) = table_of_means(JUDGED, estimand, limit=6.0, draws=10).to_dict("records")
    assert row["restricted_mean"] == pytest.approx(restricted)
    assert row["plain_mean"] == pytest.approx(plain)
    assert (row["n"], row["n_plain"], row["missing"]) == (n, n_plain, 0)


@pytest.mark.parametrize(
    ("rows", "estimand", "median"),
    [
        (["found 1", "found 2", "found 3", "exhausted 9"], RAW, 2),
        (["found 1", "exhausted 9", "exhausted 9"], RAW, np.inf),
        (["exhausted 9"], RAW, np.inf),
        (["found 1 y n", "found 2 y n", "found 3 y y"], FOOLED_WHILE_PEOPLE_AGREE, np.inf),
        (["found 1 y n", "found 2 y n", "found 3 y y"], AS_PUBLISHED, 3),
        (["found 1 y n", "found 2 y n", "found 3 y y"], SOURCE_JUDGED, 2),
        (["found 1"], SOURCE_JUDGED, np.nan),  # nothing judged
        ([], RAW, np.nan),
    ],
)
def test_medians_by_hand(rows: list[str], estimand: Estimand, median: float) -> None:
    table = table_of_means(trial_table(*rows), estimand, draws=10)
    assert table["median"].tolist() == pytest.approx([median] if rows else [], nan_ok=True)


def test_the_medians_interval_covers_the_truth_and_may_be_open_above() -> None:
    """X exponential of mean 1, tested up to 0.8: the median is log 2, near the end."""
    hits, open_above, repetitions = 0, 0, 100
    for seed in range(repetitions):
        magnitude = np.random.default_rng(seed).exponential(size=60)
        table = table_of_means(synthetic_table(magnitude, budget=0.8), RAW, draws=200, seed=seed)
        hits += table["median_low"].item() <= np.log(2) <= table["median_high"].item()
        open_above += np.isinf(table["median_high"].item())
    assert 0.88 <= hits / repetitions <= 0.999
    assert open_above > repetitions / 10


@pytest.mark.parametrize("estimand", ESTIMANDS.values(), ids=ESTIMANDS)
def test_what_people_removed(estimand: Estimand) -> None:
    table = table_of_means(JUDGED, estimand, draws=10)
    assert table["removed"].item() == 1
    assert table["removed_share"].item() == pytest.approx(1 / 4)


@pytest.mark.parametrize(
    ("tables", "expected"),
    [
        ([["found 1", "found 4"]], 4),
        ([["found 1", "found 4", "exhausted 9"]], 4),  # beyond 4 no curve moves
        ([["found 1", "found 4"], ["found 2", "exhausted 3"]], 3),  # one was tested up to 3 only
        ([["exhausted 3"]], None),
        ([["skipped 0"]], None),
        ([["skipped! 0"]], None),
        ([[]], None),
    ],
)
def test_the_common_limit_is_as_far_as_all_were_tested_and_any_was_fooled(tables, expected) -> None:
    parts = [trial_table(*rows, condition=number) for number, rows in enumerate(tables)]
    assert common_limit(pd.concat(parts)) == expected


def test_a_condition_not_tested_as_far_as_the_limit_has_no_mean() -> None:
    table = table_of_means(trial_table("found 1", "exhausted 3"), RAW, limit=5.0, draws=10)
    assert np.isnan(table["restricted_mean"].item())
    assert table["plain_mean"].item() == 1


@pytest.mark.parametrize("estimand", ESTIMANDS.values(), ids=ESTIMANDS)
@pytest.mark.parametrize("rows", [[], ["skipped 0"], ["exhausted 3"], ["found 1"], ["found 1 y y"]])
def test_too_little_data_has_no_interval(rows: list[str], estimand: Estimand) -> None:
    table = table_of_means(trial_table(*rows), estimand, draws=10)
    assert table["low"].isna().all() and table["high"].isna().all()


def test_the_interval_covers_the_truth_as_often_as_it_says() -> None:
    """X exponential of mean 1, half of it no longer y: E[min(X₁, 2)] = 2 - (2 - 1 + e⁻²) / 2."""
    truth = 2 - (1 + np.exp(-2)) / 2
    hits, repetitions = 0, 150
    for seed in range(repetitions):
        generator = np.random.default_rng(seed)
        magnitude, agree = generator.exponential(size=40), generator.uniform(size=40) < 0.5
        table = synthetic_table(magnitude, budget=2.0, perturbed_agrees=agree)
        (row,) = table_of_means(
            table, FOOLED_WHILE_PEOPLE_AGREE, limit=2.0, draws=200, seed=seed
        ).to_dict("records")
        hits += row["low"] <= truth <= row["high"]
    assert 0.89 <= hits / repetitions <= 0.995
