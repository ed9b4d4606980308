"""Rows of judgements made elsewhere, with the studies, items and labellers that they belong to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlite_utils import Database

from data.database import immediate, insert_once
from data.judgements import add_comment, add_event
from data.labellers import add_uninvited
from data.stamps import now
from data.studies import ItemRow, add_items, create_study

_ITEM_COLUMNS = (
    "source_stimulus",
    "perturbed_stimulus",
    "label",
    "phrase",
    "search_term",
    "gloss",
)
_KEPT = (
    *("side", "stimulus", "label", "answer", "repeat", "response_ms", "hidden_ms", "searches"),
    *("shown_at", "answered_at"),
)


def stored_stimuli(database: Database) -> frozenset[str]:
    """The names of all images in this home."""
    return frozenset(row[0] for row in database.execute("SELECT sha256 FROM stimuli"))


def import_rows(
    database: Database, rows: Sequence[Mapping[str, Any]], *, created_by: str
) -> list[str]:
    """Stores judgements in new, closed studies; returns the studies' ids.

    `rows`: as in `labelling.exchange.COLUMNS`, checked by `labelling.importing`, by judgement; what
    is JSON there is read. Their labellers have no invitation. One transaction: whatever fails,
    nothing is stored.
    """
    studies: dict[str, str] = {}
    items: dict[tuple[str, int], int] = {}
    labellers: dict[tuple[str, int], int] = {}
    numbers: dict[int, int] = {}
    commented: set[tuple[int, int]] = set()
    with immediate(database):
        for row in rows:
            if row["study"] not in studies:
                studies[row["study"]] = _study(database, row, created_by)
            study_id = studies[row["study"]]
            item = (study_id, row["item"])
            if item not in items:
                items[item] = _item(database, study_id, row)
            labeller = (study_id, row["labeller"])
            if labeller not in labellers:
                labellers[labeller] = _labeller(database, study_id, row)
            numbers[row["judgement"]] = _judgement(
                database, row, labellers[labeller], items[item], numbers
            )
            about = (labellers[labeller], items[item])
            if row["comment"] and about not in commented:
                commented.add(about)
                add_comment(database, *about, row["comment"])
        for study_id in studies.values():
            database.execute(_FINISHED, [now(), study_id])
    return list(studies.values())


#: Whoever judged an item has done with it, and so has whoever rejected its source, so that a study
#: counts as far as it is.
_FINISHED = """
INSERT INTO assignments (study_id, labeller_id, item_id, round, place, finished_at)
SELECT study_items.study_id, source.labeller_id, study_items.id, source.repeat,
    row_number() OVER (PARTITION BY source.labeller_id ORDER BY source.id, study_items.position), ?
FROM study_items
JOIN labellers ON labellers.study_id = study_items.study_id
JOIN standing_judgements AS source ON source.labeller_id = labellers.id
    AND source.side = 'source' AND source.stimulus = study_items.source_stimulus
    AND source.label = study_items.label
    AND (source.repeat = 0 OR source.item_id = study_items.id)
LEFT JOIN standing_judgements AS perturbed ON perturbed.labeller_id = labellers.id
    AND perturbed.side = 'perturbed' AND perturbed.stimulus = study_items.perturbed_stimulus
    AND perturbed.label = study_items.label AND perturbed.repeat = source.repeat
WHERE study_items.study_id = ? AND (
    source.answer <> 1 OR study_items.perturbed_stimulus IS NULL OR perturbed.id IS NOT NULL
)
"""


def _study(database: Database, row: Mapping[str, Any], created_by: str) -> str:
    study_id = create_study(
        database,
        name=row["study_name"],
        experiment_ids=[],
        options={**(row["study_options"] or {}), "imported_from": row["study"]},
        created_by=created_by,
    )
    database["studies"].update(study_id, {"closed_at": now()})
    return study_id


def _item(database: Database, study_id: str, row: Mapping[str, Any]) -> int:
    item = ItemRow(
        **{name: row[name] for name in _ITEM_COLUMNS},
        kind=row["item_kind"],
        details=row["item_details"],
    )
    add_items(database, study_id, [item])
    (item_id,) = database.execute(
        "SELECT id FROM study_items WHERE study_id = ? AND source_stimulus = ?"
        " AND perturbed_stimulus IS ? AND label = ? AND kind = ?",
        [study_id, item.source_stimulus, item.perturbed_stimulus, item.label, item.kind],
    ).fetchone()
    return item_id


def _labeller(database: Database, study_id: str, row: Mapping[str, Any]) -> int:
    labeller_id = add_uninvited(database, study_id, row["labeller_name"], created_at=now())
    if row["purpose"]:
        add_event(database, labeller_id, "purpose", row["purpose"])
    if row["withdrawn"]:
        add_event(database, labeller_id, "withdrew")
    return labeller_id


def _judgement(
    database: Database,
    row: Mapping[str, Any],
    labeller_id: int,
    item_id: int,
    numbers: Mapping[int, int],
) -> int:
    judgement_id = insert_once(
        database,
        "judgements",
        {name: row[name] for name in _KEPT}
        | {
            "labeller_id": labeller_id,
            "item_id": item_id,
            "supersedes": None if row["supersedes"] is None else numbers[row["supersedes"]],
            "created_at": now(),
        },
    )
    assert judgement_id is not None, "checked: of each image one judgement supersedes none"
    if row["undone"]:
        database["retractions"].insert({"judgement_id": judgement_id, "created_at": now()})
    return judgement_id
