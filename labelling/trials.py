"""The stored results of searches as a table, before anybody's judgement is attached."""

from __future__ import annotations

from collections.abc import Sequence
from sqlite3 import Cursor
from typing import Any

import numpy as np
import pandas as pd
from sqlite_utils import Database

#: Where a trial is stored, and what it was.
OF_CONDITION = ("experiment_id", "classifier", "subset", "search", "schedule_name")
OF_TRIAL = (
    "condition_id",
    "trial_index",
    "source_id",
    "label",
    "target",
    "outcome",
    "magnitude",
    "bound",
    "steps",
    "perturbed_stimulus",
)
COLUMNS = (
    "experiment_id",
    "condition_id",
    *OF_CONDITION[1:],
    *OF_TRIAL[1:-1],
    "source_stimulus",
    "perturbed_stimulus",
)


def stored_trials(database: Database, experiment_ids: Sequence[str]) -> pd.DataFrame:
    """One row a stored result of a search, in the order of conditions and trials; no controls.

    Columns as in `COLUMNS`: target is NaN where any other label will do, magnitude unless found;
    a stimulus is the SHA-256 of its PNG, None where there is none. Names that repeat are categories
    (pandas), which are filtered and counted many times faster than text.
    """
    marks = ", ".join("?" for _ in experiment_ids) or "NULL"
    conditions = database.execute(_CONDITIONS.format(chosen=marks), list(experiment_ids)).fetchall()
    ids = np.array([row[0] for row in conditions], dtype=np.int64)
    # A condition at a time: the key (condition, trial) has them in their order.
    parts = [
        columns_of(database.execute(_RESULTS, [condition_id]), len(OF_TRIAL))
        for condition_id in ids.tolist()
    ]
    stimuli = dict(database.execute(_SOURCES.format(chosen=marks), list(experiment_ids)).fetchall())
    frame = {
        name: np.concatenate(
            [np.zeros(0, _TYPES[name]), *(np.array(part[place], _TYPES[name]) for part in parts)]
        )
        for place, name in enumerate(OF_TRIAL)
    }
    order = np.argsort(ids)
    place = order[np.searchsorted(ids, frame["condition_id"], sorter=order)]
    for column, name in enumerate(OF_CONDITION, start=1):
        names = pd.Categorical([row[column] for row in conditions])
        frame[name] = names.take(place)
    frame["source_stimulus"] = np.array(
        [stimuli.get(source_id) for source_id in frame["source_id"]], dtype=object
    )
    for name in ("source_id", "outcome"):
        frame[name] = pd.Categorical(frame[name])
    # As objects: a stimulus is looked up and never computed with, and None stays None.
    return pd.DataFrame(
        {
            name: pd.Series(frame[name], dtype=object if name.endswith("_stimulus") else None)
            for name in COLUMNS
        }
    )


def columns_of(rows: Cursor, count: int) -> list[list[Any]]:
    """A query's rows as so many columns.

    Some thousands of rows at a time: of a hundred thousand tuples held at once Python's garbage
    collector would look at every one, again and again.
    """
    columns: list[list[Any]] = [[] for _ in range(count)]
    while part := rows.fetchmany(4096):
        for column, values in zip(columns, zip(*part, strict=True), strict=True):
            column.extend(values)
    return columns


_TYPES: dict[str, type] = {
    "condition_id": np.int64,
    "trial_index": np.int64,
    "source_id": object,
    "label": np.int64,
    "target": float,
    "outcome": object,
    "magnitude": float,
    "bound": float,
    "steps": np.int64,
    "perturbed_stimulus": object,
}

_CONDITIONS = """
SELECT id, experiment_id, classifier, subset, search, schedule_name
FROM conditions
WHERE experiment_id IN ({chosen}) AND role = 'search'
ORDER BY experiment_id, position
"""

_RESULTS = """
SELECT condition_id, trial_index, source_id, label, target, outcome, magnitude, bound, steps,
    stimulus
FROM results WHERE condition_id = ? ORDER BY trial_index
"""

_SOURCES = """
SELECT id, stimulus FROM sources WHERE id IN (
    SELECT source_id FROM results JOIN conditions ON conditions.id = results.condition_id
    WHERE conditions.experiment_id IN ({chosen})
)
"""
