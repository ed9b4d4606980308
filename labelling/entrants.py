"""The trials of one condition that enter a curve, and what is known of each."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from labelling.estimands import AS_PUBLISHED, Estimand

Floats = NDArray[np.float64]

AGREE, DISAGREE, MISSING = 1, 0, -1


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

    def only(self, keep: NDArray[np.bool_] | NDArray[np.intp]) -> Entrants:
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
    return next(entrants_of(table, [np.arange(len(table))], units))


def entrants_of(
    table: pd.DataFrame,
    parts: Iterable[NDArray[np.intp]],
    units: NDArray[np.intp] | None = None,
) -> Iterator[Entrants]:
    """The same for several conditions, each of which has some of the table's rows."""
    everybody = read_entrants(table, units)
    enters = entering(table).to_numpy()
    for rows in parts:
        rows = rows[enters[rows]]
        yield everybody.only(rows[np.argsort(everybody.time[rows], kind="stable")])


def read_entrants(table: pd.DataFrame, units: NDArray[np.intp] | None = None) -> Entrants:
    """Every row of a trial table in its order, also those that do not enter; times of these are NaN
    or mean nothing.
    """
    if units is None:
        units = pd.factorize(table["source_id"])[0]
    outcome = table["outcome"]
    fooled = (outcome != "exhausted").to_numpy()
    at_once = (outcome == "skipped").to_numpy()
    magnitude, bound = (table[name].to_numpy(float) for name in ("magnitude", "bound"))
    time = np.where(at_once, 0.0, np.where(fooled, magnitude, bound))
    source, perturbed = (_states(table[f"{side}_judgement"]) for side in ("source", "perturbed"))
    # Fooled by the source itself: if people agree on the source, they agree on what fools.
    perturbed = np.where(at_once, AGREE, perturbed).astype(np.int8)
    return Entrants(time, fooled, source, perturbed, np.asarray(units))


def _states(judgement: pd.Series) -> NDArray[np.int8]:
    states = {"agree": AGREE, "disagree": DISAGREE}
    if isinstance(judgement.dtype, pd.CategoricalDtype):
        # A hundred thousand words are compared once a category.
        of_category = [states.get(name, MISSING) for name in judgement.cat.categories]
        return np.array([*of_category, MISSING], np.int8)[judgement.cat.codes.to_numpy()]
    cells = judgement.to_numpy(object)
    return np.select([cells == name for name in states], list(states.values()), MISSING).astype(
        np.int8
    )


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
