"""The published way to grow: descend from a tiny box by one of the three rules, clipped to Ω.

Hamdi & Ghanem (2020), algorithms 1 and 2 (which print r = a − b for b − a), for many starts and
any of the rules at once. The growth is a coroutine: it yields the points that it wants scored and
is sent the scores, so that searches of several kinds can share one call of the score.
"""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from engine.regions.region import Domain
from engine.regions.rules import Settings, corner_bits, descents
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
    methods: Sequence[str],
    starts: Floats,
    domain: Domain,
    descent: Descent,
    gradient: Gradient | None,
) -> Generator[Floats, Floats, Grown]:
    """Descend from `starts` (R, n), each by its method; yields points (k, n), wants scores (k,)."""
    # Boxes of one rule are neighbours, so that slices tell them apart.
    order = np.argsort([PUBLISHED.index(method) for method in methods], kind="stable")
    rules = np.array([PUBLISHED.index(methods[row]) for row in order])
    sides = np.empty((len(starts), 2, starts.shape[1]))
    sides[:, 0] = domain.clip(starts[order] - descent.initial_halfwidth)
    sides[:, 1] = domain.clip(starts[order] + descent.initial_halfwidth)
    traces = np.empty((descent.steps + 1, *sides.shape))
    traces[0] = sides
    evaluations = np.zeros(len(starts), dtype=np.int64)
    moving = np.arange(len(starts))
    batch = _Batch(rules, domain, descent, gradient)
    for step in range(1, descent.steps + 1):
        scores = yield batch.points(sides)
        evaluations[moving] += batch.asked
        down = batch.descents(sides, scores)
        new = domain.clip(sides - descent.learning_rate * down)
        # Sides that would cross meet: a box of no width moves no more along that axis.
        crossed = new[:, 0] > new[:, 1]
        if crossed.any():
            middle = new.mean(axis=1)
            new = np.where(crossed[:, None], middle[:, None], new)
        changed = (new != sides).any(axis=(1, 2))
        sides = new
        if len(moving) == len(starts):
            traces[step] = sides
        else:
            traces[step] = traces[step - 1]
            traces[step, moving] = sides
        if not changed.all():
            # What an update left as it was, every later one leaves too.
            moving, sides = moving[changed], sides[changed]
            if not len(moving):
                traces[step + 1 :] = traces[step]
                break
            batch = _Batch(rules[moving], domain, descent, gradient)
    back = np.argsort(order)
    return Grown(traces[:, back].swapaxes(0, 1), evaluations[back])


class _Batch:
    """What boxes of given rules ask at each update, and what they make of the answers."""

    def __init__(
        self,
        rules: NDArray[np.int64],
        domain: Domain,
        descent: Descent,
        gradient: Gradient | None,
    ) -> None:
        self._domain, self._settings, self._gradient = domain, descent.settings, gradient
        dimensions = len(domain.lower)
        self._bits = corner_bits(dimensions)
        self._count, self._corners = len(rules), len(self._bits)
        first_b, first_w = np.searchsorted(rules, [1, 2])
        self._naive, self._black = slice(0, first_b), slice(first_b, first_w)
        self._white = slice(first_w, len(rules))
        self._blacks, self._whites = first_w - first_b, len(rules) - first_w
        moves = np.diag(descent.gradient_halfstep)
        self._moves = np.concatenate([moves, -moves])
        differing = 2 * dimensions if gradient is None else 1
        each = np.array([1, 2, 1 + differing])
        #: Scores and gradients that each box asks for at an update.
        self.asked = each[rules] * self._corners

    def points(self, sides: Floats) -> Floats:
        """The corners of all boxes, of the outer boxes, and the points on either side (k, n)."""
        lower = sides[:, 0, None]
        widths = sides[:, 1, None] - lower
        self._inner = lower + self._bits * widths
        asked = [self._inner]
        if self._blacks:
            # The box Q that is larger by α/2 of the width on each side (eq. 9).
            stretched = (1 + self._settings.alpha) * self._bits - self._settings.alpha / 2
            outer = lower[self._black] + stretched * widths[self._black]
            asked.append(self._domain.clip(outer))
        if self._whites and self._gradient is None:
            beside = self._inner[self._white][:, None] + self._moves[:, None]
            self._beside = self._domain.clip(beside)
            asked.append(self._beside)
        return np.concatenate([one.reshape(-1, self._bits.shape[1]) for one in asked])

    def descents(self, sides: Floats, scores: Floats) -> Floats:
        """∇a and ∇b of all boxes, (R, 2, n), from the scores of `points`."""
        first = self._count * self._corners
        second = first + self._blacks * self._corners
        inner = scores[:first].reshape(self._count, -1)
        outer = scores[first:second].reshape(self._blacks, self._corners)
        slopes = self._slopes(scores[second:]) if self._whites else None
        return descents(
            sides[:, 1] - sides[:, 0],
            inner,
            outer,
            slopes,
            (self._naive, self._black, self._white),
            self._settings,
        )

    def _slopes(self, scores: Floats) -> Floats:
        """Gradients at the corners of the white boxes, (W, C, n); one-sided at Ω's edge."""
        at = self._inner[self._white]
        if self._gradient is not None:
            return np.asarray(self._gradient(at.reshape(-1, at.shape[2]))).reshape(at.shape)
        dimensions = at.shape[2]
        found = scores.reshape(self._whites, 2, dimensions, self._corners)
        ahead, behind = self._beside[:, :dimensions], self._beside[:, dimensions:]
        # Along axis i only coordinate i differs.
        distance = np.einsum("wici->wic", ahead - behind)
        return ((found[:, 0] - found[:, 1]) / distance).swapaxes(1, 2)
