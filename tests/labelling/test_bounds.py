"""Bounds for missing judgements, against every way in which they could be filled in."""

from __future__ import annotations

from itertools import product

import numpy as np
import pandas as pd
import pytest

from labelling.curves import success_curves
from labelling.estimands import (
    AS_PUBLISHED,
    ESTIMANDS,
    FOOLED_WHILE_PEOPLE_AGREE,
    RAW,
    SOURCE_JUDGED,
    Estimand,
)
from labelling.incidence import value_at
from tests.labelling.trial_tables import trial_table

BUDGET = 9
TABLES = {
    "a perturbed picture": ["found 1 y y", "found 2 y ?", "found 3 y n", "exhausted 9 y"],
    "a source of a fooled trial": ["found 1 y y", "found 2 ? ?", "exhausted 9 y"],
    "a source of an exhausted trial": ["found 1 y y", "found 3 y n", "exhausted 9 ?"],
    "some of each": [
        "found 1 y ?",
        "found 2 ? ?",
        "found 3 y y",
        "found 4 y n",
        "found 5 n",
        "found 6 y ?",
        "exhausted 9 y",
        "exhausted 9 ?",
    ],
}


def completions(rows: list[str]) -> list[pd.DataFrame]:
    """The table under every way in which its missing judgements could turn out."""
    choices = []
    for row in rows:
        outcome, number, source, *perturbed = row.split()
        sources = "yn" if source == "?" else source
        options = []
        for answer in sources:
            asked = outcome == "found" and answer == "y"
            seconds = ("yn" if perturbed == ["?"] else perturbed) if asked else [""]
            options += [f"{outcome} {number} {answer} {second}" for second in seconds]
        choices.append(options)
    return [trial_table(*choice) for choice in product(*choices)]


@pytest.mark.parametrize("estimand", [FOOLED_WHILE_PEOPLE_AGREE, SOURCE_JUDGED, AS_PUBLISHED])
@pytest.mark.parametrize("rows", TABLES.values(), ids=TABLES)
def test_bounds_are_the_extremes_over_all_completions(rows: list[str], estimand: Estimand) -> None:
    grid = np.arange(BUDGET + 1, dtype=float)
    possible = []
    for table in completions(rows):
        curve = success_curves(table, estimand, draws=2)
        if len(curve):
            possible.append(value_at(*curve[["magnitude", "proportion"]].to_numpy().T, grid))
    bounded = success_curves(trial_table(*rows), estimand, draws=2)
    # A bound may also step where no known trial ends; between the steps that are drawn it rests.
    steps = bounded["magnitude"].astype(int)
    np.testing.assert_allclose(bounded["bound_low"], np.min(possible, axis=0)[steps])
    np.testing.assert_allclose(bounded["bound_high"], np.max(possible, axis=0)[steps])


@pytest.mark.parametrize("estimand", ESTIMANDS.values(), ids=ESTIMANDS)
def test_bounds_enclose_the_estimate(estimand: Estimand) -> None:
    generator = np.random.default_rng(0)
    for _ in range(30):
        rows = [
            f"{generator.choice(['found', 'exhausted'])} {generator.integers(1, 9)} "
            f"{generator.choice(['y', 'n', '?'])} {generator.choice(['y', 'n', '?'])}"
            for _ in range(12)
        ]
        rows = [row.replace("exhausted", "exhausted 9").split() for row in rows]
        rows = [" ".join(row[:2] + row[-2:]) for row in rows]
        curve = success_curves(trial_table(*rows), estimand, draws=2)
        assert (curve["bound_low"] <= curve["proportion"] + 1e-12).all()
        assert (curve["bound_high"] >= curve["proportion"] - 1e-12).all()


def test_a_raw_curve_waits_for_no_judgement() -> None:
    curve = success_curves(trial_table("found 1", "exhausted 9"), RAW, draws=2)
    np.testing.assert_array_equal(curve["bound_low"], curve["proportion"])
    np.testing.assert_array_equal(curve["bound_high"], curve["proportion"])
