"""One condition's curve under every bootstrap resample of the sources at once."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from labelling.entrants import Entrants
from labelling.estimands import Estimand
from labelling.event_weights import event_weights, everyone_once
from labelling.incidence import Floats, aalen_johansen

#: Weights that end in the event, in the competing one, and censored.
Ends = tuple[Floats, Floats, Floats]

#: Bootstrap resamples for bands and intervals.
DRAWS = 1000
#: A resampled curve steps at no more magnitudes than this.
MOST_STEPS = 400
#: Resamples × trials held at once: keeps a curve of any size under some hundred megabytes.
_HELD_AT_ONCE = 8_000_000


@dataclass(frozen=True)
class Replicates:
    """One condition's curve in B resamples: `values` (B, U) at U increasing magnitudes `times`.

    `centres` (U,) are the mean magnitudes of the trials that end in each step: `times` themselves,
    unless steps were joined.
    """

    times: Floats
    values: Floats
    centres: Floats


def replicates(
    cases: Entrants,
    estimand: Estimand,
    counts: Floats,
    keep: Floats | None = None,
    most: int = MOST_STEPS,
) -> Replicates:
    """The curve under each column of `counts` (S, B), which says how often each source was drawn.

    Every magnitude at which a trial ends is a time, so nothing is rounded, as long as there are no
    more than `MOST_STEPS`; else neighbouring ones are joined, to about `most`, except across the
    magnitudes in `keep`. Where all budgets are one nothing is lost by that at those magnitudes.
    `cases` must not be empty.
    """
    times, place = _steps(cases.time, keep, most)
    ended = np.bincount(place, minlength=len(times))
    centres = np.where(
        ended > 0, np.bincount(place, cases.time, len(times)) / np.maximum(ended, 1), times
    )
    batches = -(-counts.shape[1] * len(cases) // _HELD_AT_ONCE)
    values = [
        _curve(*weights)
        for weights in (
            event_weights(cases, estimand, np.ascontiguousarray(batch), place)
            for batch in np.array_split(counts, max(1, batches), axis=1)
        )
    ]
    return Replicates(times, np.concatenate(values), centres)


def point_estimate(cases: Entrants, estimand: Estimand) -> Replicates:
    """The curve of the data themselves: `values` has one row, and no steps are joined."""
    return estimated(*ends_of(cases, estimand))


def ends_of(cases: Entrants, estimand: Estimand) -> tuple[Floats, Ends]:
    """The magnitudes (U,) at which trials end, and with what weight in which way, each (U, 1)."""
    times, place = _distinct(cases.time)
    return times, event_weights(cases, estimand, everyone_once(cases), place)


def estimated(times: Floats, ends: Ends) -> Replicates:
    """The curve of what `ends_of` gave."""
    return Replicates(times, aalen_johansen(*(end.T for end in ends)), times)


def _curve(first: Floats, second: Floats, censored: Floats) -> Floats:
    """(B, U) from weights (U, B): Aalen–Johansen's estimate.

    Where nothing is censored before the last event, it is the share of all weight: a third of the
    work.
    """
    events = np.flatnonzero(first.any(axis=1) | second.any(axis=1))
    if not censored[: events.max(initial=0)].any():
        total = first.sum(axis=0) + second.sum(axis=0) + censored.sum(axis=0)
        curve = np.cumsum(first, axis=0)
        return np.divide(curve, total, out=np.full_like(curve, np.nan), where=total > 0).T
    return aalen_johansen(*(np.ascontiguousarray(ends.T) for ends in (first, second, censored)))


def _steps(time: Floats, keep: Floats | None, most: int) -> tuple[Floats, np.ndarray]:
    """The magnitudes at which the curve steps, and which one each trial ends at."""
    times, place = _distinct(time)
    if len(times) <= MOST_STEPS:
        return times, place
    kept = np.zeros(0) if keep is None else keep[(keep >= times[0]) & (keep <= times[-1])]
    chosen = np.linspace(0, len(times) - 1, max(2, most - len(kept))).round().astype(int)
    edges = np.unique(np.concatenate([times[chosen], kept]))
    place = np.searchsorted(edges, time)
    used = np.unique(np.append(place, len(edges) - 1))
    return edges[used], np.searchsorted(used, place)


def _distinct(time: Floats) -> tuple[Floats, np.ndarray]:
    """What np.unique gives of ascending times, with the inverse: nothing has to be sorted."""
    new = np.append(True, time[1:] != time[:-1])[: len(time)]
    return time[new], np.cumsum(new) - 1
