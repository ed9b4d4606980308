"""Rows of experiments and their conditions.

`ConditionRow` is what one writes; the type that extends it has what the database adds.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

from sqlite_utils import Database

from data.database import as_json, immediate
from data.stamps import new_id, now

Role = Literal["search", "random-direction", "repeat"]


@dataclass(frozen=True)
class ConditionRow:
    """One cell of an experiment: classifier × layer subset × search with its schedule.

    `role` says what it is for. A control has the position of the condition that it controls in
    `controls`, is otherwise equal to it, and counts its repetitions from 1.
    """

    classifier: str
    classifier_checksum: str
    subset: str
    layer_weights: tuple[float, ...]
    search: str
    schedule_name: str
    schedule: Mapping[str, Any]
    role: Role = "search"
    controls: int | None = None
    repetition: int = 0


@dataclass(frozen=True, kw_only=True)
class StoredCondition(ConditionRow):
    """A condition as it stands in the database; `position` is its place in the definition."""

    id: int
    experiment_id: str
    position: int


@dataclass(frozen=True)
class Experiment:
    """A set of conditions over one progression of trials; an exploration is one run of Explore.

    `history` has what was before each extension: {"trials", "code_version", "until", "by"}.
    """

    id: str
    kind: Literal["experiment", "exploration"]
    name: str
    definition: Mapping[str, Any]
    code_version: str
    generator: str
    generator_checksum: str
    seed: int
    trials: int
    created_by: str
    created_at: str
    saved_at: str | None
    archived_at: str | None
    history: tuple[Mapping[str, Any], ...] = ()


def create_experiment(
    database: Database,
    *,
    kind: Literal["experiment", "exploration"],
    name: str,
    definition: Mapping[str, Any],
    conditions: Sequence[ConditionRow],
    code_version: str,
    generator: str,
    generator_checksum: str,
    seed: int,
    trials: int,
    created_by: str,
) -> str:
    """Stores an experiment with its conditions, in their order, and returns its id."""
    experiment_id = new_id()
    with immediate(database):
        database["experiments"].insert(
            {
                "id": experiment_id,
                "kind": kind,
                "name": name,
                "definition": as_json(definition),
                "code_version": code_version,
                "generator": generator,
                "generator_checksum": generator_checksum,
                "seed": seed,
                "trials": trials,
                "created_by": created_by,
                "created_at": now(),
            }
        )
        database["conditions"].insert_all(
            asdict(condition)
            | {
                "experiment_id": experiment_id,
                "position": position,
                "layer_weights": as_json(condition.layer_weights),
                "schedule": as_json(condition.schedule),
            }
            for position, condition in enumerate(conditions)
        )
    return experiment_id


def extend_experiment(
    database: Database,
    experiment_id: str,
    trials: int,
    *,
    code_version: str,
    by: str,
    name: str | None = None,
) -> None:
    """Gives an experiment more trials, and a new name where one is given; what it was before is
    kept in its history.

    Nothing happens where it has that many trials, or more, already.
    """
    with immediate(database):
        before = experiment(database, experiment_id)
        if before is None or before.trials >= trials:
            return
        past = {
            "trials": before.trials,
            "code_version": before.code_version,
            "until": now(),
            "by": by,
        }
        database["experiments"].update(
            experiment_id,
            {
                "name": name or before.name,
                "trials": trials,
                "definition": as_json({**before.definition, "trials": trials}),
                "code_version": code_version,
                "history": as_json([*before.history, past]),
            },
        )


def record_generator_checksum(database: Database, experiment_id: str, checksum: str) -> None:
    """Records it where it was not known when the experiment was asked for (weights not fetched)."""
    with immediate(database):
        database.execute(
            "UPDATE experiments SET generator_checksum = ?"
            " WHERE id = ? AND generator_checksum = ''",
            [checksum, experiment_id],
        )


def record_classifier_checksum(database: Database, condition_id: int, checksum: str) -> None:
    """The same for the classifier of a condition."""
    with immediate(database):
        database.execute(
            "UPDATE conditions SET classifier_checksum = ?"
            " WHERE id = ? AND classifier_checksum = ''",
            [checksum, condition_id],
        )


def experiment(database: Database, experiment_id: str) -> Experiment | None:
    """The experiment of this id; None where there is none."""
    return next(_experiments(database, "id = ?", [experiment_id]), None)


def experiments(
    database: Database, *, kind: str | None = None, archived: bool = False
) -> list[Experiment]:
    """All experiments, the newest first; `kind` keeps one kind, `archived` adds archived ones."""
    where = "(:kind IS NULL OR kind = :kind) AND (:archived OR archived_at IS NULL)"
    return list(_experiments(database, where, {"kind": kind, "archived": archived}))


def save_experiment(database: Database, experiment_id: str, name: str) -> None:
    """Names an experiment and keeps it: unsaved explorations may be cleaned away."""
    with immediate(database):
        database.execute(
            "UPDATE experiments SET name = ?, saved_at = coalesce(saved_at, ?) WHERE id = ?",
            [name, now(), experiment_id],
        )


def archive_experiment(database: Database, experiment_id: str, archived: bool = True) -> None:
    """Hides an experiment from the lists, or shows it again; nothing is deleted."""
    with immediate(database):
        database.execute(
            "UPDATE experiments SET archived_at = ? WHERE id = ?",
            [now() if archived else None, experiment_id],
        )


def conditions(database: Database, experiment_id: str) -> list[StoredCondition]:
    """An experiment's conditions, in the order of its definition."""
    rows = database["conditions"].rows_where(
        "experiment_id = ?", [experiment_id], order_by="position"
    )
    return [
        StoredCondition(
            **row
            | {
                "layer_weights": tuple(json.loads(row["layer_weights"])),
                "schedule": json.loads(row["schedule"]),
            }
        )
        for row in rows
    ]


def _experiments(database: Database, where: str, parameters: Any) -> Iterator[Experiment]:
    rows = database["experiments"].rows_where(
        where, parameters, order_by="created_at DESC, rowid DESC"
    )
    return (
        Experiment(
            **row
            | {
                "definition": json.loads(row["definition"]),
                "history": tuple(json.loads(row["history"])),
            }
        )
        for row in rows
    )
