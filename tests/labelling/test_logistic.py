"""The logistic curve: known parameters come back, resamples keep a source's answers together."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import minimize
from scipy.special import expit

from labelling.intervals import resampled_sources
from labelling.logistic import RIDGE, logistic_fit


def synthetic(n: int, intercept: float, slope: float, seed: int = 0) -> tuple[np.ndarray, ...]:
    """x, answers, and a source for every three of them, of made-up people who follow the curve."""
    draws = np.random.default_rng(seed)
    x = draws.uniform(0, 10, n)
    return x, draws.uniform(size=n) < expit(intercept + slope * x), np.arange(n) // 3


def fit(x: np.ndarray, yes: np.ndarray, unit: np.ndarray, draws: int = 200):
    return logistic_fit(x, yes, unit, resampled_sources(int(unit.max()) + 1, draws))


@pytest.mark.parametrize(("intercept", "slope"), [(5.0, -1.0), (1.5, -0.5), (-2.0, 0.6)])
def test_it_recovers_known_parameters(intercept: float, slope: float) -> None:
    found = fit(*synthetic(20_000, intercept, slope))
    assert found.intercept == pytest.approx(intercept, abs=0.12)
    assert found.slope == pytest.approx(slope, abs=0.03)


def test_it_is_the_maximum_of_the_likelihood() -> None:
    x, yes, unit = synthetic(600, 4.0, -0.8)

    def loss(at: np.ndarray) -> float:
        return float(np.logaddexp(0, np.where(yes, -1, 1) * (at[0] + at[1] * x)).sum())

    best = minimize(loss, [0.0, 0.0]).x
    found = fit(x, yes, unit)
    assert (found.intercept, found.slope) == pytest.approx(tuple(best), rel=2e-3)


def test_every_resample_is_the_fit_of_its_own_data() -> None:
    x, yes, unit = synthetic(150, 4.0, -0.8)
    counts = resampled_sources(50, 300)
    found = logistic_fit(x, yes, unit, counts)
    repeats = counts[unit, 7].astype(int)
    again = fit(*(np.repeat(values, repeats) for values in (x, yes, unit)))
    at = 5.0
    assert found.intercepts[7] + found.slopes[7] * at == pytest.approx(
        again.intercept + again.slope * at, abs=0.02
    )


@pytest.mark.parametrize(
    ("x", "no"),
    [(np.geomspace(0.1, 10, 79), [53, 75]), (np.linspace(0, 10, 79), [2, 76, 77, 78])],
)
def test_every_resample_comes_to_its_maximum_where_nearly_everybody_says_yes(
    x: np.ndarray, no: list[int]
) -> None:
    yes, unit = ~np.isin(np.arange(79), no), np.arange(79)
    counts = resampled_sources(79, 1000)
    found = logistic_fit(x, yes, unit, counts)
    said = expit(found.intercepts + found.slopes * x[:, None])
    left = counts * (yes[:, None] - said)
    # The ridge, on standardised x, is all that answers leave over.
    at_the_mean = found.intercepts + found.slopes * x.mean()
    ridge = np.stack([at_the_mean, found.slopes * x.std()]) * RIDGE
    standard = (x - x.mean()) / x.std()
    np.testing.assert_allclose(np.stack([left.sum(0), standard @ left]), ridge, atol=1e-6)


def test_half_agree_where_the_curve_crosses_and_the_interval_holds_it() -> None:
    half, low, high = fit(*synthetic(900, 5.0, -1.0), draws=400).half()
    assert low < 5.0 < high and high - low < 1.0
    assert half == pytest.approx(5.0, abs=0.3)


def test_the_interval_of_the_half_covers_the_truth_about_as_often_as_it_says() -> None:
    held = 0
    for seed in range(60):
        _, low, high = fit(*synthetic(240, 4.0, -0.8, seed), draws=300).half()
        held += low <= 5.0 <= high
    assert held >= 51  # 57 expected of 60; fewer than 51 once in a thousand


def test_people_who_agree_no_less_with_more_have_no_half() -> None:
    half, _, high = fit(*synthetic(300, 0.0, 0.4)).half()
    assert (half, high) == (np.inf, np.inf)


def test_answers_that_one_magnitude_separates_give_a_finite_steep_curve() -> None:
    x = np.linspace(0, 10, 60)
    found = fit(x, x < 4, np.arange(60))
    half, low, high = found.half()
    assert np.isfinite([found.intercept, found.slope]).all() and found.slope < -2
    assert half == pytest.approx(4.0, abs=0.3) and low <= half <= high


def test_three_answers_about_one_source_are_no_three_sources() -> None:
    x, yes, unit = synthetic(120, 4.0, -0.8)
    alone = fit(x, yes, unit, draws=600)
    thrice = fit(*(np.tile(values, 3) for values in (x, yes, unit)), draws=600)
    widths = [one.half()[2] - one.half()[1] for one in (alone, thrice)]
    assert widths[1] == pytest.approx(widths[0], rel=0.1)
