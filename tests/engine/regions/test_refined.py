"""The method of our own against scores whose largest feasible box is known."""

from __future__ import annotations

import numpy as np
import pytest

from engine.regions import grow_region, grow_regions
from engine.regions.moments import corrected_moments, replicated_moments, replicated_points

#: Of a score that is 0 or 1: variance q(1 − q) ≤ 0.05 allows so many zeros in the box.
ZEROS = (1 - np.sqrt(0.8)) / 2


def plateau(low, high):
    """1 in the box, 0 elsewhere."""
    return lambda u: ((u >= low) & (u <= high)).all(axis=1).astype(float)


def test_on_one_axis_it_finds_the_plateau_and_what_eq_2_allows_beside_it():
    region = grow_region(plateau([0.2], [0.7]), [0.3], lower=[0], upper=[1], method="refined")
    widest = 0.5 / (1 - ZEROS)
    assert region.feasible
    assert 0.9 * widest < region.upper[0] - region.lower[0] <= widest
    assert region.lower[0] <= 0.3 <= region.upper[0]


@pytest.mark.parametrize(
    ("low", "high", "start"),
    [
        ([0.05, 0.45], [0.95, 0.55], [0.5, 0.5]),  # nine times as long as wide
        ([0.05, 0.45], [0.95, 0.55], [0.06, 0.54]),  # from its corner
        ([0.0, 0.0], [1.0, 1.0], [0.9, 0.1]),  # all of the space
    ],
)
def test_a_long_plateau_is_filled_from_anywhere_in_it(low, high, start):
    region = grow_region(plateau(low, high), start, lower=[0, 0], upper=[1, 1], method="refined")
    whole = np.prod(np.subtract(high, low))
    assert region.feasible
    assert 0.6 * whole < region.volume_share <= whole / (1 - ZEROS) + 1e-9


def test_a_start_where_the_score_is_nothing_reaches_the_plateau_beside_it():
    """The published rules stall there: their growth is by the score at the start."""
    score = plateau([0.2, 0.2], [0.8, 0.8])
    start = [0.19, 0.5]
    settings = {"lower": [0, 0], "upper": [1, 1], "steps": 800}
    stalled = grow_region(score, start, method="oir_b", **settings)
    found = grow_region(score, start, method="refined", **settings)
    assert stalled.volume_share < 1e-6
    assert found.feasible and found.volume_share > 0.25
    assert (found.lower <= start).all() and (start <= found.upper).all()


@pytest.mark.parametrize("score", [0.0, 0.4])
def test_where_nothing_is_robust_it_says_so(score):
    region = grow_region(
        lambda u: np.full(len(u), score), [0.5, 1.0], lower=[0, 0], upper=[1, 1], method="refined"
    )
    assert not region.feasible
    assert region.mean == pytest.approx(score, abs=1e-6)
    assert (region.lower <= [0.5, 1.0]).all() and (region.upper >= [0.5, 1.0]).all()


@pytest.mark.parametrize("dimensions", [1, 2, 3, 10])
def test_it_asks_less_than_a_tenth_of_the_black_box_rule_and_stays_in_the_space(dimensions):
    asked = []

    def score(u):
        asked.append(u)
        return np.exp(-np.square(u).sum(axis=1))

    steps = 100 if dimensions < 10 else 4
    low, high = -np.ones(dimensions), np.ones(dimensions)
    region = grow_region(
        score, np.zeros(dimensions), lower=low, upper=high, method="refined", steps=steps
    )
    points = np.concatenate(asked)
    assert region.evaluations == len(points) <= max(128, steps * 2 ** (dimensions + 1) // 10)
    assert (points >= low).all() and (points <= high).all()
    assert region.feasible and region.volume_share > 0


def test_with_four_axes_the_axes_may_differ():
    """A ridge narrow along two axes: no cube around the start is nearly as large."""
    low, high = np.array([0.1, 0.4, 0.1, 0.4]), np.array([0.9, 0.6, 0.9, 0.6])
    score = plateau(low, high)
    region = grow_region(score, np.full(4, 0.5), lower=[0] * 4, upper=[1] * 4, method="refined")
    widths = region.upper - region.lower
    assert region.feasible
    assert region.volume_share > 2 * 0.2**4
    assert widths[[0, 2]].min() > 1.5 * widths[[1, 3]].max()


def test_the_stated_errors_cover_what_is_missed():
    """Checked where mean and variance are known: a score that rises evenly along one axis."""
    regions = grow_regions(
        lambda u: 0.5 + 0.5 * u[:, 0],
        np.random.default_rng(1).random((12, 2)),
        lower=[0, 0],
        upper=[1, 1],
        method="refined",
        steps=800,
    )
    for region in regions:
        mean = 0.5 + 0.25 * (region.lower[0] + region.upper[0])
        variance = 0.25 * (region.upper[0] - region.lower[0]) ** 2 / 12
        assert abs(region.mean - mean) < 4 * region.mean_error
        assert abs(region.variance - variance) < 4 * region.variance_error


def test_a_batch_gives_what_each_start_gives_alone():
    score = plateau([0.2, 0.2], [0.8, 0.8])
    settings = {"lower": [0, 0], "upper": [1, 1], "steps": 100}
    starts = [[0.3, 0.3], [0.7, 0.5]]
    methods = ["refined", "refined", "naive"]
    mixed = grow_regions(score, [*starts, starts[0]], method=methods, **settings)
    assert [region.method for region in mixed] == methods
    for start, region in zip(starts, mixed, strict=False):
        alone = grow_region(score, start, method="refined", **settings)
        np.testing.assert_allclose(region.trace, alone.trace)


def test_moments_over_boxes_and_their_errors():
    lower, upper = np.array([[0.0, 0.0], [0.5, 0.0]]), np.array([[1.0, 1.0], [1.0, 0.1]])
    points = replicated_points(lower, upper, 800, seed=3)
    found = replicated_moments((points[:, 0] ** 2).reshape(2, -1))
    exact = [(1 / 3, 1 / 5 - 1 / 9), (7 / 12, (1 - 1 / 32) / 2.5 - (7 / 12) ** 2)]
    for moments, (mean, variance) in zip(found, exact, strict=True):
        assert abs(moments.mean - mean) < 5 * moments.mean_error + 1e-6
        assert abs(moments.variance - variance) < 5 * moments.variance_error + 1e-6
        assert moments.mean_error < 0.01


@pytest.mark.parametrize("surrogate", [lambda x: x, lambda x: 0 * x + 0.2, lambda x: 1 - x])
def test_a_bad_surrogate_widens_the_error_and_moves_no_estimate(surrogate):
    fresh, everywhere = (np.arange(400) + 0.5) / 400, (np.arange(4000) + 0.5) / 4000
    moments = corrected_moments(fresh, surrogate(fresh), surrogate(everywhere))
    assert moments.mean == pytest.approx(0.5, abs=1e-6)
    assert moments.variance == pytest.approx(1 / 12, abs=1e-4)
    perfect = corrected_moments(fresh, fresh, everywhere)
    assert perfect.mean_error <= moments.mean_error
