"""The largest box around a start in which a score that costs nothing to ask keeps within limits.

Two axes at a time are searched exhaustively: their ranges are cut into bins, and the mean and the
variance of every box of whole bins come from sums over the bins (integral images). With one or
two axes that is the whole search; with more, pairs take turns while the others keep their sides.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from engine.regions.moments import even_points

Floats = NDArray[np.float64]

#: Bins along an axis: with more than two axes there are many pairs to search.
_FINE, _COARSE = 48, 32
#: How often the bins are made finer around the best box, or around the start when there is none.
_ZOOMS = 3
#: Spans of the first axis that are compared at a time.
_TOGETHER = 32
#: Half-sides of the cubes that a search over more than two axes may begin from.
_SCALES = 0.7 ** np.arange(14)


@dataclass(frozen=True)
class Limits:
    """What a box has to keep: mean ≥ `mean`, variance ≤ `variance`."""

    mean: float
    variance: float

    def met(self, mean: Floats, variance: Floats) -> NDArray[np.bool_]:
        """Where both hold."""
        return (mean >= self.mean) & (variance <= self.variance)


def largest_box(
    predict: Callable[[Floats], Floats], start: Floats, limits: Limits, rng: np.random.Generator
) -> Floats | None:
    """The largest box (2, n) found in the unit cube with `start` (n,) in it, or None.

    predict: points (k, n) → scores (k,), asked many thousand times.
    """
    dimensions = len(start)
    if dimensions <= 2:
        whole = np.array([np.zeros(dimensions), np.ones(dimensions)])
        return _zoomed(predict, start, limits, whole, tuple(range(dimensions)), rng)
    first = _largest_cube(predict, start, limits, rng)
    if first is None:
        return None
    found = [_in_turn(predict, start, limits, first, rng)]
    # Smaller cubes too: from the largest, no axis can give way to another.
    half = np.array([(first[0] + start) / 2, (first[1] + start) / 2])
    found.append(_in_turn(predict, start, limits, half, rng))
    return max(found, key=_volume)


def _largest_cube(
    predict: Callable[[Floats], Floats], start: Floats, limits: Limits, rng: np.random.Generator
) -> Floats | None:
    """The largest cube around the start, cut to the unit cube, that keeps the limits."""
    unit = even_points(512, len(start), rng)
    for scale in _SCALES:
        box = np.array([np.maximum(start - scale, 0.0), np.minimum(start + scale, 1.0)])
        scores = predict(box[0] + unit * (box[1] - box[0]))
        if limits.met(scores.mean(), scores.var()):
            return box
    return None


def _in_turn(
    predict: Callable[[Floats], Floats],
    start: Floats,
    limits: Limits,
    box: Floats,
    rng: np.random.Generator,
) -> Floats:
    """Widen `box` pair by pair, each axis at least twice, while that makes it larger."""
    pairs = list(combinations(range(len(start)), 2))
    for _ in range(2):
        for chosen in rng.permutation(len(pairs))[: 2 * len(start)]:
            wider = _zoomed(predict, start, limits, box, pairs[chosen], rng)
            if wider is not None and _volume(wider) > _volume(box):
                box = wider
    return box


def _zoomed(
    predict: Callable[[Floats], Floats],
    start: Floats,
    limits: Limits,
    box: Floats,
    axes: tuple[int, ...],
    rng: np.random.Generator,
) -> Floats | None:
    """`box` with the best sides along `axes`: coarse bins over the whole range, then finer ones."""
    chosen = list(axes)
    frame = np.array([np.zeros(len(axes)), np.ones(len(axes))])
    best: Floats | None = None
    for _ in range(_ZOOMS):
        found = _best_of_bins(predict, start, limits, box, chosen, frame, rng)
        if found is not None and (best is None or _volume(found) > _volume(best)):
            best = found
        if best is None:
            reach = (frame[1] - frame[0]) / 8
            frame = np.array([start[chosen] - reach, start[chosen] + reach])
        else:
            bin_width = (frame[1] - frame[0]) / _bins(len(start))
            frame = best[:, chosen] + np.array([-1.5, 1.5])[:, None] * bin_width
        frame = np.clip(frame, 0.0, 1.0)
    return best


def _best_of_bins(
    predict: Callable[[Floats], Floats],
    start: Floats,
    limits: Limits,
    box: Floats,
    axes: list[int],
    frame: Floats,
    rng: np.random.Generator,
) -> Floats | None:
    """The largest box of whole bins of `frame` along one or two `axes`, or None."""
    bins = _bins(len(start))
    width = frame[1] - frame[0]
    cells = np.stack(np.meshgrid(*[np.arange(bins)] * len(axes), indexing="ij"), -1)
    cells = cells.reshape(-1, len(axes))
    points = box[0] + even_points(len(cells), len(start), rng) * (box[1] - box[0])
    # Along the axes searched, one point at random in each bin: their mean is the box's.
    points[:, axes] = frame[0] + (cells + rng.random(cells.shape)) / bins * width
    # One axis is two, of which the second has one bin.
    scores = predict(points).reshape(bins, -1)
    home = np.clip(((start[axes] - frame[0]) / width * bins).astype(int), 0, bins - 1)
    chosen = _largest_around(scores, [*home, 0][:2], limits)
    if chosen is None:
        return None
    found = box.copy()
    for axis, (low, high), left, step in zip(axes, chosen, frame[0], width / bins, strict=False):
        found[:, axis] = left + low * step, left + high * step
    # A start at a bin's very edge stays in, whatever rounding did.
    found[0], found[1] = np.minimum(found[0], start), np.maximum(found[1], start)
    return found


def _largest_around(
    scores: Floats, home: Sequence[int], limits: Limits
) -> tuple[tuple[int, int], tuple[int, int]] | None:
    """First bin and end of the largest box of bins around `home` that keeps the limits, by axis.

    Longest spans first: what cannot be larger than the best so far is never looked at.
    """
    sums = [np.pad(v, ((1, 0), (1, 0))).cumsum(0).cumsum(1) for v in (scores, scores * scores)]
    (low, high), (left, right) = (
        _spans(at, count) for at, count in zip(home, scores.shape, strict=True)
    )
    tall, wide = high - low, right - left
    best, found = 0, None
    for first in range(0, len(tall), _TOGETHER):
        part = slice(first, first + _TOGETHER)
        more = int((wide * tall[first] > best).sum())
        if not more:
            break
        rows = [values[high[part]] - values[low[part]] for values in sums]
        total, squares = (one[:, right[:more]] - one[:, left[:more]] for one in rows)
        count = tall[part, None] * wide[:more]
        mean = total / count
        size = np.where(limits.met(mean, squares / count - mean * mean), count, 0)
        row, column = np.unravel_index(size.argmax(), size.shape)
        if size[row, column] > best:
            best, row = int(size[row, column]), first + row
            found = (low[row], high[row]), (left[column], right[column])
    return found


def _spans(home: int, count: int) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """First bins and ends of all spans of `count` bins that hold `home`, the longest first."""
    low, high = (
        one.ravel() for one in np.meshgrid(np.arange(home + 1), np.arange(home + 1, count + 1))
    )
    order = np.argsort(low - high, kind="stable")
    return low[order], high[order]


def _bins(dimensions: int) -> int:
    return _FINE if dimensions <= 2 else _COARSE


def _volume(box: Floats) -> float:
    return float(np.prod(box[1] - box[0]))
