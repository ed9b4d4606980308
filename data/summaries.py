"""How far experiments are, many at a time: what a table of them shows."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from sqlite_utils import Database

from data.results import Outcome


@dataclass(frozen=True)
class Summary:
    """One experiment's: `state` of its newest job ("not started" without one), its conditions.

    `searched` are the conditions that are no controls, `cells` all of them; `done` counts the
    results of all, `outcomes` those of the searched ones.
    """

    state: str = "not started"
    searched: int = 0
    cells: int = 0
    done: int = 0
    outcomes: Mapping[Outcome, int] = field(default_factory=dict)


_STATES = """
SELECT experiment_id, state, max(created_at) FROM jobs
WHERE experiment_id IN (SELECT value FROM json_each(?)) GROUP BY experiment_id
"""
_CELLS = """
SELECT experiment_id, sum(role = 'search'), count(*) FROM conditions
WHERE experiment_id IN (SELECT value FROM json_each(?)) GROUP BY experiment_id
"""
_OUTCOMES = """
SELECT experiment_id, role = 'search', outcome, count(*) FROM conditions
JOIN results ON results.condition_id = conditions.id
WHERE experiment_id IN (SELECT value FROM json_each(?)) GROUP BY experiment_id, 2, outcome
"""


def summaries(database: Database, experiment_ids: Sequence[str]) -> dict[str, Summary]:
    """A summary of each of these experiments, by id."""
    ids = [json.dumps(list(experiment_ids))]
    states = {one: state for one, state, _ in database.execute(_STATES, ids)}
    cells = {one: counts for one, *counts in database.execute(_CELLS, ids)}
    done: dict[str, int] = {}
    outcomes: dict[str, dict[Outcome, int]] = {}
    for one, searched, outcome, count in database.execute(_OUTCOMES, ids):
        done[one] = done.get(one, 0) + count
        if searched:
            outcomes.setdefault(one, {})[outcome] = count
    return {
        one: Summary(
            states.get(one, "not started"),
            *cells.get(one, (0, 0)),
            done.get(one, 0),
            outcomes.get(one, {}),
        )
        for one in experiment_ids
    }
