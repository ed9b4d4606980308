"""Where a map has to be asked more finely, and what the rest of it is interpolated from."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Indices = NDArray[np.intp]


def every(step: int, count: int, also: Indices | None = None) -> Indices:
    """0, step, 2·step, … and the last of `count` indices, and those of `also`."""
    chosen = np.append(np.arange(0, count, step), count - 1)
    return np.unique(chosen if also is None else np.concatenate([chosen, also]))


def fill_between(
    scores: NDArray[np.float32],
    predicted: NDArray[np.int32],
    measured: NDArray[np.bool_],
    lattice: Sequence[Indices],
    finer: Sequence[Indices],
    tolerance: float,
) -> None:
    """Interpolate, in place, points of the finer lattice around which the coarser one is even.

    What stays NaN has to be asked: it lies in or beside a cell whose corners differ.
    """
    even = ~_changing(scores, predicted, lattice, finer, tolerance)
    even &= ~measured[np.ix_(*finer)]
    wanted = np.stack(np.meshgrid(*finer, indexing="ij"), -1)[even]
    ends, shares = [], []
    for axis, coarser in enumerate(lattice):
        cell = _cells(coarser, wanted[:, axis])
        low, high = coarser[cell], coarser[cell + 1]
        ends.append((low, high))
        shares.append((wanted[:, axis] - low) / (high - low))
    total = np.zeros((len(scores), len(wanted)))
    for bits in np.ndindex(*(2,) * len(lattice)):
        weight = np.ones(len(wanted))
        for share, bit in zip(shares, bits, strict=True):
            weight = weight * (share if bit else 1 - share)
        corner = tuple(end[bit] for end, bit in zip(ends, bits, strict=True))
        total += weight * scores[(slice(None), *corner)]
    nearest = tuple(
        np.where(share < 0.5, low, high) for (low, high), share in zip(ends, shares, strict=True)
    )
    scores[(slice(None), *wanted.T)] = total
    predicted[(slice(None), *wanted.T)] = predicted[(slice(None), *nearest)]


def _changing(
    scores: NDArray[np.float32],
    predicted: NDArray[np.int32],
    lattice: Sequence[Indices],
    finer: Sequence[Indices],
    tolerance: float,
) -> NDArray[np.bool_]:
    """Points of the finer lattice in or beside a cell of the coarser whose corners differ.

    That is in score by more than the tolerance, or in the label predicted, for any classifier.
    """
    on_lattice = (slice(None), *np.ix_(*lattice))
    spread = _over_corners(np.maximum, scores[on_lattice]) - _over_corners(
        np.minimum, scores[on_lattice]
    )
    labels = predicted[on_lattice]
    mixed = _over_corners(np.maximum, labels) != _over_corners(np.minimum, labels)
    # The cells beside as well: a change may just have been missed.
    wide = np.pad(((spread > tolerance) | mixed).any(axis=0), 1)
    for axis in range(wide.ndim):
        wide = wide | np.roll(wide, 1, axis) | np.roll(wide, -1, axis)
    inner = wide[(slice(1, -1),) * wide.ndim]
    cells = [_cells(coarser, fine) for coarser, fine in zip(lattice, finer, strict=True)]
    return inner[np.ix_(*cells)]


def _over_corners(reduce: np.ufunc, values: NDArray) -> NDArray:
    """The extreme of the corners of each cell: (k, p, q) → (k, p − 1, q − 1)."""
    for axis in range(1, values.ndim):
        count = values.shape[axis]
        values = reduce(
            np.take(values, range(count - 1), axis), np.take(values, range(1, count), axis)
        )
    return values


def _cells(coarser: Indices, at: Indices) -> Indices:
    """The cell of the coarser lattice that each index lies in; the last index in the last cell."""
    return np.clip(np.searchsorted(coarser, at, "right") - 1, 0, len(coarser) - 2)
