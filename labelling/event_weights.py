"""With what weight the trials of a condition end in an event, in many bootstrap resamples at once.

Everything is a sum over sources of how often each was drawn, so that a thousand resamples of
thousands of trials are products of a sparse matrix with the matrix of counts.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from labelling.entrants import AGREE, DISAGREE, MISSING, Entrants
from labelling.estimands import AS_PUBLISHED, FOOLED_WHILE_PEOPLE_AGREE, Estimand

Floats = NDArray[np.floating]

#: How many judged trials tell how an unjudged one counts.
NEIGHBOURS = 10


@dataclass(frozen=True)
class _Weights:
    """How much each trial weighs in each resample: a row of one of the `drawn`, times `factor`.

    `drawn`: arrays (rows, B) whose rows are numbered on from one to the next, and `row` says which
    one is a trial's. They are kept apart since the first is shared, and too large to be copied.
    """

    drawn: tuple[Floats, ...]
    row: NDArray[np.intp]
    factor: NDArray[np.int8]

    def of(self, trials: NDArray[np.intp]) -> Floats:
        """(trials, B)"""
        return self.summed(np.arange(len(trials)), trials, len(trials))

    def summed(self, into: NDArray[np.intp], trials: NDArray[np.intp], places: int) -> Floats:
        """(places, B): the weight of those of the trials that fall `into` each place, ascending."""
        counted = self.factor[trials] > 0
        if not counted.all():
            into, trials = into[counted], trials[counted]
        rows, total, begins = self.row[trials], None, 0
        for drawn in self.drawn:
            here = (rows >= begins) & (rows < begins + len(drawn))
            if total is None or here.any():
                part = _summed(into[here], rows[here] - begins, places, drawn)
                total = part if total is None else np.add(total, part, out=total)
            begins += len(drawn)
        return total


def event_weights(
    cases: Entrants, estimand: Estimand, counts: Floats, place: NDArray[np.intp]
) -> tuple[Floats, Floats, Floats]:
    """How much weight ends in the event, in the competing one, and censored, at each place.

    `counts` (S, B) says how often each source occurs in each resample (a column of ones: the data
    themselves), `place` (n,) where on the axis of magnitudes each trial ends, ascending from 0 with
    no place left out. Returns three arrays (places, B).

    A trial that waits for a judgement is not dropped: its magnitude is known, and since a found
    trial needs two judgements and an exhausted one needs one, dropping would favour the latter. It
    counts in part, with the share that people agree with among the `NEIGHBOURS` judged trials of
    its condition nearest in magnitude. Weights are NaN where not one judgement tells that share.
    """
    places = int(place.max(initial=-1)) + 1
    everyone = _Weights((counts,), cases.unit, np.ones(len(cases), np.int8))
    if not estimand.needs_source_judgements:
        return _ends(everyone, cases.fooled, np.zeros_like(cases.fooled), ~cases.fooled, place)

    eligible = _eligible(everyone, cases)
    if not estimand.needs_perturbed_judgements:
        return _ends(eligible, cases.fooled, np.zeros_like(cases.fooled), ~cases.fooled, place)

    asked = cases.fooled & (cases.source != DISAGREE)
    first, second, censored = _ends(
        eligible,
        asked & (cases.perturbed == AGREE),
        asked & (cases.perturbed == DISAGREE),
        ~cases.fooled,
        place,
    )
    waiting = np.flatnonzero(asked & (cases.perturbed == MISSING))
    if len(waiting):
        weight = eligible.of(waiting)
        judged = np.flatnonzero(asked & (cases.perturbed != MISSING))
        still = weight * _share_agreeing(eligible, judged, cases.perturbed, waiting, weight)
        into, each = place[waiting], np.arange(len(waiting))
        first += _summed(into, each, places, still)
        second += _summed(into, each, places, weight - still)
    if estimand is AS_PUBLISHED:
        second = np.zeros_like(first)
    return first, second, censored


def removed_share(cases: Entrants) -> float:
    """Of the eligible trials, the share fooled by a picture that is no longer called by its label.

    Missing judgements count as in `event_weights`. NaN where nothing is judged.
    """
    if not len(cases):
        return np.nan
    ends = event_weights(
        cases, FOOLED_WHILE_PEOPLE_AGREE, everyone_once(cases), np.zeros(len(cases), np.intp)
    )
    kept, removed, censored = (float(weight[0, 0]) for weight in ends)
    total = kept + removed + censored
    return removed / total if total > 0 else np.nan


def everyone_once(cases: Entrants) -> Floats:
    """(S, 1): the counts of the data themselves."""
    return np.ones((int(cases.unit.max(initial=-1)) + 1, 1))


def _ends(
    weights: _Weights,
    event: NDArray[np.bool_],
    competing: NDArray[np.bool_],
    censored: NDArray[np.bool_],
    place: NDArray[np.intp],
) -> tuple[Floats, Floats, Floats]:
    places = int(place.max(initial=-1)) + 1
    each = [np.flatnonzero(trials) for trials in (event, competing, censored)]
    into = [way * places + place[trials] for way, trials in enumerate(each)]
    ends = weights.summed(np.concatenate(into), np.concatenate(each), 3 * places)
    return ends[:places], ends[places : 2 * places], ends[2 * places :]


def _eligible(everyone: _Weights, cases: Entrants) -> _Weights:
    """The weights of the trials whose source people say shows the label; in part where unknown."""
    waiting = np.flatnonzero(cases.source == MISSING)
    factor = (cases.source != DISAGREE).astype(np.int8)
    if not len(waiting):
        return _Weights(everyone.drawn, cases.unit, factor)
    judged = np.flatnonzero(cases.source != MISSING)
    weight = everyone.of(waiting)
    share = _share_agreeing(everyone, judged, cases.source, waiting, weight)
    row = cases.unit.copy()
    row[waiting] = sum(map(len, everyone.drawn)) + np.arange(len(waiting))
    return _Weights((*everyone.drawn, weight * share), row, factor)


def _share_agreeing(
    weights: _Weights,
    judged: NDArray[np.intp],
    judgement: NDArray[np.int8],
    waiting: NDArray[np.intp],
    waiting_weight: Floats,
) -> Floats:
    """(waiting, B): of the judged trials nearest to each waiting one, the share agreed with.

    Trials are sorted by magnitude, so neighbours are neighbours in order. Where none of them was
    drawn the share among all judged ones stands in; NaN where there is none of those either, unless
    the waiting one was not drawn: then nothing need be known.
    """
    first = np.searchsorted(judged, waiting) - NEIGHBOURS // 2
    first = np.clip(first, 0, max(len(judged) - NEIGHBOURS, 0))
    width = min(NEIGHBOURS, len(judged))
    near = judged[(first[:, None] + np.arange(width)).ravel()]
    of = np.repeat(np.arange(len(waiting)), width)
    share = _agreeing(weights, judgement, near, of, len(waiting))
    unknown = np.isnan(share)
    if unknown.any():
        of_all = _agreeing(weights, judgement, judged, np.zeros(len(judged), np.intp), 1)
        share[unknown] = np.broadcast_to(of_all, share.shape)[unknown]
        if np.isnan(of_all).any():
            share[waiting_weight == 0] = 0
    return share


def _agreeing(
    weights: _Weights,
    judgement: NDArray[np.int8],
    judged: NDArray[np.intp],
    group: NDArray[np.intp],
    groups: int,
) -> Floats:
    """(groups, B): the share agreed with among the judged trials of each group, which ascend; NaN
    where none was drawn.
    """
    agreed = judgement[judged] == AGREE
    into = np.concatenate([group[agreed], groups + group[~agreed]])
    summed = weights.summed(into, np.concatenate([judged[agreed], judged[~agreed]]), 2 * groups)
    yes, all_of_it = summed[:groups], summed[groups:]
    all_of_it += yes
    with np.errstate(invalid="ignore"):
        return np.divide(yes, all_of_it, out=yes)


def _summed(into: NDArray[np.intp], rows: NDArray[np.intp], places: int, drawn: Floats) -> Floats:
    """(places, B): the sum of those `rows` of `drawn` that fall `into` each place, ascending."""
    if drawn.shape[1] == 1:  # the data themselves: no matrix is worth its making
        return np.bincount(into, drawn[rows, 0], places).astype(drawn.dtype)[:, None]
    starts = np.concatenate([[0], np.cumsum(np.bincount(into, minlength=places))])
    ones = np.ones(len(rows), drawn.dtype)
    return csr_array((ones, rows, starts), shape=(places, len(drawn))) @ drawn
