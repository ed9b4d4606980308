"""How many trials an interval takes: against closed forms, and against synthetic truth."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from benchmarks.planning import check, synthetic_trials, truth
from labelling.analysis_plan import Comparison
from labelling.estimands import FOOLED_WHILE_PEOPLE_AGREE, RAW
from labelling.options import StudyError
from labelling.planner import judgements_per_trial, sizes
from tests.labelling.trial_tables import synthetic_table, trial_table

NORMAL = 2 * 1.959964


def uniform(n: int, **names: object) -> pd.DataFrame:
    """Synthetic magnitudes evenly spread over (0, 1): the mean of min(X, 1) has variance 1/12."""
    return synthetic_table((np.arange(n) + 0.5) / n, budget=2.0, **names)


def test_a_mean_takes_as_many_trials_as_its_variance_says() -> None:
    [size] = sizes(uniform(100), RAW, of="restricted-mean", width=0.05, limit=1.0, draws=4000)
    expected = (1 / 12) * (NORMAL / 0.05) ** 2
    assert size.trials == pytest.approx(expected, rel=0.08)
    assert size.trials_high >= size.trials
    assert size.estimate == pytest.approx(0.5, abs=1e-9)


def test_a_proportion_takes_as_many_trials_as_the_binomial_says() -> None:
    [size] = sizes(uniform(200), RAW, of="proportion", width=0.1, limit=0.5, draws=4000)
    assert size.estimate == pytest.approx(0.5)
    assert size.trials == pytest.approx(0.25 * (NORMAL / 0.1) ** 2, rel=0.08)


def test_a_paired_difference_needs_fewer_trials_than_its_two_means() -> None:
    first = uniform(100)
    # The same sources, a tenth harder each: what they share leaves the difference.
    second = first.assign(
        condition_id=2,
        classifier="other",
        magnitude=first["magnitude"] * 0.9,
        bound=first["bound"] * 0.9,
    )
    pilot = pd.concat([first, second], ignore_index=True)
    comparison = Comparison("classifier", "synthetic-classifier", "other")
    [paired] = sizes(
        pilot, RAW, of="difference", width=0.05, limit=1.0, comparisons=[comparison], draws=2000
    )
    assert paired.what == "synthetic-classifier with other: all, relaxation, imagenet"
    assert paired.estimate == pytest.approx(0.05, rel=1e-6)
    # Its deviation is a tenth of a magnitude's; a mean of one condition takes 513 trials.
    assert paired.trials < 30
    alone = sizes(pilot, RAW, of="restricted-mean", width=0.05, limit=1.0)
    assert all(size.trials > 350 for size in alone)


def test_half_the_width_takes_four_times_the_trials() -> None:
    pilot = synthetic_trials(80, np.random.default_rng(3))
    wide, narrow = (
        sizes(pilot, FOOLED_WHILE_PEOPLE_AGREE, of="restricted-mean", width=w, limit=8.0)[0]
        for w in (0.8, 0.4)
    )
    assert narrow.trials == pytest.approx(4 * wide.trials, rel=0.12)


def test_judgements_are_counted_as_the_queue_asks_for_them() -> None:
    first = trial_table("found 1 y y", "found 2 y n", "found 3 n", "exhausted 9 y", "skipped 0 y")
    second = trial_table("found 1 y y", "exhausted 9 y", "found 3 n", "exhausted 9 y", "skipped 0")
    pilot = pd.concat([first, second.assign(condition_id=2, classifier="other")])
    # Four sources enter, each asked once; two pictures of the first condition, one of the second.
    assert judgements_per_trial(pilot, FOOLED_WHILE_PEOPLE_AGREE) == pytest.approx((4 + 3) / 5)
    assert judgements_per_trial(pilot, RAW) == 0


def test_everybody_who_judges_an_item_counts() -> None:
    pilot = synthetic_trials(50, np.random.default_rng(0))
    ask = {"of": "restricted-mean", "width": 1.0, "limit": 8.0}
    [once] = sizes(pilot, FOOLED_WHILE_PEOPLE_AGREE, **ask)
    [thrice] = sizes(pilot, FOOLED_WHILE_PEOPLE_AGREE, **ask, overlap=3)
    assert thrice.trials == once.trials
    assert thrice.judgements == pytest.approx(3 * once.judgements, abs=3)


def test_planned_experiments_have_the_width_asked_for_and_hold_the_synthetic_truth() -> None:
    found = check(
        60, 1.0, pilots=8, experiments=4, seed=2, true_mean=truth(np.random.default_rng(1), 50_000)
    )
    assert found.realised == pytest.approx(1.0, rel=0.1)
    assert found.wide_enough >= 0.6
    assert found.covered >= 0.8


@pytest.mark.parametrize(
    ("pilot", "limit", "reason"),
    [
        (uniform(6), 1.0, "6 sources are too few"),
        (uniform(20), 0.001, "nothing varies"),
        (
            uniform(20).assign(source_judgement="missing", perturbed_judgement="missing"),
            1.0,
            "nothing is judged",
        ),
    ],
    ids=["few", "constant", "unjudged"],
)
def test_a_pilot_that_cannot_tell_says_why(pilot: pd.DataFrame, limit: float, reason: str) -> None:
    [size] = sizes(pilot, FOOLED_WHILE_PEOPLE_AGREE, of="restricted-mean", width=0.1, limit=limit)
    assert size.trials is None
    assert reason in size.reason


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"of": "median"}, "choose from restricted-mean, proportion, difference"),
        ({"width": 0.0}, "above 0"),
        ({"of": "proportion", "width": 1.5}, "below 1"),
        ({"of": "difference"}, "which conditions are compared"),
        (
            {"of": "difference", "comparisons": [Comparison("subset", "a", "b")]},
            "no results of these conditions",
        ),
    ],
    ids=str,
)
def test_a_question_that_makes_no_sense_is_refused(change: dict[str, object], said: str) -> None:
    ask = {"of": "restricted-mean", "width": 0.1, "limit": 1.0} | change
    with pytest.raises(StudyError, match=said):
        sizes(uniform(20), RAW, **ask)
