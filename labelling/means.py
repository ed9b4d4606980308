"""The table of means (Table 1 of Dunn et al. 2020), with a common limit and intervals."""

from __future__ import annotations

import numpy as np
import pandas as pd

from labelling.curves import CONDITION, Cases, conditions, source_counts
from labelling.entrants import (
    Entrants,
    known_trials,
    no_longer_label,
    unknown_trials,
)
from labelling.estimands import Estimand
from labelling.event_weights import removed_share
from labelling.incidence import first_reached, restricted_mean, value_at
from labelling.intervals import percentile_interval
from labelling.replicates import DRAWS, point_estimate, replicates

RESTRICTED_MEAN = (
    "Restricted mean: the average of min(X, M_max), where X is the magnitude at which a trial "
    "counts as fooled and a trial that never does counts as M_max; the area over the curve."
)
MEDIAN = (
    "Median: the magnitude at which half of the trials count as fooled; “not reached” where fewer "
    "than half ever did."
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
    cases: Cases | None = None,
) -> pd.DataFrame:
    """One row a condition: how large a perturbation it takes, under one estimand.

    Columns: those of CONDITION; `restricted_mean` to `limit` (default: `common_limit`) with `low`
    and `high`, its 95 % bootstrap interval over sources (NaN: too few sources); `n`, the trials in
    it; `median`, the magnitude at which the curve reaches one half (∞: it never does), with its
    interval `median_low`, `median_high`; `fooled_share`, the curve at the limit; `plain_mean` over
    the `n_plain` trials found and kept; `missing` judgements; `removed`, the number of fooled
    eligible trials whose picture is no longer called by its label, and `removed_share` of the
    eligible ones.

    What cannot be known from the data is NaN: everything where nothing is judged, and the
    restricted mean of a condition that was not tested as far as the limit. The median needs no
    limit.
    """
    limit = common_limit(table) if limit is None else limit
    counts = source_counts(table, draws, seed)
    rows = [
        {
            **key,
            "limit": np.nan if limit is None else limit,
            **_counts(one, estimand),
            **_estimated(one, estimand, limit, counts),
        }
        for key, one in (conditions(table) if cases is None else cases)
    ]
    return pd.DataFrame(rows, columns=[*CONDITION, *_COLUMNS])


_COLUMNS = [
    "limit",
    "restricted_mean",
    "low",
    "high",
    "median",
    "median_low",
    "median_high",
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


def _estimated(
    cases: Entrants, estimand: Estimand, limit: float | None, counts: np.ndarray
) -> dict[str, float]:
    unknown = dict.fromkeys(_ESTIMATED, np.nan)
    if not len(cases):
        return unknown
    best = point_estimate(cases, estimand)
    if np.isnan(best.values).any():
        return unknown
    _, known = known_trials(cases, estimand)
    sources = len(np.unique(cases.unit[known]))
    known_to = np.zeros(0) if limit is None else np.array([limit])
    drawn = replicates(cases, estimand, counts, keep=known_to)
    half = percentile_interval(
        first_reached(drawn.times, drawn.values, 0.5), sources, between=False
    )
    row = unknown | {
        "median": float(first_reached(best.times, best.values, 0.5)[0]),
        "median_low": float(half[0]),
        "median_high": float(half[1]),
    }
    if limit is None or not _tested_to(cases, limit):
        return row
    low, high = percentile_interval(restricted_mean(drawn.centres, drawn.values, limit), sources)
    return row | {
        "restricted_mean": float(restricted_mean(best.times, best.values, limit)[0]),
        "low": float(low),
        "high": float(high),
        "fooled_share": float(value_at(best.times, best.values, known_to)[0, 0]),
    }


_ESTIMATED = (
    "restricted_mean",
    "low",
    "high",
    "median",
    "median_low",
    "median_high",
    "fooled_share",
)


def _tested_to(cases: Entrants, limit: float) -> bool:
    """Whether the curve is known up to `limit`: trials ran so far, or every one was fooled."""
    return bool(cases.fooled.all() or cases.time[~cases.fooled].max() >= limit)
