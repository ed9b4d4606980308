"""The published way to grow: descend from a tiny box by one of the three rules, clipped to Ω.

Hamdi & Ghanem (2019), algorithms 1 and 2 (which print r = a − b for b − a), for many starts at
once. The growth is a coroutine: it yields the points that it wants scored and is sent the scores,
so that searches of several kinds can share one call of the score.
"""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from engine.regions.region import Domain
from engine.regions.rules import Settings, corners, naive, oir_b, oir_w, outer_corners
from engine.regions.scores import Gradient

Floats = NDArray[np.float64]

PUBLISHED = ("naive", "oir_b", "oir_w")


@dataclass(frozen=True)
class Descent:
    """How long and how fast the rules descend, from which half-width; the paper's defaults.

    `gradient_halfstep` (n,) is the half-step of the central differences that stand in for a
    missing gradient.
    """

    gradient_halfstep: Floats
    steps: int = 800
    learning_rate: float = 0.1
    initial_halfwidth: float = 1e-5
    settings: Settings = field(default_factory=Settings)


@dataclass(frozen=True)
class Grown:
    """Traces (R, T + 1, 2, n) of R boxes, and how often each asked for a score (R,)."""

    traces: Floats
    evaluations: NDArray[np.int64]


def grow(
    method: str, starts: Floats, domain: Domain, descent: Descent, gradient: Gradient | None
) -> Generator[Floats, Floats, Grown]:
    """Descend from `starts` (R, n) by `method`; yields points (k, n), wants scores (k,)."""
    lower = domain.clip(starts - descent.initial_halfwidth)
    upper = domain.clip(starts + descent.initial_halfwidth)
    traces = np.empty((len(starts), descent.steps + 1, 2, starts.shape[1]))
    traces[:, 0, 0], traces[:, 0, 1] = lower, upper
    evaluations = np.zeros(len(starts), dtype=np.int64)
    moving = np.arange(len(starts))
    for step in range(1, descent.steps + 1):
        box, points = corners(lower, upper), None
        if method == "oir_b":
            outer = domain.clip(outer_corners(lower, upper, descent.settings.alpha))
            points = np.concatenate([box, outer], axis=1)
        elif method == "oir_w" and gradient is None:
            ahead, behind = _either_side(box, descent.gradient_halfstep, domain)
            points = np.concatenate([box, ahead, behind], axis=1)
        asked = box if points is None else points
        scores = yield asked.reshape(-1, asked.shape[2])
        scores = scores.reshape(asked.shape[:2])
        inner, rest = scores[:, : box.shape[1]], scores[:, box.shape[1] :]
        widths = upper - lower
        if method == "naive":
            down, up = naive(widths, inner, descent.settings)
        elif method == "oir_b":
            down, up = oir_b(widths, inner, rest, descent.settings)
        else:
            if gradient is None:
                slopes = _differences(rest, ahead, behind)
            else:
                slopes = np.asarray(gradient(box.reshape(-1, box.shape[2]))).reshape(box.shape)
                evaluations[moving] += box.shape[1]
            down, up = oir_w(widths, inner, slopes, descent.settings)
        evaluations[moving] += asked.shape[1]
        new_lower = domain.clip(lower - descent.learning_rate * down)
        new_upper = domain.clip(upper - descent.learning_rate * up)
        # Sides that would cross meet: a box of no width moves no more along that axis.
        crossed = new_lower > new_upper
        if crossed.any():
            middle = (new_lower + new_upper) / 2
            new_lower = np.where(crossed, middle, new_lower)
            new_upper = np.where(crossed, middle, new_upper)
        changed = ((new_lower != lower) | (new_upper != upper)).any(axis=1)
        lower, upper = new_lower, new_upper
        if len(moving) == len(starts):
            traces[:, step, 0], traces[:, step, 1] = lower, upper
        else:
            traces[:, step] = traces[:, step - 1]
            traces[moving, step, 0], traces[moving, step, 1] = lower, upper
        if not changed.all():
            # What an update left as it was, every later one leaves too.
            moving, lower, upper = moving[changed], lower[changed], upper[changed]
            if not len(moving):
                traces[:, step + 1 :] = traces[:, step, None]
                break
    return Grown(traces, evaluations)


def _either_side(points: Floats, halfstep: Floats, domain: Domain) -> tuple[Floats, Floats]:
    """Points (R, C, n) moved along each axis by ± the half-step, kept in Ω: (R, C·n, n) each."""
    count, many, dimensions = points.shape
    moves = np.diag(halfstep)
    ahead = domain.clip(points[:, :, None, :] + moves)
    behind = domain.clip(points[:, :, None, :] - moves)
    shape = (count, many * dimensions, dimensions)
    return ahead.reshape(shape), behind.reshape(shape)


def _differences(scores: Floats, ahead: Floats, behind: Floats) -> Floats:
    """The gradient (R, C, n) from the scores (R, 2·C·n) on either side; one-sided at Ω's edge."""
    count, many, dimensions = ahead.shape
    shape = (count, many // dimensions, dimensions)
    distance = (ahead - behind).sum(axis=2)
    return ((scores[:, :many] - scores[:, many:]) / distance).reshape(shape)
