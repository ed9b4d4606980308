"""The exhaustive search of bins against every box of bins, one at a time."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest

from engine.regions.largest import Limits, _largest_around


def every_box(scores: np.ndarray, home: list[int], limits: Limits) -> int:
    """How many bins the largest box that keeps the limits has, 0 where none does."""
    best = 0
    sides = [
        [(low, high) for low in range(at + 1) for high in range(at + 1, count + 1)]
        for at, count in zip(home, scores.shape, strict=True)
    ]
    for (low, high), (left, right) in product(*sides):
        inside = scores[low:high, left:right]
        if inside.mean() >= limits.mean and inside.var() <= limits.variance:
            best = max(best, inside.size)
    return best


@pytest.mark.parametrize("shape", [(9, 9), (12, 7), (16, 1)])
@pytest.mark.parametrize("mean", [0.3, 0.5, 0.7])
def test_no_box_is_larger_than_the_one_found(shape: tuple[int, int], mean: float) -> None:
    rng = np.random.default_rng(round(10 * mean) + shape[0])
    limits = Limits(mean, 0.08)
    for _ in range(10):
        scores = rng.random(shape)
        home = [int(rng.integers(count)) for count in shape]
        found = _largest_around(scores, home, limits)
        if found is None:
            assert every_box(scores, home, limits) == 0
            continue
        (low, high), (left, right) = found
        inside = scores[low:high, left:right]
        assert low <= home[0] < high and left <= home[1] < right
        assert inside.mean() >= limits.mean - 1e-9 and inside.var() <= limits.variance + 1e-9
        assert inside.size == every_box(scores, home, limits)
