"""The trials of one condition that enter a curve, and the weight with which each one counts."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from labelling.estimands import AS_PUBLISHED, FOOLED_WHILE_PEOPLE_AGREE, Estimand

Floats = NDArray[np.float64]

AGREE, DISAGREE, MISSING = 1, 0, -1
_STATES = {"agree": AGREE, "disagree": DISAGREE, "missing": MISSING}
#: How many judged trials tell how an unjudged one counts.
NEIGHBOURS = 10


@dataclass(frozen=True)
class Entrants:
    """Trials of one condition in which the search had something to do, sorted by `time`.

    Each array has one entry a trial. `time` is the magnitude at which the classifier was fooled,
    or the last bound tested where it never was. `source` and `perturbed` are AGREE, DISAGREE or
    MISSING. `unit` numbers the trial's source within the whole table, so that
    one bootstrap resample of sources serves every condition.
    """

    time: Floats
    fooled: NDArray[np.bool_]
    source: NDArray[np.int8]
    perturbed: NDArray[np.int8]
    unit: NDArray[np.intp]

    def __len__(self) -> int:
        return len(self.time)

    @property
    def unknown_source(self) -> NDArray[np.bool_]:
        return self.source == MISSING

    @property
    def unknown_perturbed(self) -> NDArray[np.bool_]:
        """Fooled, the source judged to show the label, the perturbed picture not judged."""
        return self.fooled & (self.source == AGREE) & (self.perturbed == MISSING)

    def only(self, keep: NDArray[np.bool_]) -> Entrants:
        return Entrants(
            self.time[keep],
            self.fooled[keep],
            self.source[keep],
            self.perturbed[keep],
            self.unit[keep],
        )

    def with_unknown_perturbed(self, state: int) -> Entrants:
        """The same trials, their missing judgements of perturbed pictures taken as `state`."""
        return replace(
            self, perturbed=np.where(self.unknown_perturbed, state, self.perturbed).astype(np.int8)
        )


def entering(table: pd.DataFrame) -> pd.Series:
    """Which rows of a trial table enter a curve: the classifier was right on the source.

    A skipped trial does not enter, except in the untargeted mode (no `target`), where a classifier
    that is wrong already is fooled at magnitude 0. A failed trial says nothing about the classifier
    and does not enter.
    """
    at_once = (table["outcome"] == "skipped") & table["target"].isna()
    return table["outcome"].isin(["found", "exhausted"]) | at_once


def entrants(table: pd.DataFrame, units: NDArray[np.intp] | None = None) -> Entrants:
    """The trials of one condition's table that enter its curves (see `entering`).

    `units` numbers the source of every row of `table`; by default each distinct `source_id`.
    """
    if units is None:
        units = pd.factorize(table["source_id"])[0]
    keep = entering(table).to_numpy()
    rows, units = table[keep], np.asarray(units)[keep]
    fooled = (rows["outcome"] != "exhausted").to_numpy()
    at_once = (rows["outcome"] == "skipped").to_numpy()
    magnitude = rows["magnitude"].to_numpy(float)
    time = np.where(at_once, 0.0, np.where(fooled, magnitude, rows["bound"].to_numpy(float)))
    source = rows["source_judgement"].map(_STATES).to_numpy(np.int8)
    perturbed = rows["perturbed_judgement"].map(_STATES).to_numpy(np.int8)
    # Fooled by the source itself: if people agree on the source, they agree on what fools.
    perturbed = np.where(at_once, AGREE, perturbed).astype(np.int8)
    order = np.argsort(time, kind="stable")
    return Entrants(time[order], fooled[order], source[order], perturbed[order], units[order])


def known_trials(
    cases: Entrants, estimand: Estimand
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """(counted as fooled, in the denominator): trials whose place in the curve is known."""
    if not estimand.needs_source_judgements:
        return cases.fooled, np.ones(len(cases), bool)
    eligible = cases.source == AGREE
    if not estimand.needs_perturbed_judgements:
        return eligible & cases.fooled, eligible
    kept = eligible & cases.fooled & (cases.perturbed == AGREE)
    if estimand is AS_PUBLISHED:
        return kept, kept | (eligible & ~cases.fooled)
    return kept, eligible & ~cases.unknown_perturbed


def unknown_trials(cases: Entrants, estimand: Estimand) -> NDArray[np.bool_]:
    """Trials whose place in the curve waits for a judgement."""
    if not estimand.needs_source_judgements:
        return np.zeros(len(cases), bool)
    if not estimand.needs_perturbed_judgements:
        return cases.unknown_source
    return cases.unknown_source | cases.unknown_perturbed


def no_longer_label(cases: Entrants) -> NDArray[np.bool_]:
    """Eligible trials fooled by a picture that people no longer call by its label."""
    return cases.fooled & (cases.source == AGREE) & (cases.perturbed == DISAGREE)


def removed_share(cases: Entrants) -> float:
    """Of the eligible trials, the share fooled by a picture that is no longer called by its label.

    Missing judgements count as in `event_weights`. NaN where nothing is judged.
    """
    if not len(cases):
        return np.nan
    everyone_once = np.ones((1, int(cases.unit.max()) + 1))
    kept, removed, censored = event_weights(cases, FOOLED_WHILE_PEOPLE_AGREE, everyone_once)
    return float(_ratio(removed.sum(1), (kept + removed + censored).sum(1))[0])


def event_weights(
    cases: Entrants, estimand: Estimand, counts: Floats
) -> tuple[Floats, Floats, Floats]:
    """With what weight each trial ends in the event, in the competing one, and censored.

    `counts` (B, S) says how often each source occurs in each resample (a row of ones: the data
    themselves). Returns three arrays (B, n).

    A trial that waits for a judgement is not dropped: its magnitude is known, and since a found
    trial needs two judgements and an exhausted one needs one, dropping would favour the latter. It
    counts in part, with the share that people agree with among the `NEIGHBOURS` judged trials of
    its condition nearest in magnitude. Weights are NaN where not one judgement tells that share.
    """
    drawn = counts[:, cases.unit]
    fooled = cases.fooled.astype(float)
    nothing = np.zeros_like(drawn)
    if not estimand.needs_source_judgements:
        return drawn * fooled, nothing, drawn * (1 - fooled)

    eligible = drawn * _share_agreeing(drawn, cases.source, np.ones(len(cases), bool))
    censored = eligible * (1 - fooled)
    if not estimand.needs_perturbed_judgements:
        return eligible * fooled, nothing, censored

    agreeing = _share_agreeing(eligible, cases.perturbed, cases.fooled & (cases.source != DISAGREE))
    still_label = eligible * fooled * agreeing
    if estimand is AS_PUBLISHED:
        return still_label, nothing, censored
    return still_label, eligible * fooled * (1 - agreeing), censored


def _share_agreeing(
    weights: Floats, judgement: NDArray[np.int8], asked: NDArray[np.bool_]
) -> Floats:
    """(B, n): 1 or 0 where `asked` trials are judged, else the share among judged neighbours.

    Trials are sorted by magnitude, so neighbours are neighbours in order. 0 where not asked.
    """
    share = np.broadcast_to((judgement == AGREE) & asked, weights.shape).astype(float)
    judged = np.flatnonzero(asked & (judgement != MISSING))
    waiting = np.flatnonzero(asked & (judgement == MISSING))
    if not len(waiting):
        return share
    place = np.searchsorted(judged, waiting)
    first = np.clip(place - NEIGHBOURS // 2, 0, max(len(judged) - NEIGHBOURS, 0))
    last = np.minimum(first + NEIGHBOURS, len(judged))
    of_all = _running_sum(weights[:, judged])
    of_agreeing = _running_sum(weights[:, judged] * (judgement[judged] == AGREE))
    near = _ratio(of_agreeing[:, last] - of_agreeing[:, first], of_all[:, last] - of_all[:, first])
    anywhere = _ratio(of_agreeing[:, -1:], of_all[:, -1:])
    near = np.where(np.isnan(near), anywhere, near)
    # Nobody waits where nobody was drawn, so nothing need be known there.
    share[:, waiting] = np.where(weights[:, waiting] == 0, 0.0, near)
    return share


def _running_sum(values: Floats) -> Floats:
    return np.concatenate([np.zeros((len(values), 1)), np.cumsum(values, axis=1)], axis=1)


def _ratio(top: Floats, bottom: Floats) -> Floats:
    return np.divide(top, bottom, out=np.full_like(bottom, np.nan), where=bottom > 0)
