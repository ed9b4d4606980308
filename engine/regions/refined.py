"""Our own way to find a region: learn the score, take the largest box, check it with fresh points.

A round fits a surrogate to every score asked so far, takes the largest box around the start that
keeps eq. 2 according to it, and asks the score at fresh points in that box (and a few around
it). They check the box, unbiased, and teach the next round. The limits that a round searches with
are eq. 2's, moved by the error that the round before stated and by how far its surrogate was off.
The answer is the largest box that passed.
"""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from engine.regions.largest import Limits, largest_box
from engine.regions.moments import SURE, Moments, corrected_moments, even_points
from engine.regions.region import Domain
from engine.regions.surrogate import Surrogate, fit_surrogate

Floats = NDArray[np.float64]

#: Scores asked before the first round, and in each round (three quarters of them in the box), as
#: shares of the budget.
_FIRST = 0.3
_ROUNDS = (0.1, 0.12, 0.14, 0.16, 0.18)
_IN_BOX = 0.75
#: How much of the variance allowed the slack may take, and what is tried when no box has it all.
_MOST_SLACK = 0.6
_SLACK_TAKEN = (1.0, 0.5, 0.0)
#: Until a box has passed, each is made so much narrower for every one that failed: what a surrogate
#: gets wrong lies at its sides.
_SHRINK = 0.1
_STAR = 2.0 ** -np.arange(2, 8)
_EVERYWHERE = 2048
LARGEST_BUDGET = 1500


def budget(steps: int, dimensions: int) -> int:
    """How often a region may ask: half a tenth of OIR_B's 2ⁿ⁺¹ scores in each of `steps`."""
    return max(128, min(LARGEST_BUDGET, int(0.05 * steps * 2 ** (dimensions + 1))))


@dataclass(frozen=True)
class Refined:
    """The box found, the boxes tried on the way (R + 1, 2, n), and what it cost."""

    trace: Floats
    moments: Moments
    evaluations: int


def refine(
    start: Floats,
    domain: Domain,
    asked: int,
    *,
    epsilon_mean: float,
    epsilon_variance: float,
    seed: int,
) -> Generator[Floats, Floats, Refined]:
    """Look for the largest feasible box around `start` (n,); yields points, wants their scores.

    `asked` is the most scores that it may ask for. Where no box passes, the smallest one tried is
    the answer, with moments that say why.
    """
    # Other points for each start, so that what misleads one search misleads no other.
    rng = np.random.default_rng([seed, *np.frombuffer(start.tobytes(), np.uint32)])
    start_x = (start - domain.lower) / domain.widths
    points = _first_points(start_x, max(int(_FIRST * asked), 8), rng)
    values = yield domain.lower + points * domain.widths
    slack = Limits(0.02, 0.1 * epsilon_variance)
    surrogate: Surrogate | None = None
    best: tuple[Floats, Moments] | None = None
    smallest: tuple[Floats, Moments] | None = None
    tried = [np.array([start_x, start_x])]
    failures = 0
    for share in _ROUNDS:
        count = min(int(share * asked), asked - len(points))
        surrogate = fit_surrogate(points, values, like=surrogate)
        for part in _SLACK_TAKEN:
            limits = Limits(
                1 - epsilon_mean + part * slack.mean, epsilon_variance - part * slack.variance
            )
            box = largest_box(surrogate, start_x, limits, rng)
            if box is not None:
                break
        else:
            box = _close_by(start_x, smallest)
        if best is None:
            box = _shrunk(box, start_x, _SHRINK * failures)
        inside = box[0] + even_points(int(_IN_BOX * count), len(start), rng) * (box[1] - box[0])
        fresh = np.concatenate([inside, _around(box, count - len(inside), rng)])
        scores = yield domain.lower + fresh * domain.widths
        everywhere = box[0] + even_points(_EVERYWHERE, len(start), rng) * (box[1] - box[0])
        predicted = surrogate(everywhere)
        moments = corrected_moments(scores[: len(inside)], surrogate(inside), predicted)
        passed = moments.meets(epsilon_mean, epsilon_variance)
        if passed and (best is None or _volume(box) > _volume(best[0])):
            best = box, moments
        failures += not passed
        if smallest is None or _volume(box) < _volume(smallest[0]):
            smallest = box, moments
        slack = Limits(
            SURE * moments.mean_error + max(0.0, predicted.mean() - moments.mean) / 2,
            min(
                SURE * moments.variance_error + max(0.0, moments.variance - predicted.var()) / 2,
                _MOST_SLACK * epsilon_variance,
            ),
        )
        tried.append(box)
        points, values = np.concatenate([points, fresh]), np.concatenate([values, scores])
    box, moments = best or smallest
    trace = domain.lower + np.array([*tried, box]) * domain.widths
    # The start lies in, whatever rounding did.
    trace[:, 0], trace[:, 1] = np.minimum(trace[:, 0], start), np.maximum(trace[:, 1], start)
    return Refined(domain.clip(trace), moments, len(points))


def _first_points(start: Floats, count: int, rng: np.random.Generator) -> Floats:
    """The start, a star of points ever closer to it, and the rest evenly over the unit cube."""
    moves = np.concatenate([np.diag(np.full(len(start), reach)) for reach in _STAR])
    star = np.clip(np.concatenate([[start], start + moves, start - moves]), 0.0, 1.0)
    star = np.unique(star, axis=0)
    star = star[np.argsort(np.abs(star - start).max(axis=1), kind="stable")][: count // 2]
    return np.concatenate([star, even_points(count - len(star), len(start), rng)])


def _shrunk(box: Floats, start: Floats, share: float) -> Floats:
    """The box with its sides moved inwards by half a `share` of its widths, the start kept in."""
    inwards = share / 2 * (box[1] - box[0])
    return np.array([np.minimum(box[0] + inwards, start), np.maximum(box[1] - inwards, start)])


def _close_by(start: Floats, smallest: tuple[Floats, Moments] | None) -> Floats:
    """A cube around the start, smaller than what was tried before."""
    # A sixth to either side: a third of its width.
    reach = np.full(len(start), 0.05) if smallest is None else np.ptp(smallest[0], axis=0) / 6
    return np.array([np.maximum(start - reach, 0.0), np.minimum(start + reach, 1.0)])


def _around(box: Floats, count: int, rng: np.random.Generator) -> Floats:
    """Points just outside the box, or all over its surroundings where it fills the unit cube."""
    reach = 0.15 * (box[1] - box[0]) + 0.01
    low, high = np.maximum(box[0] - reach, 0.0), np.minimum(box[1] + reach, 1.0)
    drawn = low + even_points(8 * count, box.shape[1], rng) * (high - low)
    inside = ((drawn >= box[0]) & (drawn <= box[1])).all(axis=1)
    return np.concatenate([drawn[~inside], drawn[inside]])[:count]


def _volume(box: Floats) -> float:
    return float(np.prod(box[1] - box[0]))
