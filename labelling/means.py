"""The table of means (Table 1 of Dunn et al. 2020), with a common limit and intervals."""

from __future__ import annotations

import numpy as np
import pandas as pd

from labelling.curves import CONDITION, conditions, for_each_condition, source_counts
from labelling.entrants import (
    Entrants,
    known_trials,
    no_longer_label,
    unknown_trials,
)
from labelling.estimands import Estimand
from labelling.event_weights import removed_share
from labelling.incidence import restricted_mean, value_at
from labelling.intervals import percentile_interval
from labelling.replicates import DRAWS, point_estimate, replicates

RESTRICTED_MEAN = (
    "Restricted mean: the average of min(X, M_max), where X is the magnitude at which a trial "
    "counts as fooled and a trial that never does counts as M_max; the area over the curve."
)
PLAIN_MEAN = (
    "Plain mean, as in the paper's Table 1: the average magnitude of the trials found and kept. "
    "Trials never fooled are left out, so a classifier that is hard to fool can look easy."
)


def common_limit(table: pd.DataFrame) -> float | None:
    """The default M_max: as far as every condition was tested, and no further than any was fooled.

    A mean up to it is known from the data for every condition alike. Beyond the largest magnitude
    at which anything was fooled no curve moves, so a larger limit would add the same to all. None
    where nothing was fooled.
    """
    tested, fooled = [], []
    for _, cases in conditions(table):
        if cases.fooled.any():
            fooled.append(cases.time[cases.fooled].max())
        if not cases.fooled.all():
            tested.append(cases.time[~cases.fooled].max())
    if not fooled or max(fooled) <= 0:
        return None
    return float(min([max(fooled), *tested]))


def table_of_means(
    table: pd.DataFrame,
    estimand: Estimand,
    limit: float | None = None,
    *,
    draws: int = DRAWS,
    seed: int = 0,
) -> pd.DataFrame:
    """One row a condition: how large a perturbation it takes, under one estimand.

    Columns: those of CONDITION; `restricted_mean` to `limit` (default: `common_limit`) with `low`
    and `high`, its 95 % bootstrap interval over sources (NaN: too few sources); `n`, the trials in
    it; `fooled_share`, the curve at the limit; `plain_mean` over the `n_plain` trials found and
    kept; `missing` judgements; `removed`, the number of fooled eligible trials whose picture is no
    longer called by its label, and `removed_share` of the eligible ones.

    What cannot be known from the data is NaN: everything where nothing is judged, and the
    restricted mean of a condition that was not tested as far as the limit.
    """
    limit = common_limit(table) if limit is None else limit
    counts = source_counts(table, draws, seed)
    rows = for_each_condition(
        table,
        lambda key, cases: {
            **key,
            "limit": np.nan if limit is None else limit,
            **_counts(cases, estimand),
            **_restricted(cases, estimand, limit, counts),
        },
    )
    return pd.DataFrame(rows, columns=[*CONDITION, *_COLUMNS])


_COLUMNS = [
    "limit",
    "restricted_mean",
    "low",
    "high",
    "n",
    "fooled_share",
    "plain_mean",
    "n_plain",
    "missing",
    "removed",
    "removed_share",
]


def _counts(cases: Entrants, estimand: Estimand) -> dict[str, float | int]:
    counted, known = known_trials(cases, estimand)
    return {
        "n": int(known.sum()),
        "plain_mean": float(cases.time[counted].mean()) if counted.any() else np.nan,
        "n_plain": int(counted.sum()),
        "missing": int(unknown_trials(cases, estimand).sum()),
        "removed": int(no_longer_label(cases).sum()),
        "removed_share": removed_share(cases),
    }


def _restricted(
    cases: Entrants, estimand: Estimand, limit: float | None, counts: np.ndarray
) -> dict[str, float]:
    unknown = dict.fromkeys(("restricted_mean", "low", "high", "fooled_share"), np.nan)
    if limit is None or not len(cases):
        return unknown
    best = point_estimate(cases, estimand)
    _, known = known_trials(cases, estimand)
    if np.isnan(best.values).any() or not _tested_to(cases, limit):
        return unknown
    drawn = replicates(cases, estimand, counts, keep=np.array([limit]))
    low, high = percentile_interval(
        restricted_mean(drawn.centres, drawn.values, limit), len(np.unique(cases.unit[known]))
    )
    return {
        "restricted_mean": float(restricted_mean(best.times, best.values, limit)[0]),
        "low": float(low),
        "high": float(high),
        "fooled_share": float(value_at(best.times, best.values, np.array([limit]))[0, 0]),
    }


def _tested_to(cases: Entrants, limit: float) -> bool:
    """Whether the curve is known up to `limit`: trials ran so far, or every one was fooled."""
    return bool(cases.fooled.all() or cases.time[~cases.fooled].max() >= limit)
