"""A logistic curve of a yes-or-no answer, in many bootstrap resamples at once."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

from labelling.intervals import percentile_interval

Floats = NDArray[np.floating]

#: Keeps a slope finite where one magnitude separates all answers; on standardised x, in answers.
RIDGE = 1e-2
#: Newton's steps; each at most so far, on standardised x.
STEPS, LONGEST = 60, 4.0
TOLERANCE = 1e-8
#: Answers × resamples held at once.
_HELD_AT_ONCE = 4_000_000


@dataclass(frozen=True)
class LogisticFit:
    """P(yes | x) = 1/(1 + exp(−(intercept + slope·x))), and the same of each resample, (B,)."""

    intercept: float
    slope: float
    intercepts: Floats
    slopes: Floats
    sources: int

    def curve(self, x: Floats) -> tuple[Floats, Floats, Floats]:
        """The curve at x, and its 95 % band, pointwise."""
        drawn = expit(self.intercepts[:, None] + self.slopes[:, None] * x)
        return expit(self.intercept + self.slope * x), *percentile_interval(drawn, self.sources)

    def half(self) -> tuple[float, float, float]:
        """The x from which on fewer than half say yes, with its 95 % interval.

        ∞ where yes gets no rarer as x grows; 0 where fewer than half say yes from the start.
        """
        low, high = percentile_interval(
            _half(self.intercepts, self.slopes), self.sources, between=False
        )
        best = _half(np.array([self.intercept]), np.array([self.slope]))
        return float(best[0]), float(low), float(high)


def logistic_fit(
    x: Floats, yes: NDArray[np.bool_], unit: NDArray[np.intp], counts: Floats
) -> LogisticFit:
    """Maximum likelihood, with a ridge on the standardised slope that is felt where x separates.

    `x`, `yes` (n,); `unit` (n,) is each answer's source, and `counts` (S, B) how often each source
    was drawn in each resample, so that answers about one source stay together.
    """
    centre, spread = float(x.mean()), float(x.std()) or 1.0
    standard = (x - centre) / spread
    best = _newton(standard, yes, np.ones((len(x), 1)))
    batches = max(1, -(-len(x) * counts.shape[1] // _HELD_AT_ONCE))
    drawn = np.concatenate(
        [
            _newton(standard, yes, batch[unit].astype(float))
            for batch in np.array_split(counts, batches, axis=1)
        ],
        axis=1,
    )
    intercepts, slopes = _unstandardised(drawn, centre, spread)
    intercept, slope = (float(one[0]) for one in _unstandardised(best, centre, spread))
    return LogisticFit(intercept, slope, intercepts, slopes, counts.shape[0])


def _newton(x: Floats, yes: NDArray[np.bool_], weights: Floats) -> Floats:
    """(2, B): intercept and slope under each column of `weights` (n, B)."""
    powers = np.stack([np.ones_like(x), x, x**2])  # sums over answers are products with these
    said_yes = (powers[:2] * yes) @ weights
    total, agreed = weights.sum(axis=0), said_yes[0]
    # Half an answer more on each side keeps a resample of one kind of answer finite.
    share = (agreed + 0.5) / (total + 1)
    at = np.stack([np.log(share / (1 - share)), np.zeros_like(share)])
    moving = np.arange(weights.shape[1])  # resamples that are not there yet
    for _ in range(STEPS):
        drawn = weights if len(moving) == weights.shape[1] else weights[:, moving]
        said = expit(at[0, moving] + at[1, moving] * x[:, None])
        expected = drawn * said
        # The intercept's share of the ridge is for resamples in which everybody says the same.
        first, second = said_yes[:, moving] - powers[:2] @ expected - RIDGE * at[:, moving]
        a, b, c = powers @ (expected * (1 - said))
        a, c = a + RIDGE, c + RIDGE
        step = np.stack([c * first - b * second, a * second - b * first]) / (a * c - b * b)
        size = np.abs(step).max(axis=0)
        at[:, moving] += step * np.minimum(1.0, LONGEST / np.maximum(size, 1e-300))
        moving = moving[size >= TOLERANCE]
        if not len(moving):
            break
    return at


def _unstandardised(at: Floats, centre: float, spread: float) -> tuple[Floats, Floats]:
    slope = at[1] / spread
    return at[0] - slope * centre, slope


def _half(intercepts: Floats, slopes: Floats) -> Floats:
    falling = slopes < 0
    at = np.divide(-intercepts, slopes, out=np.full_like(intercepts, np.inf), where=falling)
    return np.maximum(at, 0.0)
