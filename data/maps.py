"""Rows of semantic maps, and of the files that they are of.

The scores lie in the database, as bytes that only `engine.maps` reads: a backup has them, and no
map is ever without its scores.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from sqlite_utils import Database

from data.database import as_json, immediate, insert_once
from data.stamps import new_id, now

Origin = Literal["computed", "imported", "averaged"]


@dataclass(frozen=True)
class StoredMap:
    """A map without its scores.

    `description` has everything that is needed to compute it again. `measured` of `points` have
    been asked; with refinement a map can be `complete` before all are. `sha256` is of the scores'
    bytes, None before there are any.
    """

    id: str
    name: str
    description: Mapping[str, Any]
    origin: Origin
    sha256: str | None
    measured: int
    points: int
    complete: bool
    code_version: str
    created_by: str
    created_at: str


_COLUMNS = (
    "id, name, description, origin, sha256, measured, points, complete, code_version, created_by,"
    " created_at"
)


def create_map(
    database: Database,
    *,
    name: str,
    description: Mapping[str, Any],
    origin: Origin,
    points: int,
    code_version: str,
    created_by: str,
) -> str:
    """Stores a map without scores and returns its id."""
    map_id = new_id()
    with immediate(database):
        database["maps"].insert(
            {
                "id": map_id,
                "name": name,
                "description": as_json(description),
                "origin": origin,
                "points": points,
                "code_version": code_version,
                "created_by": created_by,
                "created_at": now(),
            }
        )
    return map_id


def store_scores(
    database: Database, map_id: str, content: bytes, *, measured: int, complete: bool
) -> None:
    """Replaces a map's scores by `content`, as far as they are known."""
    with immediate(database):
        database.execute(
            "UPDATE maps SET content = ?, sha256 = ?, measured = ?, complete = ? WHERE id = ?",
            [content, hashlib.sha256(content).hexdigest(), measured, int(complete), map_id],
        )


def stored_map(database: Database, map_id: str) -> StoredMap | None:
    """The map of this id."""
    return next(iter(_maps(database, "WHERE id = ?", [map_id])), None)


def stored_maps(database: Database) -> list[StoredMap]:
    """All maps, the newest first."""
    return _maps(database, "ORDER BY created_at DESC, rowid DESC", [])


def map_content(database: Database, map_id: str) -> bytes | None:
    """The bytes of a map's scores; None where there are none yet."""
    row = database.execute("SELECT content FROM maps WHERE id = ?", [map_id]).fetchone()
    return row[0] if row else None


def delete_map(database: Database, map_id: str) -> None:
    """Deletes a map and its jobs; judgements of pictures from its space stay."""
    with immediate(database):
        database.execute("DELETE FROM maps WHERE id = ?", [map_id])


def add_map_file(database: Database, name: str, content: bytes) -> str:
    """Stores a file that maps are of, once; returns the SHA-256 of its bytes."""
    sha256 = hashlib.sha256(content).hexdigest()
    values = {"sha256": sha256, "name": name, "content": content, "created_at": now()}
    with immediate(database):
        insert_once(database, "map_files", values)
    return sha256


def map_file(database: Database, sha256: str) -> bytes | None:
    """The bytes of a stored file."""
    row = database.execute("SELECT content FROM map_files WHERE sha256 = ?", [sha256]).fetchone()
    return row[0] if row else None


def _maps(database: Database, rest: str, parameters: list[Any]) -> list[StoredMap]:
    rows = database.query(f"SELECT {_COLUMNS} FROM maps {rest}", parameters)
    return [
        StoredMap(
            **row
            | {"description": json.loads(row["description"]), "complete": bool(row["complete"])}
        )
        for row in rows
    ]
