"""Rows of frozen analysis plans: added, never changed."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlite_utils import Database

from data.database import as_json, immediate
from data.stamps import now


@dataclass(frozen=True)
class PlanRow:
    """A frozen plan. `sha256` is of its text with the experiment's id (`plan_hash`).

    `judgements`: how many judgements of the experiment's pictures there were already.
    """

    id: int
    experiment_id: str
    plan: Mapping[str, Any]
    sha256: str
    judgements: int
    created_by: str
    created_at: str


#: Every picture that the experiment's results show, with the label it would be judged for.
_JUDGED = """
WITH pictures AS (
    SELECT sources.stimulus, results.label FROM results
    JOIN conditions ON conditions.id = results.condition_id
    JOIN sources ON sources.id = results.source_id WHERE conditions.experiment_id = :experiment
    UNION
    SELECT results.stimulus, results.label FROM results
    JOIN conditions ON conditions.id = results.condition_id
    WHERE conditions.experiment_id = :experiment AND results.stimulus IS NOT NULL
)
SELECT count(*) FROM judgements
JOIN pictures ON pictures.stimulus = judgements.stimulus AND pictures.label = judgements.label
"""


def judgement_count(database: Database, experiment_id: str) -> int:
    """How many judgements there are of an experiment's pictures, in whichever study.

    Undone and superseded ones count: their answers were seen. A picture that experiments share, as
    they do sources, is judged for all of them.
    """
    (count,) = database.execute(_JUDGED, {"experiment": experiment_id}).fetchone()
    return count


def plan_hash(experiment_id: str, plan: Mapping[str, Any]) -> str:
    """SHA-256 of the plan and its experiment as JSON with sorted keys: for a registry."""
    return hashlib.sha256(as_json({"experiment": experiment_id, "plan": plan}).encode()).hexdigest()


def add_plan(
    database: Database, experiment_id: str, plan: Mapping[str, Any], *, created_by: str
) -> PlanRow:
    """Freezes a plan: stores it with the time and the number of judgements until then."""
    with immediate(database):  # so that nobody judges between the count and the row
        database["analysis_plans"].insert(
            {
                "experiment_id": experiment_id,
                "plan": as_json(plan),
                "sha256": plan_hash(experiment_id, plan),
                "judgements": judgement_count(database, experiment_id),
                "created_by": created_by,
                "created_at": now(),
            }
        )
    return plans(database, experiment_id)[-1]


def plans(database: Database, experiment_id: str) -> list[PlanRow]:
    """An experiment's plans, the oldest first."""
    rows = database["analysis_plans"].rows_where(
        "experiment_id = ?", [experiment_id], order_by="id"
    )
    return [PlanRow(**row | {"plan": json.loads(row["plan"])}) for row in rows]
