"""Where in the generator a perturbation is: the magnitude at each point."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
from sqlite_utils import Database

from labelling.intervals import percentile_interval, resampled_sources
from labelling.transfers import Counted, kept

#: Trials of a condition that are read: the first ones, which the progression drew by chance.
MOST_TRIALS = 1000
DRAWS = 400


def point_magnitudes(database: Database, condition_id: int) -> pd.DataFrame:
    """‖p_i‖₂ at each point: rows by trial_index, a column a point, numbered from 0."""
    rows = database.execute(_MAGNITUDES, [condition_id, MOST_TRIALS]).fetchall()
    values = json.loads(f"[{','.join(magnitudes for _, magnitudes in rows)}]")
    return pd.DataFrame(values, index=[index for index, _ in rows], dtype=float)


def layer_shares(
    trials: pd.DataFrame, of: dict[int, pd.DataFrame], counted: Counted = "all"
) -> pd.DataFrame:
    """A row (classifier, subset, condition_id, point): the mean ‖p_i‖₂ over found trials.

    `of`: condition → `point_magnitudes`. `magnitude` with its 95 % interval `low`, `high`
    (bootstrap over sources; NaN: too few), `share` of ‖p‖², which the points' squares add up to,
    and `n` trials. A point that is not perturbed has no row.
    """
    found = kept(trials[(trials["outcome"] == "found").to_numpy()], counted)
    parts = []
    for key, rows in found.groupby(
        ["classifier", "subset", "condition_id"], sort=False, observed=True
    ):
        table = of[key[2]]
        rows = rows[rows["trial_index"].isin(table.index).to_numpy()]
        if rows.empty:
            continue
        values = table.loc[rows["trial_index"]].to_numpy()
        unit, sources = pd.factorize(rows["source_id"])
        counts = resampled_sources(len(sources), DRAWS)[unit]
        drawn = (counts.T @ values) / np.maximum(counts.sum(axis=0), 1)[:, None]
        low, high = percentile_interval(drawn, len(sources))
        squares = values**2
        share = (squares / np.maximum(squares.sum(axis=1, keepdims=True), 1e-30)).mean(axis=0)
        active = np.flatnonzero(values.any(axis=0))
        parts.append(
            pd.DataFrame(
                {
                    **dict(zip(("classifier", "subset", "condition_id"), key, strict=True)),
                    "point": active,
                    "magnitude": values.mean(axis=0)[active],
                    "low": low[active],
                    "high": high[active],
                    "share": share[active],
                    "n": len(rows),
                }
            )
        )
    columns = ["classifier", "subset", "condition_id", "point", "magnitude", "low", "high"]
    return (
        pd.concat(parts, ignore_index=True)
        if parts
        else pd.DataFrame(columns=[*columns, "share", "n"])
    )


_MAGNITUDES = """
SELECT trial_index, magnitudes FROM results
WHERE condition_id = ? AND outcome = 'found' AND magnitudes IS NOT NULL
ORDER BY trial_index LIMIT ?
"""
