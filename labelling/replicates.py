"""One condition's curve under every bootstrap resample of the sources at once."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from labelling.entrants import Entrants, event_weights
from labelling.estimands import Estimand
from labelling.incidence import Floats, aalen_johansen

#: Bootstrap resamples for bands and intervals.
DRAWS = 1000
#: Resamples × trials held at once: keeps a curve of any size under some hundred megabytes.
_HELD_AT_ONCE = 4_000_000


@dataclass(frozen=True)
class Replicates:
    """One condition's curve in B resamples: `values` (B, U) at U increasing magnitudes `times`."""

    times: Floats
    values: Floats


def replicates(cases: Entrants, estimand: Estimand, counts: Floats) -> Iterator[Replicates]:
    """The curve under each row of `counts` (B, S), in batches that fit into memory.

    `counts` says how often each source occurs in each resample. Every magnitude at which a trial
    ends is a time, so nothing is rounded. `cases` must not be empty.
    """
    times, first_of = np.unique(cases.time, return_index=True)
    batches = max(1, -(-len(counts) * len(cases) // _HELD_AT_ONCE))
    for batch in np.array_split(counts, batches):
        ends = [
            np.add.reduceat(weights, first_of, axis=1)
            for weights in event_weights(cases, estimand, batch)
        ]
        yield Replicates(times, aalen_johansen(*ends))


def point_estimate(cases: Entrants, estimand: Estimand) -> Replicates:
    """The curve of the data themselves: `values` has one row."""
    everyone_once = np.ones((1, int(cases.unit.max()) + 1))
    return next(replicates(cases, estimand, everyone_once))
