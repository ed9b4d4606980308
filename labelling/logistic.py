"""A logistic curve of a yes-or-no answer, in many bootstrap resamples at once."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from labelling.intervals import percentile_interval

Floats = NDArray[np.floating]

#: Keeps a slope finite where one magnitude separates all answers; on standardised x, in answers.
RIDGE = 1e-2
#: Newton's steps. Each moves no answer's logit by more: up to 1.79 a step cannot but gain, since a
#: logistic curve bends no faster (Bach 2010, Electron. J. Stat. 4, proposition 1).
STEPS, LONGEST = 200, 1.5
#: A step so short is the last one: what it leaves is of the order of its square.
SHORTEST = 1e-5
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
        drawn = _said(np.stack([self.intercepts, self.slopes]), x).T
        best = _said(np.array([[self.intercept], [self.slope]]), x)[:, 0]
        return best, *percentile_interval(drawn, self.sources)

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
    best = _newton(standard, yes, np.ones((len(x), 1)), np.zeros((2, 1)))
    batches = max(1, -(-len(x) * counts.shape[1] // _HELD_AT_ONCE))
    drawn = np.concatenate(
        [
            _newton(standard, yes, batch[unit].astype(float), best)
            for batch in np.array_split(counts, batches, axis=1)
        ],
        axis=1,
    )
    intercepts, slopes = _unstandardised(drawn, centre, spread)
    intercept, slope = (float(one[0]) for one in _unstandardised(best, centre, spread))
    return LogisticFit(intercept, slope, intercepts, slopes, counts.shape[0])


def _newton(x: Floats, yes: NDArray[np.bool_], weights: Floats, start: Floats) -> Floats:
    """(2, B): intercept and slope under each column of `weights` (n, B), from `start` (2, 1) on."""
    powers = np.stack([np.ones_like(x), x, x**2])  # sums over answers are products with these
    said_yes = (powers[:2] * yes) @ weights
    at = np.repeat(start, weights.shape[1], axis=1)
    widest = np.abs(x).max()
    said = _said(start, x)  # by all the same, at first
    moving = np.arange(weights.shape[1])  # resamples that are not there yet
    for _ in range(STEPS):
        drawn = weights if len(moving) == weights.shape[1] else weights[:, moving]
        expected = drawn * said
        # The intercept's share of the ridge is for resamples in which everybody says the same.
        first, second = said_yes[:, moving] - powers[:2] @ expected - RIDGE * at[:, moving]
        a, b, c = powers @ (expected - expected * said)
        a, c = a + RIDGE, c + RIDGE
        step = np.stack([c * first - b * second, a * second - b * first]) / (a * c - b * b)
        size = np.abs(step[0]) + np.abs(step[1]) * widest
        at[:, moving] += step * np.minimum(1.0, LONGEST / np.maximum(size, 1e-300))
        moving = moving[size >= SHORTEST]
        if not len(moving):
            break
        said = _said(at[:, moving], x)
    return at


def _said(at: Floats, x: Floats) -> Floats:
    """(n, B): the probability of yes at each x. NumPy's exponential is many times SciPy's speed."""
    with np.errstate(over="ignore"):  # one in infinitely many is none
        return 1.0 / (1.0 + np.exp(-at[0] - at[1] * x[:, None]))


def _unstandardised(at: Floats, centre: float, spread: float) -> tuple[Floats, Floats]:
    slope = at[1] / spread
    return at[0] - slope * centre, slope


def _half(intercepts: Floats, slopes: Floats) -> Floats:
    falling = slopes < 0
    at = np.divide(-intercepts, slopes, out=np.full_like(intercepts, np.inf), where=falling)
    return np.maximum(at, 0.0)
