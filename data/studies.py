"""Rows of studies: what labellers are asked, and their items."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from sqlite_utils import Database

from data.database import as_json, immediate, insert_once
from data.stamps import new_id, now


@dataclass(frozen=True)
class Study:
    """What labellers are asked: the images of some experiments, under some options."""

    id: str
    name: str
    options: Mapping[str, Any]
    created_by: str
    created_at: str
    closed_at: str | None
    experiment_ids: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class ItemRow:
    """One question: does the source show the label, and if so, does the perturbed image still?

    `phrase` is the label as in "This is an image of …", `search_term` what the image search looks
    for, `gloss` tells labels of one name apart. `perturbed_stimulus` is None for a source alone.
    `kind` says what the item is for, and `details` (JSON) what only researchers may know of it.
    """

    source_stimulus: str
    perturbed_stimulus: str | None
    label: int
    phrase: str
    search_term: str
    gloss: str | None = None
    kind: str = "pair"
    details: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class StudyItem(ItemRow):
    """An item as it stands in the database; `position` is its place in the study, from 0."""

    id: int
    study_id: str
    position: int


def create_study(
    database: Database,
    *,
    name: str,
    experiment_ids: Sequence[str],
    options: Mapping[str, Any],
    created_by: str,
) -> str:
    """Stores a study over some experiments, without items yet, and returns its id."""
    study_id = new_id()
    with immediate(database):
        database["studies"].insert(
            {
                "id": study_id,
                "name": name,
                "options": as_json(options),
                "created_by": created_by,
                "created_at": now(),
            }
        )
        database["study_experiments"].insert_all(
            {"study_id": study_id, "experiment_id": experiment_id}
            for experiment_id in experiment_ids
        )
    return study_id


def study(database: Database, study_id: str) -> Study | None:
    """The study of this id."""
    return next(iter(_studies(database, "id = ?", [study_id])), None)


def studies(database: Database) -> list[Study]:
    """All studies, the newest first."""
    return _studies(database)


def close_study(database: Database, study_id: str, closed: bool = True) -> None:
    """Ends a study, or opens it again; nothing is deleted."""
    with immediate(database):
        database.execute(
            "UPDATE studies SET closed_at = ? WHERE id = ?", [now() if closed else None, study_id]
        )


def add_items(database: Database, study_id: str, items: Iterable[ItemRow]) -> int:
    """Adds items behind those there; returns how many were new.

    The same question (images, label, kind) stands in a study once.
    """
    with immediate(database):
        (start,) = database.execute(
            "SELECT coalesce(max(position) + 1, 0) FROM study_items WHERE study_id = ?", [study_id]
        ).fetchone()
        position = start
        for item in items:
            values = asdict(item) | {
                "details": as_json(item.details),
                "study_id": study_id,
                "position": position,
            }
            position += insert_once(database, "study_items", values) is not None
    return position - start


def items(database: Database, study_id: str) -> list[StudyItem]:
    """A study's items, by position."""
    rows = database["study_items"].rows_where("study_id = ?", [study_id], order_by="position")
    return [_item(row) for row in rows]


def item(database: Database, item_id: int) -> StudyItem | None:
    """The item of this id."""
    for row in database["study_items"].rows_where("id = ?", [item_id]):
        return _item(row)
    return None


def _studies(
    database: Database, where: str | None = None, parameters: Sequence[Any] = ()
) -> list[Study]:
    experiment_ids: dict[str, list[str]] = {}
    links = database.execute("SELECT study_id, experiment_id FROM study_experiments")
    for study_id, experiment_id in links:
        experiment_ids.setdefault(study_id, []).append(experiment_id)
    rows = database["studies"].rows_where(where, parameters, order_by="created_at DESC, rowid DESC")
    return [
        Study(
            **row | {"options": json.loads(row["options"])},
            experiment_ids=tuple(experiment_ids.get(row["id"], ())),
        )
        for row in rows
    ]


def _item(row: dict[str, Any]) -> StudyItem:
    return StudyItem(**row | {"details": json.loads(row["details"])})
