"""A score learnt from the points where it was asked: linear radial basis functions.

Interpolation with −‖x − x_i‖ and a constant, which bends no more than the scores do. Axes along
which the score changes faster are stretched, by what predicts each point best from the others.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

#: Stretches tried for an axis, and how smooth the surrogate is (added to the kernel's diagonal).
_STRETCHES = (0.5, 2.0)
_SMOOTHINGS = (1e-6, 0.03, 0.1)
#: More points than this choose no stretch, and take that of the round before: choosing is cubic in
#: them, and brings nothing any more (256 starts on the published maps: 2.03 million either way).
_CHOOSING = 200
#: Distances from so many points at a time, which stay in a core's cache, and are too few for BLAS
#: to share them out among threads.
_ROWS = 64


@dataclass(frozen=True, eq=False)
class Surrogate:
    """Predicts a score in [0, 1] at points (k, n) of the unit cube."""

    points: Floats
    stretch: Floats
    smoothing: float
    weights: Floats
    constant: float

    def __call__(self, x: Floats) -> Floats:
        """Predictions (k,)."""
        at, known = x * self.stretch, self.points * self.stretch
        pull = np.empty(len(at))
        for first in range(0, len(at), _ROWS):
            part = slice(first, first + _ROWS)
            np.einsum("ij,j->i", _distances(at[part], known), self.weights, out=pull[part])
        return np.clip(self.constant - pull, 0.0, 1.0)


def fit_surrogate(points: Floats, values: Floats, like: Surrogate | None = None) -> Surrogate:
    """Learn `values` (k,) at `points` (k, n); `like` tells where to look for the stretch."""
    stretch = np.ones(points.shape[1]) if like is None else like.stretch
    smoothing = _SMOOTHINGS[1] if like is None else like.smoothing
    if len(points) <= _CHOOSING or like is None:
        best = _left_out_error(points, values, stretch, smoothing)
        for axis in range(points.shape[1]):
            for factor in _STRETCHES:
                tried = stretch.copy()
                tried[axis] *= factor
                tried /= np.exp(np.log(tried).mean())
                error = _left_out_error(points, values, tried, smoothing)
                if error < best:
                    best, stretch = error, tried
        for tried_smoothing in _SMOOTHINGS:
            error = _left_out_error(points, values, stretch, tried_smoothing)
            if error < best:
                best, smoothing = error, tried_smoothing
    solution = np.linalg.solve(_system(points * stretch, smoothing), np.append(values, 0.0))
    return Surrogate(points, stretch, smoothing, solution[:-1], float(solution[-1]))


def _distances(left: Floats, right: Floats) -> Floats:
    """‖x_i − y_j‖ (k, m)."""
    found = left @ (-2 * right.T)
    found += (left * left).sum(1)[:, None]
    found += (right * right).sum(1)
    np.maximum(found, 0.0, out=found)
    return np.sqrt(found, out=found)


def _system(points: Floats, smoothing: float) -> Floats:
    """The kernel between all points, bordered by the constant: (k + 1, k + 1)."""
    count = len(points)
    system = np.ones((count + 1, count + 1))
    system[:count, :count] = smoothing * np.eye(count) - _distances(points, points)
    system[count, count] = 0.0
    return system


def _left_out_error(points: Floats, values: Floats, stretch: Floats, smoothing: float) -> float:
    """Mean squared error at each point of what is learnt from all the others (Rippa 1999)."""
    inverse = np.linalg.inv(_system(points * stretch, smoothing))
    solution = inverse[:-1, :-1] @ values
    return float(np.square(solution / np.diagonal(inverse)[:-1]).mean())
