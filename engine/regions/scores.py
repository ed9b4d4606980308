"""Scores that regions grow on: one known on a grid, and the adversarial side of any."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]

#: u (k, n) → the score of each point (k,), in [0, 1].
Score = Callable[[Floats], Floats]
#: u (k, n) → the score's gradient at each point (k, n).
Gradient = Callable[[Floats], Floats]


def adversarial(score: Score) -> Score:
    """1 − score: its robust regions are the adversarial regions of `score` (eq. 4)."""
    return lambda u: 1 - np.asarray(score(u), dtype=np.float64)


def adversarial_gradient(gradient: Gradient) -> Gradient:
    """The gradient of 1 − score, from that of the score."""
    return lambda u: -np.asarray(gradient(u), dtype=np.float64)


def grid_score(values: ArrayLike, axes: Sequence[ArrayLike]) -> Score:
    """Interpolate `values` (one dimension an axis) linearly along each of `axes`.

    `axes[i]` are the grid's coordinates along dimension i: two or more, evenly spaced, rising.
    Beyond the first and the last of them the value at the edge continues. A map stored as
    (elevation, azimuth) and asked about u = (azimuth, elevation) has to be transposed first.
    """
    table = np.ascontiguousarray(values, dtype=np.float64)
    points = [np.asarray(axis, dtype=np.float64) for axis in axes]
    if table.shape != tuple(len(axis) for axis in points):
        raise ValueError(
            f"The values have shape {table.shape} and the axes "
            f"{tuple(len(axis) for axis in points)} points: give one axis for each dimension of "
            "the values, in the same order."
        )
    for number, axis in enumerate(points):
        steps = np.diff(axis)
        if len(axis) < 2 or steps[0] <= 0 or not np.allclose(steps, steps[0]):
            raise ValueError(
                f"Axis {number} of the grid has to be at least two evenly spaced rising numbers."
            )
    first = np.array([axis[0] for axis in points])
    per_unit = np.array([(len(axis) - 1) / (axis[-1] - axis[0]) for axis in points])
    last = np.array(table.shape) - 1.0
    strides = np.array(table.strides) // table.itemsize
    flat = table.ravel()
    # Where a cell's 2ⁿ corners lie in the flat table, seen from its first; axis 0 alternates.
    offsets = np.zeros(1, dtype=np.intp)
    for stride in strides:
        offsets = np.concatenate([offsets, offsets + stride])

    def score(u: Floats) -> Floats:
        position = np.minimum(np.maximum((u - first) * per_unit, 0.0), last)
        # At the very end the cell before is used, with all weight on its far side.
        cell = np.minimum(np.floor(position), last - 1)
        fraction = position - cell
        found = flat[(cell @ strides).astype(np.intp) + offsets[:, None]]
        for axis in range(len(last) - 1, -1, -1):
            half = len(found) // 2
            found = found[:half] + (found[half:] - found[:half]) * fraction[:, axis]
        return found[0]

    return score
