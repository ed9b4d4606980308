"""Aalen–Johansen against tables worked out by hand, and against what it reduces to."""

from __future__ import annotations

import numpy as np
import pytest

from labelling.incidence import aalen_johansen, restricted_mean, value_at

# (first, second, censored) at each time → cumulative incidence of the first event, by hand.
BY_HAND = {
    # 4 at risk: 1/4; then S = 3/4 and the second event takes one of 3; then S = 1/2, 1 of 2.
    "an event, a competing one, an event, a censoring": (
        [1, 0, 1, 0],
        [0, 1, 0, 0],
        [0, 0, 0, 1],
        [1 / 4, 1 / 4, 1 / 2, 1 / 2],
    ),
    # 5 at risk: 1/5; one censored; S = 4/5, 3 at risk: + 4/5 · 1/3; S = 8/15, a competing one of 2;
    # S = 4/15, 1 at risk: + 4/15.
    "censoring in between": (
        [1, 0, 1, 0, 1],
        [0, 0, 0, 1, 0],
        [0, 1, 0, 0, 0],
        [1 / 5, 1 / 5, 7 / 15, 7 / 15, 11 / 15],
    ),
    # 6 at risk, all at one magnitude: events come before censoring, so 2 of 6 and then 1 of 1 left
    # with S = 1 - 3/6 = 1/2: + 1/2.
    "ties": ([2, 1], [1, 0], [2, 0], [1 / 3, 5 / 6]),
    "nothing but censoring": ([0, 0], [0, 0], [1, 2], [0, 0]),
    "only competing events": ([0, 0], [1, 2], [0, 0], [0, 0]),
    "all at magnitude 0": ([3], [1], [0], [3 / 4]),
    "fractions of trials": ([0.5, 0.25], [0, 0.25], [0, 0], [0.5, 0.75]),
}


@pytest.mark.parametrize(("first", "second", "censored", "expected"), BY_HAND.values(), ids=BY_HAND)
def test_agrees_with_tables_worked_out_by_hand(first, second, censored, expected) -> None:
    curve = aalen_johansen(*(np.array(part, float) for part in (first, second, censored)))
    np.testing.assert_allclose(curve, expected, atol=1e-15)


def test_is_the_empirical_distribution_where_nothing_is_censored_early() -> None:
    generator = np.random.default_rng(0)
    first, second = generator.integers(0, 4, (2, 50)).astype(float)
    censored = np.zeros(50)
    censored[-1] = 7  # one common budget: all that are left stop at its end
    total = (first + second + censored).sum()
    np.testing.assert_allclose(
        aalen_johansen(first, second, censored), np.cumsum(first) / total, rtol=1e-12
    )


def test_the_two_events_and_those_still_free_add_up_to_one() -> None:
    generator = np.random.default_rng(1)
    first, second, censored = generator.integers(0, 3, (3, 40)).astype(float)
    one, other = (
        aalen_johansen(first, second, censored),
        aalen_johansen(second, first, censored),
    )
    either = aalen_johansen(first + second, np.zeros(40), censored)
    np.testing.assert_allclose(one + other, either, rtol=1e-12)


def test_a_trial_of_weight_two_is_two_trials_and_each_row_is_for_itself() -> None:
    one = np.array([[1.0, 0, 2], [0, 1, 1]])
    none = np.zeros((2, 3))
    together = aalen_johansen(one, none, none + 1)
    for row in range(2):
        np.testing.assert_array_equal(
            together[row], aalen_johansen(one[row], none[row], none[row] + 1)
        )
    np.testing.assert_allclose(aalen_johansen(2 * one, none, none + 2), together)


def test_nobody_at_risk_has_no_curve() -> None:
    assert np.isnan(aalen_johansen(np.zeros(3), np.zeros(3), np.zeros(3))).all()


def test_a_step_curve_is_right_continuous_and_zero_before_its_first_step() -> None:
    read = value_at(np.array([1.0, 2.0]), np.array([0.25, 1.0]), np.array([0.0, 1.0, 1.9, 2.0, 9]))
    np.testing.assert_array_equal(read, [0, 0.25, 0.25, 1, 1])


@pytest.mark.parametrize(
    ("limit", "expected"),
    [
        (0.5, 0.5),  # nothing happens before 1
        (1.0, 1.0),
        (3.0, 1 + 1 * 0.75 + 1 * 0.5),  # steps of 1/4 at 1 and at 2
        (2.5, 1 + 1 * 0.75 + 0.5 * 0.5),
    ],
)
def test_the_restricted_mean_is_the_area_over_the_curve(limit: float, expected: float) -> None:
    assert restricted_mean(np.array([1.0, 2.0]), np.array([0.25, 0.5]), limit) == expected


def test_the_restricted_mean_is_the_mean_of_the_capped_magnitudes() -> None:
    magnitudes = np.random.default_rng(2).exponential(size=200)
    times, counts = np.unique(magnitudes, return_counts=True)
    curve = np.cumsum(counts) / 200
    assert restricted_mean(times, curve, 1.5) == pytest.approx(np.minimum(magnitudes, 1.5).mean())
