"""Rows of studies: their items, their labellers, and the judgements, which are append-only."""

from __future__ import annotations

import hashlib
import json
import secrets
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any, Literal

from sqlite_utils import Database

from data.database import DatabaseError, as_json, immediate, insert_once
from data.keys import key_beside, sign, signed_so
from data.stamps import new_id, now, timestamp

#: SQLite's number for synchronous = FULL.
FULL = 2

#: What the signature of an invitation is for.
INVITATION = "invitation"
#: An invitation that holds now, the time being the parameter.
VALID = "revoked_at IS NULL AND (expires_at IS NULL OR expires_at > ?)"

Side = Literal["source", "perturbed"]


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


@dataclass(frozen=True)
class Labeller:
    """One person in one study. `order_seed` (53 bits) decides the order of that person's items."""

    id: int
    study_id: str
    name: str
    order_seed: int
    created_at: str
    revoked_at: str | None
    expires_at: str | None


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


def add_labeller(
    database: Database, study_id: str, name: str, *, expires_at: datetime | None = None
) -> str:
    """Admits a person to a study and returns the invitation token.

    The token is 55 characters fit for a URL, and is shown this once: only its hash is kept.
    """
    until = timestamp(expires_at) if expires_at else None
    token = _new_token(database, study_id, until)
    with immediate(database):
        database["labellers"].insert(
            {
                "study_id": study_id,
                "name": name,
                "token_hash": _token_hash(token),
                "signed": 1,
                "order_seed": secrets.randbits(53),
                "created_at": now(),
                "expires_at": until,
            }
        )
    return token


def renew_invitation(
    database: Database, labeller_id: int, *, expires_at: datetime | None = None
) -> str | None:
    """A new token for somebody who has been invited; the old one is useless from now on.

    None for nobody of this id. Whoever was revoked or whose link expired may come back with it.
    """
    until = timestamp(expires_at) if expires_at else None
    with immediate(database):
        row = database.execute(
            "SELECT study_id FROM labellers WHERE id = ?", [labeller_id]
        ).fetchone()
        if row is None:
            return None
        token = _new_token(database, row[0], until)
        database.execute(
            "UPDATE labellers SET token_hash = ?, signed = 1, expires_at = ?, revoked_at = NULL"
            " WHERE id = ?",
            [_token_hash(token), until, labeller_id],
        )
    return token


def labeller_of(database: Database, token: str) -> Labeller | None:
    """Whose invitation it is; None for a forged, revoked or expired one.

    Its second half signs the first for one study and one expiry, with the key of the home folder:
    whoever writes a hash into a database, or brings a database from elsewhere, gets nobody in.
    Invitations of schema 2 and before have no such half.
    """
    row = database.execute(
        f"SELECT id, study_id, expires_at, signed FROM labellers WHERE token_hash = ? AND {VALID}",
        [_token_hash(token), now()],
    ).fetchone()
    if row is None:
        return None
    labeller_id, study_id, expires_at, signed = row
    name, _, signature = token.partition(".")
    if signed and not signed_so(
        key_beside(database), signature, INVITATION, name, study_id, expires_at or ""
    ):
        return None
    return invited_labeller(database, labeller_id)


def invited_labeller(database: Database, labeller_id: int) -> Labeller | None:
    """The labeller of this id, while that person's invitation holds."""
    where = f"id = ? AND {VALID}"
    return next(iter(_labellers(database, where, [labeller_id, now()])), None)


def labellers(database: Database, study_id: str) -> list[Labeller]:
    """A study's labellers, in the order of their invitations, the revoked ones too."""
    return _labellers(database, "study_id = ?", [study_id])


def revoke_labeller(database: Database, labeller_id: int) -> None:
    """Makes an invitation useless from now on; the judgements made with it stay."""
    with immediate(database):
        database.execute(
            "UPDATE labellers SET revoked_at = coalesce(revoked_at, ?) WHERE id = ?",
            [now(), labeller_id],
        )


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


def _labellers(database: Database, where: str, parameters: Sequence[Any]) -> list[Labeller]:
    rows = list(database["labellers"].rows_where(where, parameters, order_by="id"))
    for row in rows:
        del row["token_hash"], row["signed"]
    return [Labeller(**row) for row in rows]


def _new_token(database: Database, study_id: str, expires_at: str | None) -> str:
    name = secrets.token_urlsafe(24)
    key = key_beside(database)
    return f"{name}.{sign(key, INVITATION, name, study_id, expires_at or '')}"


def _token_hash(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
