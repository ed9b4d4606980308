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
    """How much each trial weighs in each resample: `factor` times a row of `drawn` (rows, B)."""

    drawn: Floats
    row: NDArray[np.intp]
    factor: NDArray[np.int8]

    def of(self, trials: NDArray[np.intp]) -> Floats:
        """(trials, B)"""
        return self.drawn[self.row[trials]] * self.factor[trials, None]

    def summed(self, into: NDArray[np.intp], trials: NDArray[np.bool_], places: int) -> Floats:
        """(places, B): the weight of those of the trials that fall into each place."""
        counted = trials & (self.factor > 0)
        return _summed(into[counted], self.row[counted], places, self.drawn)


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
    everyone = _Weights(counts, cases.unit, np.ones(len(cases), np.int8))
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
        first = first + _summed(into, each, places, still)
        second = second + _summed(into, each, places, weight - still)
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
    first, second, third = (
        weights.summed(place, trials, places) for trials in (event, competing, censored)
    )
    return first, second, third


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
    row[waiting] = len(everyone.drawn) + np.arange(len(waiting))
    return _Weights(np.concatenate([everyone.drawn, weight * share]), row, factor)


def _share_agreeing(
    weights: _Weights,
    judged: NDArray[np.intp],
    judgement: NDArray[np.int8],
    waiting: NDArray[np.intp],
    waiting_weight: Floats,
) -> Floats:
    """(waiting, B): of the judged trials nearest to each waiting one, the share agreed with.

    Trials are sorted by magnitude, so neighbours are neighbours in order. Where none of them was
    drawn the share among all judged ones stands in; NaN where there is none of those either.
    """
    first = np.searchsorted(judged, waiting) - NEIGHBOURS // 2
    first = np.clip(first, 0, max(len(judged) - NEIGHBOURS, 0))
    width = min(NEIGHBOURS, len(judged))
    near = judged[(first[:, None] + np.arange(width)).ravel()]
    of = np.repeat(np.arange(len(waiting)), width)
    agreed = judgement == AGREE
    of_all, of_agreeing = (
        _summed(of[counted], weights.row[near[counted]], len(waiting), weights.drawn)
        for counted in (weights.factor[near] > 0, (weights.factor[near] > 0) & agreed[near])
    )
    share = _ratio(of_agreeing, of_all)
    alone = np.flatnonzero(np.isnan(share).any(axis=0))
    if len(alone):
        anywhere = _Weights(weights.drawn[:, alone], weights.row, weights.factor)
        share[:, alone] = np.where(
            np.isnan(share[:, alone]), _share_of_all(anywhere, judged, agreed), share[:, alone]
        )
    # Nobody waits where nobody was drawn, so nothing need be known there.
    return np.where(waiting_weight == 0, waiting_weight.dtype.type(0), share)


def _share_of_all(weights: _Weights, judged: NDArray[np.intp], agreed: NDArray[np.bool_]) -> Floats:
    """(1, B): of all judged trials the share agreed with; NaN where none was drawn."""
    everywhere = np.zeros(len(weights.row), np.intp)
    is_judged = np.zeros(len(weights.row), bool)
    is_judged[judged] = True
    return _ratio(
        weights.summed(everywhere, is_judged & agreed, 1), weights.summed(everywhere, is_judged, 1)
    )


def _summed(into: NDArray[np.intp], rows: NDArray[np.intp], places: int, drawn: Floats) -> Floats:
    """(places, B): the sum of those `rows` of `drawn` that fall `into` each place, ascending."""
    if drawn.shape[1] == 1:  # the data themselves: no matrix is worth its making
        return np.bincount(into, drawn[rows, 0], places).astype(drawn.dtype)[:, None]
    starts = np.concatenate([[0], np.cumsum(np.bincount(into, minlength=places))])
    ones = np.ones(len(rows), drawn.dtype)
    return csr_array((ones, rows, starts), shape=(places, len(drawn))) @ drawn


def _ratio(top: Floats, bottom: Floats) -> Floats:
    return np.divide(top, bottom, out=np.full_like(bottom, np.nan), where=bottom > 0)
