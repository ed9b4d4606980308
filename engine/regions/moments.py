"""The mean and the variance of a score over a box, each with its standard error.

Points are a Kronecker sequence (the generalised golden ratio's), shifted at random: it fills a box
evenly in any dimension, and every stretch of it does.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

#: Constraints count as met where they hold by this many standard errors.
SURE = 2.0
REPLICATES = 8


@dataclass(frozen=True)
class Moments:
    """Mean and variance of a score over a box, and the standard errors of both estimates."""

    mean: float
    mean_error: float
    variance: float
    variance_error: float

    def meets(self, epsilon_mean: float, epsilon_variance: float) -> bool:
        """Whether mean ≥ 1 − ε_m and variance ≤ ε_v (eq. 2), each by two standard errors."""
        return (
            self.mean - SURE * self.mean_error >= 1 - epsilon_mean
            and self.variance + SURE * self.variance_error <= epsilon_variance
        )


def even_points(count: int, dimensions: int, rng: np.random.Generator) -> Floats:
    """`count` evenly spread points (count, n) of the unit cube, at a random shift."""
    ratio = 2.0
    for _ in range(60):  # the root of x^(n+1) = x + 1
        ratio = (1 + ratio) ** (1 / (dimensions + 1))
    steps = ratio ** -np.arange(1.0, dimensions + 1)
    return (rng.random(dimensions) + np.arange(count)[:, None] * steps) % 1


def replicated_points(lower: Floats, upper: Floats, count: int, seed: int) -> Floats:
    """Points (R·count, n) for `replicated_moments`: the same eight shifted sets in all R boxes."""
    rng = np.random.default_rng(seed)
    each = max(count // REPLICATES, 2)
    unit = np.concatenate([even_points(each, lower.shape[1], rng) for _ in range(REPLICATES)])
    boxes = lower[:, None, :] + (upper - lower)[:, None, :] * unit
    return boxes.reshape(-1, lower.shape[1])


def replicated_moments(scores: Floats) -> list[Moments]:
    """Each box's moments from its scores (R, count); errors from the spread of the eight sets."""
    sets = scores.reshape(len(scores), REPLICATES, -1)
    means, squares = sets.mean(axis=2), (sets * sets).mean(axis=2)
    mean = means.mean(axis=1, keepdims=True)
    variance = squares.mean(axis=1) - mean[:, 0] ** 2
    # How the variance answers to each set's two sums, to first order.
    influence = squares - 2 * mean * means
    root = np.sqrt(REPLICATES)
    return [
        Moments(float(m), float(me), float(v), float(ve))
        for m, me, v, ve in zip(
            mean[:, 0],
            means.std(axis=1, ddof=1) / root,
            np.maximum(variance, 0.0),
            influence.std(axis=1, ddof=1) / root,
            strict=True,
        )
    ]


def corrected_moments(fresh: Floats, predicted: Floats, everywhere: Floats) -> Moments:
    """A surrogate's moments over a box, corrected by fresh scores there (a control variate).

    fresh, predicted
        (k,) scores and the surrogate's predictions at k points drawn evenly from the box, none of
        which the surrogate has seen.
    everywhere
        (p,) its predictions at many more points of the box.

    The estimates are unbiased whatever the surrogate is worth; how good it is decides the errors.
    """
    residual = fresh - predicted
    residual_squares = fresh**2 - predicted**2
    mean = everywhere.mean() + residual.mean()
    variance = (everywhere**2).mean() + residual_squares.mean() - mean**2
    influence = residual_squares - 2 * mean * residual
    sampled = everywhere**2 - 2 * mean * everywhere
    return Moments(
        float(min(max(mean, 0.0), 1.0)),
        float(np.hypot(_standard_error(residual), _standard_error(everywhere))),
        float(max(variance, 0.0)),
        float(np.hypot(_standard_error(influence), _standard_error(sampled))),
    )


def _standard_error(values: Floats) -> float:
    """Of the mean, as if drawn independently: for even points that is more than enough."""
    return float(values.std(ddof=1) / np.sqrt(len(values)))
