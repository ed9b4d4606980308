"""Two conditions on the same sources: tests of min(X, M_max), their effect, and what follows.

X is the magnitude at which a trial counts as fooled under an estimand; a trial that never does
counts as M_max. The trials of an experiment have the same source and target under every condition,
so two conditions are compared pair by pair (no log-rank test, whose arms must be independent).
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from labelling.curves import conditions
from labelling.entrants import AGREE, MISSING, entering, read_entrants
from labelling.estimands import AS_PUBLISHED, Estimand
from labelling.intervals import percentile_interval, resampled_sources
from labelling.means import common_limit
from labelling.replicates import DRAWS

Dimension = Literal["classifier", "subset", "search"]

#: What is compared → what has to be the same on both sides.
HELD: dict[Dimension, tuple[str, ...]] = {
    "classifier": ("subset", "search", "schedule_name"),
    "subset": ("classifier", "search", "schedule_name"),
    "search": ("classifier", "subset"),
}
#: With fewer sources no two-sided signed-rank test can reach 0.05.
FEWEST_PAIRS = 6
SIGNIFICANT = 0.05

COLUMNS = (
    "one",
    "other",
    "held",
    "limit",
    "trials",
    "sources",
    "mean_one",
    "mean_other",
    "difference",
    "low",
    "high",
    "one_larger",
    "other_larger",
    "rank_biserial",
    "wilcoxon_p",
    "sign_p",
    "wilcoxon_holm",
    "sign_holm",
    "comparisons",
    "missing",
    "not_tested",
)

Floats = NDArray[np.float64]
#: Why a trial has no value under a condition.
_OUT, _WAITS, _TESTED_LESS = -1.0, -2.0, -3.0


def comparisons(
    table: pd.DataFrame,
    estimand: Estimand,
    by: Dimension,
    limit: float | None = None,
    *,
    draws: int = DRAWS,
    seed: int = 0,
) -> pd.DataFrame:
    """One row a pair of conditions that differ in `by` only, over the trials that both let in.

    `table` is a trial table (`labelling.eligibility`). Columns: the two sides `one` and `other`,
    and `held`, what is the same; `limit` (M_max; default: as far as every condition was tested);
    `trials` in which both sides' outcome and judgements are known, on so many `sources`;
    `mean_one`, `mean_other` of min(X, M_max) over them, and `difference` (one − other) with its
    95 % bootstrap interval over sources `low`, `high`; `one_larger` and `other_larger`, the shares
    of the sources on which that side needs more; `rank_biserial`, the matched-pairs rank-biserial
    correlation in [-1, 1]; two-sided p-values of the Wilcoxon signed-rank test and the sign test
    on one mean difference a source, and both after Holm's correction over the `comparisons` rows
    that have one; `missing`, trials left out since a judgement is missing; `not_tested`, since a
    search ended before M_max. NaN where there are too few sources.
    """
    limit = common_limit(table) if limit is None else limit
    rows = [] if limit is None else list(_rows(table, estimand, by, limit, draws, seed))
    frame = pd.DataFrame(rows, columns=[name for name in COLUMNS if name not in _CORRECTED])
    for test in ("wilcoxon", "sign"):
        frame[f"{test}_holm"] = _holm(frame[f"{test}_p"].to_numpy(float))
    frame["comparisons"] = int(frame["wilcoxon_p"].notna().sum())
    return frame[list(COLUMNS)]


_CORRECTED = frozenset({"wilcoxon_holm", "sign_holm", "comparisons"})


def _rows(
    table: pd.DataFrame, estimand: Estimand, by: Dimension, limit: float, draws: int, seed: int
) -> Iterator[dict[str, Any]]:
    trial = table.groupby(["experiment_id", "trial_index"], sort=False).ngroup().to_numpy()
    unit = pd.factorize(table["source_id"])[0]
    size = int(trial.max(initial=-1)) + 1
    source_of = np.zeros(size, np.intp)
    source_of[trial] = unit
    counts = resampled_sources(max(int(unit.max(initial=-1)) + 1, 1), draws, seed)
    groups: dict[tuple[object, ...], list[tuple[str, Floats]]] = {}
    for key, rows in _by_condition(table):
        values = np.full(size, _OUT)
        values[trial[rows]] = _values(table.iloc[rows], estimand, limit)
        held = (key["experiment_id"], *(key[name] for name in HELD[by]))
        groups.setdefault(held, []).append((side(key, by), values))
    for held, members in groups.items():
        for one, other in combinations(members, 2):
            yield {
                "one": one[0],
                "other": other[0],
                "held": _held(held[1:], by),
                "limit": limit,
                **_compare(one[1], other[1], source_of, counts),
            }


def _by_condition(table: pd.DataFrame) -> Iterator[tuple[dict[str, Any], NDArray[np.intp]]]:
    rows = table.groupby("condition_id", sort=False).indices.values()
    return ((key, part) for (key, _), part in zip(conditions(table), rows, strict=True))


def side(condition: dict[str, Any], by: Dimension) -> str:
    """What one side of a comparison is called."""
    if by == "search":
        return f"{condition['search']}, {condition['schedule_name']}"
    return str(condition[by])


def _held(values: tuple[object, ...], by: Dimension) -> str:
    first, second, *schedule = values
    if by == "search":
        return f"{first}, layers {second}"
    where = f"layers {first}" if by == "classifier" else str(first)
    return f"{where}; {second}, {schedule[0]}"


def _values(table: pd.DataFrame, estimand: Estimand, limit: float) -> Floats:
    """min(X, limit) of each trial of one condition, or why it has none."""
    enters = entering(table).to_numpy()
    cases = read_entrants(table)
    fooled, waits = cases.fooled.copy(), np.zeros(len(table), bool)
    out = ~enters
    if estimand.needs_source_judgements:
        waits |= cases.source == MISSING
        out |= ~waits & (cases.source != AGREE)
    if estimand.needs_perturbed_judgements:
        asked = cases.fooled & (cases.source == AGREE)
        waits |= asked & (cases.perturbed == MISSING)
        no_longer = asked & ~waits & (cases.perturbed != AGREE)
        if estimand is AS_PUBLISHED:
            out |= no_longer
        fooled &= ~no_longer
    # A picture that is no longer the label never counts, however large the budget.
    short = ~cases.fooled & (cases.time < limit)
    values = np.where(fooled, np.minimum(cases.time, limit), limit)
    return np.select([out, waits, short], [_OUT, _WAITS, _TESTED_LESS], values)


def _compare(one: Floats, other: Floats, source_of: NDArray[np.intp], counts: Any) -> dict:
    both = (one >= 0) & (other >= 0)
    waits = ((one == _WAITS) & (other != _OUT)) | ((other == _WAITS) & (one != _OUT))
    short = ~waits & ((one == _TESTED_LESS) | (other == _TESTED_LESS))
    short &= (one != _OUT) & (other != _OUT)
    difference = one[both] - other[both]
    units, place = np.unique(source_of[both], return_inverse=True)
    row: dict[str, Any] = {
        "trials": int(both.sum()),
        "sources": len(units),
        "mean_one": _mean(one[both]),
        "mean_other": _mean(other[both]),
        "difference": _mean(difference),
        "missing": int(waits.sum()),
        "not_tested": int(short.sum()),
    }
    total = np.bincount(place, difference, minlength=len(units))
    trials = np.bincount(place, minlength=len(units))
    # One number a source: trials of one source are not independent.
    each = np.round(total / np.maximum(trials, 1), 12)
    row["one_larger"], row["other_larger"] = _mean(each > 0), _mean(each < 0)
    if len(units) < FEWEST_PAIRS:
        unknown = ("low", "high", "rank_biserial", "wilcoxon_p", "sign_p")
        return row | dict.fromkeys(unknown, np.nan)
    drawn = counts[units]
    below = trials @ drawn
    with np.errstate(invalid="ignore", divide="ignore"):
        means = (total @ drawn) / below
    row["low"], row["high"] = (float(end) for end in percentile_interval(means, len(units)))
    return row | _tests(each)


def _tests(each: Floats) -> dict[str, float]:
    # Here, since it takes half a second, which no other view of the results needs.
    from scipy.stats import binomtest, rankdata, wilcoxon

    positive, negative = int((each > 0).sum()), int((each < 0).sum())
    if not positive + negative:
        return {"rank_biserial": 0.0, "wilcoxon_p": 1.0, "sign_p": 1.0}
    # Sources on which both need the same tell of no direction. Kept in the ranks (Pratt), they
    # make the normal approximation call four differences of thirty significant.
    each = each[each != 0]
    ranks = rankdata(np.abs(each))
    return {
        "rank_biserial": float((ranks * np.sign(each)).sum() / ranks.sum()),
        "wilcoxon_p": float(wilcoxon(each).pvalue),
        "sign_p": float(binomtest(positive, positive + negative).pvalue),
    }


def _holm(p: Floats) -> Floats:
    """Holm's correction (1979) over those p-values that there are.

    Not statsmodels': that collects Python's garbage at each call, a third of a second in a server.
    """
    corrected = np.full(len(p), np.nan)
    known = np.flatnonzero(~np.isnan(p))
    order = known[np.argsort(p[known], kind="stable")]
    stepped = p[order] * np.arange(len(order), 0, -1)
    corrected[order] = np.minimum(np.maximum.accumulate(stepped), 1.0)
    return corrected


def _mean(values: NDArray[Any]) -> float:
    return float(values.mean()) if len(values) else np.nan
