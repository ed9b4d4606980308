"""Magnitude–success curves: proportion fooled against perturbation magnitude, with bands."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from labelling.bounds import judgement_bounds
from labelling.entrants import (
    Entrants,
    entering,
    entrants_of,
    known_trials,
    no_longer_label,
    unknown_trials,
)
from labelling.estimands import AS_PUBLISHED, RAW, Estimand
from labelling.event_weights import removed_share
from labelling.incidence import Floats, value_at
from labelling.intervals import percentile_interval, resampled_sources, wilson
from labelling.replicates import DRAWS, MOST_STEPS, Ends, ends_of, estimated, replicates

#: Each condition's names, as in CONDITION, and the trials that enter its curves.
Cases = list[tuple[dict[str, object], Entrants]]

#: What makes results belong to one curve: experiments, searches and schedules never mix.
CONDITION = [
    "experiment_id",
    "condition_id",
    "classifier",
    "subset",
    "search",
    "schedule_name",
]
_COLUMNS = [
    "magnitude",
    "proportion",
    "low",
    "high",
    "bound_low",
    "bound_high",
    "fooled",
    "at_risk",
    "n",
    "missing",
    "removed",
    "removed_share",
    "band",
]
#: A curve is handed over at no more magnitudes than this; of many curves, fewer each.
MOST_POINTS, FEWEST_POINTS, POINTS_OF_ALL = 400, 150, 2400


def conditions(table: pd.DataFrame) -> Cases:
    """The conditions of a trial table, in the order of their first row, with their entrants.

    What takes `cases` beside a table takes these, where somebody has them already.
    """
    # By the number of the condition, which tells all the rest: names are slow to group by.
    parts = list(table.groupby("condition_id", sort=False).indices.values())
    first = table[CONDITION].iloc[[rows[0] for rows in parts]]
    return list(zip(first.to_dict("records"), entrants_of(table, parts), strict=True))


def source_counts(table: pd.DataFrame, draws: int = DRAWS, seed: int = 0) -> Floats:
    """One bootstrap of the table's sources, (sources, draws), shared by all its conditions."""
    return resampled_sources(max(table["source_id"].nunique(), 1), draws, seed)


