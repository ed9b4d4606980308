"""How far a trial's two pictures are apart in pixels, beside its magnitude: ℓ2, ℓ∞ and SSIM."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
from sqlite_utils import Database

from labelling.entrants import entering, known_trials, read_entrants
from labelling.estimands import Estimand
from labelling.means import table_of_means

#: As they are stored: the norms are of values in [0, 1].
DISTANCES = ("pixel_l2", "pixel_linf", "ssim")
#: Those of a picture from itself.
SAME = (0.0, 0.0, 1.0)
MEANS = tuple(f"mean_{name}" for name in DISTANCES)
MEAN_DISTANCES = (
    "Pixel ℓ2, ℓ∞ and SSIM between source and stimulus: their averages over the trials of the "
    "plain mean."
)


def pixel_distances(database: Database, trials: pd.DataFrame) -> pd.DataFrame:
    """The columns DISTANCES, a row for each row of `trials` (`labelling.trials`), in their order.

    NaN where nothing was found, and in results that were stored without them.
    """
    values = np.full((len(trials), len(DISTANCES)), np.nan)
    index = trials["trial_index"].to_numpy(np.int64)
    for condition_id, rows in trials.groupby("condition_id", sort=False).indices.items():
        wanted = index[rows]
        stored = database.execute(
            _DISTANCES, [int(condition_id), json.dumps(wanted.tolist())]
        ).fetchall()
        if not stored:
            continue
        found = np.array(stored, float)  # None becomes NaN
        order = np.argsort(wanted)
        values[rows[order[np.searchsorted(wanted, found[:, 0], sorter=order)]]] = found[:, 1:]
    return pd.DataFrame(values, index=trials.index, columns=list(DISTANCES))


def mean_distances(
    trials: pd.DataFrame, distances: pd.DataFrame, estimand: Estimand
) -> pd.DataFrame:
    """A row a condition: condition_id and the columns MEANS, over the trials found and kept.

    Those are the trials of the plain mean (`labelling.means`), so that each magnitude has its
    distances beside it. `distances` are `pixel_distances` of the same trials. A trial fooled by its
    source at once changes no pixel. NaN where there is no such trial, or where one was stored
    without its distances.
    """
    cases = read_entrants(trials)
    counted, _ = known_trials(cases, estimand)
    counted = counted & entering(trials).to_numpy()
    values = distances[list(DISTANCES)].to_numpy(float)
    at_once = (trials["outcome"] == "skipped").to_numpy()
    values = np.where(at_once[:, None], SAME, values)
    place, conditions = pd.factorize(trials["condition_id"])
    size = len(conditions)
    with np.errstate(invalid="ignore"):
        number = np.bincount(place[counted], minlength=size)
        means = {
            name: np.bincount(place[counted], values[counted, column], size) / number
            for column, name in enumerate(MEANS)
        }
    return pd.DataFrame({"condition_id": np.asarray(conditions), **means})


def means_and_distances(
    database: Database, trials: pd.DataFrame, estimand: Estimand, limit: float | None = None
) -> pd.DataFrame:
    """`labelling.means.table_of_means` of the trials, with the columns MEANS beside."""
    means = table_of_means(trials, estimand, limit)
    distances = mean_distances(trials, pixel_distances(database, trials), estimand)
    return means.merge(distances, on="condition_id", how="left")


_DISTANCES = """
SELECT trial_index, pixel_l2, pixel_linf, ssim FROM results
WHERE condition_id = ? AND trial_index IN (SELECT value FROM json_each(?))
    AND magnitude IS NOT NULL
"""
