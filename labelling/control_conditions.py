"""What an experiment's controls say: random directions of the same magnitude, and repeated runs."""

from __future__ import annotations

import numpy as np
import pandas as pd
from sqlite_utils import Database

from labelling.intervals import wilson

#: A repeated run whose magnitude differs by more than this share of the first one has moved.
MOVED = 0.01

CONTROLLED = ["position", "classifier", "subset", "search", "schedule_name"]
_COLUMNS = [
    *("role", *CONTROLLED, "repetition", "trial_index", "source_id", "outcome", "magnitude"),
    *("searched_outcome", "searched_magnitude"),
]


def control_table(database: Database, experiment_id: str) -> pd.DataFrame:
    """One row a control's result with that of the search that it controls.

    `position` and the names are those of the searched condition; `outcome` and `magnitude` the
    control's, `searched_outcome` and `searched_magnitude` the search's own.
    """
    rows = database.execute(_CONTROLS, [experiment_id]).fetchall()
    return pd.DataFrame(rows, columns=_COLUMNS)


def random_directions(table: pd.DataFrame) -> pd.DataFrame:
    """A row a searched condition: how often a random direction changed the classifier's answer.

    `changed` of `n` pictures, whose perturbation has the same ‖p_i‖₂ at each point as the one that
    was found; `share`, and its 95 % interval `low`, `high`: Wilson's for as many pictures as there
    are sources, since repetitions of one trial are not independent. A row where nothing has ended
    yet has n 0 and no share (NaN).
    """
    parts = []
    for key, rows in table[table["role"] == "random-direction"].groupby(CONTROLLED, sort=False):
        ended = rows[rows["outcome"].isin(["changed", "unchanged"])]
        n, changed = len(ended), int((ended["outcome"] == "changed").sum())
        share = changed / n if n else np.nan
        low, high = wilson(share, ended["source_id"].nunique()) if n else (np.nan, np.nan)
        counted = {"n": n, "changed": changed, "share": share, "low": low, "high": high}
        parts.append(dict(zip(CONTROLLED, key, strict=True)) | counted)
    columns = [*CONTROLLED, "n", "changed", "share", "low", "high"]
    return pd.DataFrame(parts, columns=columns).astype({"low": float, "high": float})


def repeated_runs(table: pd.DataFrame) -> pd.DataFrame:
    """A row a searched condition: by how much a magnitude differs when its trial runs again.

    Over the `n` pairs of a found trial and a repetition that found something, too, the relative
    difference |repeated − first| / first: its `median`, the `largest`, and how many `moved` by more
    than `MOVED`. `otherwise`: pairs that ended in another way, of all `pairs` that did not fail.
    """
    parts = []
    for key, rows in table[table["role"] == "repeat"].groupby(CONTROLLED, sort=False):
        ended = rows[(rows["outcome"] != "failed") & ~rows["searched_outcome"].isin(["failed"])]
        ended = ended[ended["searched_outcome"].notna()]
        same = (ended["outcome"] == ended["searched_outcome"]).to_numpy()
        found = ended[same & (ended["outcome"] == "found").to_numpy()]
        first = found["searched_magnitude"].to_numpy(float)
        apart = np.abs(found["magnitude"].to_numpy(float) - first)
        relative = np.divide(apart, first, out=np.zeros_like(apart), where=first > 0)
        parts.append(
            dict(zip(CONTROLLED, key, strict=True))
            | {
                "pairs": len(ended),
                "otherwise": int((~same).sum()),
                "n": len(found),
                "median": float(np.median(relative)) if len(found) else np.nan,
                "largest": float(relative.max()) if len(found) else np.nan,
                "moved": int((relative > MOVED).sum()),
            }
        )
    columns = [*CONTROLLED, "pairs", "otherwise", "n", "median", "largest", "moved"]
    return pd.DataFrame(parts, columns=columns)


_CONTROLS = """
SELECT control.role, searched.position, searched.classifier, searched.subset, searched.search,
    searched.schedule_name, control.repetition, result.trial_index, result.source_id,
    result.outcome, result.magnitude, first.outcome, first.magnitude
FROM conditions AS control
JOIN conditions AS searched ON searched.experiment_id = control.experiment_id
    AND searched.position = control.controls
JOIN results AS result ON result.condition_id = control.id
LEFT JOIN results AS first ON first.condition_id = searched.id
    AND first.trial_index = result.trial_index
WHERE control.experiment_id = ? AND control.role <> 'search'
ORDER BY searched.position, control.repetition, result.trial_index
"""