def success_curves(
    table: pd.DataFrame,
    estimand: Estimand,
    *,
    draws: int = DRAWS,
    seed: int = 0,
    bands: bool = True,
    cases: Cases | None = None,
) -> pd.DataFrame:
    """The curve of every condition of a trial table under one estimand.

    One row a step of the curve (right-continuous, from magnitude 0 as far as it is known):

    - the columns of CONDITION; `estimand` (its key); `magnitude`; `proportion`;
    - `low`, `high`: the 95 % band at this magnitude, and `band`: how it was made;
    - `bound_low`, `bound_high`: the least and the most that the curve could be, whatever the
      missing judgements say;
    - `fooled`: judged trials counted up to here; `at_risk`: those not yet ended before here;
    - `n`: trials whose outcome and judgements are known; `missing`: those that wait for one;
    - `removed`: fooled ones left out of numerator and denominator, and `removed_share`, of the
      eligible ones (as published only).

    Bands are pointwise. Wilson's where no judgement is used and all budgets are one; else a
    bootstrap over sources, never narrower than Wilson's for as many sources. A condition of which
    nothing is known, since nothing is judged, has no rows. Without `bands` these and the bounds are
    NaN, in a fraction of the time.
    """
    counts = source_counts(table, draws, seed) if bands else None
    tested = float(np.nan_to_num(table[["magnitude", "bound"]].max(axis=None)))
    cases = conditions(table) if cases is None else cases
    most = max(FEWEST_POINTS, min(MOST_POINTS, POINTS_OF_ALL // max(1, len(cases))))
    keys, parts = [], []
    for key, one in cases:
        if (curve := _curve(one, estimand, counts, tested, most)) is not None:
            keys.append(key | {"estimand": estimand.key})
            parts.append(curve)
    columns = [*CONDITION, "estimand", *_COLUMNS]
    if not parts:
        return pd.DataFrame(columns=columns)
    lengths = [len(part["magnitude"]) for part in parts]
    names = pd.DataFrame(keys).iloc[np.repeat(np.arange(len(parts)), lengths)]
    numbers = {
        name: np.concatenate(
            [np.broadcast_to(part[name], n) for part, n in zip(parts, lengths, strict=True)]
        )
        for name in _COLUMNS
    }
    return pd.DataFrame(numbers | {name: names[name].array for name in names})[columns]


def at_risk(
    table: pd.DataFrame,
    estimand: Estimand,
    magnitudes: Sequence[float],
    *,
    cases: Cases | None = None,
) -> pd.DataFrame:
    """How many known trials of each condition have not ended before each magnitude.

    Columns: those of CONDITION, `magnitude`, `at_risk`; as in `success_curves`, at any magnitude.
    """
    rows = []
    for key, one in conditions(table) if cases is None else cases:
        _, known = known_trials(one, estimand)
        ended = np.searchsorted(one.time[known], magnitudes, side="left")
        rows += [
            {**key, "magnitude": magnitude, "at_risk": int(known.sum() - before)}
            for magnitude, before in zip(magnitudes, ended.tolist(), strict=True)
        ]
    return pd.DataFrame(rows, columns=[*CONDITION, "magnitude", "at_risk"])


def common_set(table: pd.DataFrame) -> pd.DataFrame:
    """The trials that enter under every condition of the table, so that all see the same sources.

    Being eligible is a fact from before the search (the classifier is right on the source, and
    people say that it shows the label), so this choice depends on no outcome.
    """
    trial = table.groupby(["experiment_id", "trial_index"], sort=False).ngroup().to_numpy()
    enters = entering(table).to_numpy()
    under = np.bincount(trial[enters], minlength=trial.max(initial=-1) + 1)
    return table[(under == table["condition_id"].nunique())[trial]].reset_index(drop=True)


def one_budget(cases: Entrants) -> bool:
    """Whether every exhausted trial was tested at least as far as any trial was fooled."""
    if cases.fooled.all() or not cases.fooled.any():
        return True
    return bool(cases.time[~cases.fooled].min() >= cases.time[cases.fooled].max())


def _curve(
    cases: Entrants, estimand: Estimand, counts: Floats | None, tested: float, most: int
) -> dict[str, Any] | None:
    """The columns of one condition's curve, single values for all its rows; None: not known."""
    if not len(cases):
        return None
    times, ends = ends_of(cases, estimand)
    best = estimated(times, ends)
    if np.isnan(best.values).any():
        return None
    grid = _grid(times, ends, tested, most)
    proportion = value_at(best.times, best.values[0], grid)
    counted, known = known_trials(cases, estimand)
    low, high, band = np.nan, np.nan, ""
    bound_low, bound_high = np.nan, np.nan
    if counts is not None:
        low, high, band = _band(cases, estimand, counts, grid, proportion)
        bound_low, bound_high = judgement_bounds(cases, estimand, grid)
    removes = estimand is AS_PUBLISHED
    return {
        "magnitude": grid,
        "proportion": proportion,
        "low": low,
        "high": high,
        "bound_low": bound_low,
        "bound_high": bound_high,
        "fooled": np.searchsorted(cases.time[counted], grid, side="right"),
        "at_risk": known.sum() - np.searchsorted(cases.time[known], grid, side="left"),
        "n": int(known.sum()),
        "missing": int(unknown_trials(cases, estimand).sum()),
        "removed": int(no_longer_label(cases).sum()) if removes else 0,
        "removed_share": removed_share(cases) if removes else 0.0,
        "band": band,
    }


def _band(
    cases: Entrants, estimand: Estimand, counts: Floats, grid: Floats, proportion: Floats
) -> tuple[Floats, Floats, str]:
    _, known = known_trials(cases, estimand)
    judged_sources = np.count_nonzero(np.bincount(cases.unit[known]))
    low, high = wilson(proportion, judged_sources)
    together = one_budget(cases)
    if estimand is RAW and together:
        return low, high, "Wilson"
    # Of one budget a curve between these magnitudes says nothing about the curve at them.
    drawn = replicates(cases, estimand, counts, keep=grid, most=0 if together else MOST_STEPS)
    drawn_low, drawn_high = percentile_interval(
        value_at(drawn.times, drawn.values, grid), judged_sources
    )
    return np.fmin(low, drawn_low), np.fmax(high, drawn_high), "bootstrap over sources"


def _grid(times: Floats, ends: Ends, tested: float, most: int) -> Floats:
    """Magnitudes at which a curve is handed over: 0 and each at which a trial that counts ends.

    A curve whose trials all ended by being fooled is known further on, so it goes on, level, as far
    as any condition was tested. Thinned if too many, keeping the first and the last.
    """
    *fooled, censored = (weight[:, 0] for weight in ends)
    ever = [0.0] if censored.any() else [0.0, tested]
    distinct = np.unique(np.append(times[sum(fooled) + censored > 0], ever))
    if len(distinct) <= most:
        return distinct
    chosen = np.linspace(0, len(distinct) - 1, most).round().astype(int)
    return distinct[chosen]
