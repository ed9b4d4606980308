"""The append-only log of studies: judgements, what was undone, and what labellers said and did."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

from sqlite_utils import Database

from data.database import DatabaseError, immediate, insert_once
from data.stamps import now
from data.studies import item

#: SQLite's number for synchronous = FULL.
FULL = 2
Side = Literal["source", "perturbed"]
SIDES: tuple[Side, ...] = get_args(Side)


@dataclass(frozen=True)
class Judgement:
    """One press of a key. `answer` is 1 … 4.

    `response_ms` was measured in the browser from image to press; `hidden_ms` of them its tab was
    hidden, and `searches` times the image search was opened. `repeat`: 0 for what counts, 1 for
    practice, 2 for a hidden repeat.
    """

    id: int
    labeller_id: int
    item_id: int
    side: Side
    stimulus: str
    label: int
    answer: int
    response_ms: float | None
    shown_at: str | None
    answered_at: str
    repeat: int
    supersedes: int | None
    created_at: str
    hidden_ms: float | None
    searches: int


def add_judgement(
    database: Database,
    *,
    labeller_id: int,
    item_id: int,
    side: Side,
    answer: int,
    response_ms: float | None = None,
    shown_at: str | None = None,
    answered_at: str | None = None,
    hidden_ms: float | None = None,
    searches: int = 0,
    repeat: int = 0,
    supersedes: int | None = None,
) -> int | None:
    """Appends a judgement of an item's source or perturbed image; its id once it is on the disk.

    None, and nothing done, when that labeller has judged that image for that label already, in
    whichever item: the first judgement stands until one `supersedes` it, which one row may.

    Raises DatabaseError unless the connection was opened with `durable=True`, and
    sqlite3.IntegrityError for an answer outside 1 … 4, an item of another study, or an item
    without the image.
    """
    (synchronous,) = database.execute("PRAGMA synchronous").fetchone()
    if synchronous < FULL:
        raise DatabaseError("Judgements need a connection opened with durable=True.")
    with immediate(database):
        asked = item(database, item_id)
        if asked is None:
            raise DatabaseError(f"There is no item {item_id} to judge; reload the page.")
        row = insert_once(
            database,
            "judgements",
            {
                "labeller_id": labeller_id,
                "item_id": item_id,
                "side": side,
                "stimulus": (
                    asked.source_stimulus if side == "source" else asked.perturbed_stimulus
                ),
                "label": asked.label,
                "answer": answer,
                "response_ms": response_ms,
                "shown_at": shown_at,
                "answered_at": answered_at or now(),
                "hidden_ms": hidden_ms,
                "searches": searches,
                "repeat": repeat,
                "supersedes": supersedes,
                "created_at": now(),
            },
        )
    return row


def retract(database: Database, judgement_id: int) -> None:
    """Undoes a judgement: it stays in the log, and stands no longer."""
    with immediate(database):
        database["retractions"].insert({"judgement_id": judgement_id, "created_at": now()})


def judgements(
    database: Database,
    *,
    study_id: str | None = None,
    labeller_id: int | None = None,
    superseded: bool = False,
) -> list[Judgement]:
    """The judgements that stand, oldest first; of one study or labeller, if named.

    `superseded` adds those that later ones replaced, that were undone, and of who withdrew.
    """
    table = "judgements" if superseded else "standing_judgements"
    where = (
        "(:labeller IS NULL OR labeller_id = :labeller) AND (:study IS NULL OR labeller_id IN"
        " (SELECT id FROM labellers WHERE study_id = :study))"
    )
    rows = database.query(
        f"SELECT * FROM {table} WHERE {where} ORDER BY id",
        {"labeller": labeller_id, "study": study_id},
    )
    return [Judgement(**row) for row in rows]


def add_event(database: Database, labeller_id: int, kind: str, text: str | None = None) -> bool:
    """Notes what a labeller did besides judging, once a kind; False when it was noted already.

    `kind`: consented, started, purpose (with what was said) or withdrew.
    """
    values = {"labeller_id": labeller_id, "kind": kind, "text": text, "created_at": now()}
    with immediate(database):
        return insert_once(database, "labeller_events", values) is not None


def add_comment(database: Database, labeller_id: int, item_id: int, text: str) -> None:
    """Appends a comment on an item; the newest stands, an empty one for none."""
    with immediate(database):
        database["comments"].insert(
            {
                "labeller_id": labeller_id,
                "item_id": item_id,
                "text": text,
                "created_at": now(),
            }
        )


def newest_comment(database: Database, labeller_id: int, item_id: int) -> str | None:
    """What a labeller says of an item; None for nothing."""
    row = database.execute(
        "SELECT text FROM comments WHERE labeller_id = ? AND item_id = ? ORDER BY id DESC LIMIT 1",
        [labeller_id, item_id],
    ).fetchone()
    return row[0] or None if row else None
