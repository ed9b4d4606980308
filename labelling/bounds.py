"""What a curve could be, at the least and at the most, whatever the missing judgements say."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from labelling.entrants import AGREE, DISAGREE, Entrants, known_trials, unknown_trials
from labelling.estimands import FOOLED_WHILE_PEOPLE_AGREE, Estimand
from labelling.incidence import Floats, value_at
from labelling.replicates import point_estimate


def judgement_bounds(cases: Entrants, estimand: Estimand, grid: Floats) -> tuple[Floats, Floats]:
    """The least and the greatest value of the curve at each magnitude of `grid` (G,).

    With one common budget they are sharp: no completion of the missing judgements leaves them, and
    at each magnitude some completion attains them. "All yes" and "all no" would not do for sources:
    accepting the source of a trial that was never fooled lowers the curve. So a missing judgement
    is taken, at each magnitude, as whatever moves the curve furthest.
    """
    low_cases, high_cases, undecided = cases, cases, unknown_trials(cases, estimand)
    if not undecided.any():
        best = point_estimate(cases, estimand)
        curve = value_at(best.times, best.values[0], grid)
        return curve, curve
    if estimand is FOOLED_WHILE_PEOPLE_AGREE:
        # Eligible for certain, so in the denominator whatever is said of the perturbed picture.
        low_cases = cases.with_unknown_perturbed(DISAGREE)
        high_cases = cases.with_unknown_perturbed(AGREE)
        undecided = cases.unknown_source
    fooled_so_far = _count_up_to(cases.time[undecided & cases.fooled], grid)
    # Highest: of the undecided trials, exactly those fooled by now count.
    high = _joined_by(high_cases, estimand, grid, fooled=fooled_so_far, trials=fooled_so_far)
    # Lowest: they swell the denominator only. One that is fooled by now can do that only where its
    # perturbed picture may yet be called something else and still be counted among the trials.
    swelling = np.full_like(grid, undecided.sum())
    if estimand is not FOOLED_WHILE_PEOPLE_AGREE:
        swelling -= fooled_so_far
    low = _joined_by(low_cases, estimand, grid, fooled=np.zeros_like(grid), trials=swelling)
    return low, high


def _joined_by(
    cases: Entrants, estimand: Estimand, grid: Floats, *, fooled: Floats, trials: Floats
) -> Floats:
    """The known trials' curve after `trials` more join them, of which `fooled` count as fooled."""
    _, known = known_trials(cases, estimand)
    n = int(known.sum())
    curve = np.zeros_like(grid)
    if n:
        best = point_estimate(cases.only(known), estimand)
        curve = value_at(best.times, best.values[0], grid)
    total = n + trials
    return np.divide(n * curve + fooled, total, out=np.zeros_like(grid), where=total > 0)


def _count_up_to(times: NDArray[np.float64], grid: Floats) -> Floats:
    return np.searchsorted(np.sort(times), grid, side="right").astype(float)
