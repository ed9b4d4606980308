"""The studies of a replication bundle: what was asked, of whom (a number), and every answer."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from sqlite_utils import Database

from data.bundle_archive import Archive
from data.bundle_text import (
    Content,
    document,
    explained,
    insert,
    line,
    read_document,
    read_lines,
    records,
)
from data.keys import key_beside, sign
from data.labellers import add_uninvited
from data.stamps import now

#: What says of a study's options that they make no sense: raises ValueError.
CheckOptions = Callable[[Mapping[str, Any]], object]

FILES = ("study.json", "items.jsonl", "labellers.jsonl", "judgements.jsonl", "assignments.jsonl")
STUDY_COLUMNS = ("id", "name", "options", "created_by", "created_at")
ITEM_COLUMNS = (
    *("position", "kind", "source_stimulus", "perturbed_stimulus", "label", "phrase"),
    *("search_term", "gloss", "details"),
)
JUDGEMENT_COLUMNS = (
    *("side", "stimulus", "label", "answer", "response_ms", "hidden_ms", "searches"),
    *("shown_at", "answered_at", "repeat", "created_at"),
)

#: Whoever withdrew is not passed on.
STAYED = """NOT EXISTS (SELECT 1 FROM labeller_events AS event
    WHERE event.labeller_id = labellers.id AND event.kind = 'withdrew')"""

_PSEUDONYM = re.compile(r"labeller \d{9}")


def study_files(database: Database, study_id: str) -> Iterator[Content]:
    """A study's files. An item is told by its position, people and judgements by their order."""
    folder = f"studies/{study_id}"
    [row] = database.query("SELECT * FROM studies WHERE id = ?", [study_id])
    yield f"{folder}/study.json", [document(next(records([row], STUDY_COLUMNS)))]
    items = list(
        database.query("SELECT * FROM study_items WHERE study_id = ? ORDER BY position", [study_id])
    )
    yield f"{folder}/items.jsonl", map(line, records(items, ITEM_COLUMNS))
    places = {item["id"]: item["position"] for item in items}
    people = database.execute(
        f"SELECT id, name, created_at FROM labellers WHERE study_id = ? AND {STAYED} ORDER BY id",
        [study_id],
    ).fetchall()
    numbers = {labeller_id: number for number, (labeller_id, *_) in enumerate(people)}
    yield (
        f"{folder}/labellers.jsonl",
        (
            line(
                {
                    "labeller": numbers[labeller_id],
                    "name": pseudonym(database, name),
                    "created_at": created_at,
                    "events": [
                        {"kind": kind, "created_at": at}
                        for kind, at in database.execute(
                            "SELECT kind, created_at FROM labeller_events WHERE labeller_id = ?"
                            " ORDER BY created_at, kind",
                            [labeller_id],
                        )
                    ],
                }
            )
            for labeller_id, name, created_at in people
        ),
    )
    judged = {
        judgement_id: number
        for number, (judgement_id,) in enumerate(database.execute(_JUDGEMENT_IDS, [study_id]))
    }
    yield (
        f"{folder}/judgements.jsonl",
        (
            line(
                {
                    "judgement": judged[row["id"]],
                    "labeller": numbers[row["labeller_id"]],
                    "item": places[row["item_id"]],
                    **{name: row[name] for name in JUDGEMENT_COLUMNS},
                    "supersedes": judged.get(row["supersedes"]),
                    "undone_at": row["undone_at"],
                }
            )
            for row in database.query(_JUDGEMENTS, [study_id])
        ),
    )
    yield (
        f"{folder}/assignments.jsonl",
        (
            line(
                {
                    "labeller": numbers[row["labeller_id"]],
                    "item": places[row["item_id"]],
                    **{name: row[name] for name in ("round", "place", "finished_at")},
                    "closed_by": judged.get(row["closed_by"]),
                }
            )
            for row in database.query(_ASSIGNMENTS, [study_id])
        ),
    )


def pseudonym(database: Database, name: str) -> str:
    """ "labeller 482913077": a name's number in this home; only who has its key could tell whose.

    A number that came with a bundle stays.
    """
    if _PSEUDONYM.fullmatch(name):
        return name
    signed = sign(key_beside(database), "pseudonym", name)
    number = int(hashlib.sha256(signed.encode()).hexdigest(), 16) % 10**9
    return f"labeller {number:09}"


def add_study(
    database: Database, archive: Archive, study_id: str, check_options: CheckOptions
) -> None:
    """Take in a study that is not here. Raises BundleError where it makes no sense."""
    name = f"studies/{study_id}/{{}}"
    with explained(archive, name.format("study.json")):
        row = read_document(archive, name.format("study.json"))
        if row["id"] != study_id:
            raise ValueError("its id")
        insert(database, "studies", row, STUDY_COLUMNS, closed_at=now())
        check_options(row["options"])
    with explained(archive, name.format("items.jsonl")):
        items = {
            row["position"]: insert(database, "study_items", row, ITEM_COLUMNS, study_id=study_id)
            for row in read_lines(archive, name.format("items.jsonl"))
        }
    with explained(archive, name.format("labellers.jsonl")):
        people = {
            row["labeller"]: _labeller(database, study_id, row)
            for row in read_lines(archive, name.format("labellers.jsonl"))
        }
    with explained(archive, name.format("judgements.jsonl")):
        judged: dict[int | None, int | None] = {None: None}
        for row in read_lines(archive, name.format("judgements.jsonl")):
            judged[row["judgement"]] = insert(
                database,
                "judgements",
                row,
                JUDGEMENT_COLUMNS,
                labeller_id=people[row["labeller"]],
                item_id=items[row["item"]],
                supersedes=judged[row["supersedes"]],
            )
            if row["undone_at"] is not None:
                insert(
                    database,
                    "retractions",
                    {"created_at": row["undone_at"]},
                    ("created_at",),
                    judgement_id=judged[row["judgement"]],
                )
    with explained(archive, name.format("assignments.jsonl")):
        for row in read_lines(archive, name.format("assignments.jsonl")):
            insert(
                database,
                "assignments",
                row,
                ("round", "place", "finished_at"),
                study_id=study_id,
                labeller_id=people[row["labeller"]],
                item_id=items[row["item"]],
                closed_by=judged[row["closed_by"]],
            )


def _labeller(database: Database, study_id: str, row: Mapping[str, Any]) -> int:
    labeller_id = add_uninvited(database, study_id, row["name"], created_at=row["created_at"])
    for event in row["events"]:
        insert(database, "labeller_events", event, ("kind", "created_at"), labeller_id=labeller_id)
    return labeller_id


_JUDGEMENT_IDS = f"""
SELECT judgements.id FROM judgements JOIN labellers ON labellers.id = labeller_id
WHERE study_id = ? AND {STAYED} ORDER BY judgements.id
"""
_JUDGEMENTS = f"""
SELECT judgements.*, retractions.created_at AS undone_at FROM judgements
JOIN labellers ON labellers.id = labeller_id
LEFT JOIN retractions ON retractions.judgement_id = judgements.id
WHERE study_id = ? AND {STAYED} ORDER BY judgements.id
"""
_ASSIGNMENTS = f"""
SELECT assignments.* FROM assignments JOIN labellers ON labellers.id = labeller_id
WHERE assignments.study_id = ? AND finished_at IS NOT NULL AND {STAYED}
ORDER BY labeller_id, round, place, item_id
"""
