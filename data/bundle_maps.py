"""The semantic maps of a replication bundle: those that start from the experiment's own sources."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from sqlite_utils import Database

from data.bundle_archive import Archive
from data.bundle_text import Content, document, explained, insert, read_document
from data.maps import StoredMap, map_content, stored_map, stored_maps
from data.planes import KIND, plane_key

#: What says of a map's record and scores that they are none: raises ValueError.
CheckMap = Callable[[Mapping[str, Any], bytes], None]

FILES = ("map.json", "scores.npz")
COLUMNS = (
    *("id", "name", "description", "origin", "sha256", "measured", "points", "code_version"),
    *("created_by", "created_at"),
)


def map_ids(database: Database, experiment_id: str) -> list[str]:
    """The complete maps of spaces that start from one of the experiment's sources, in order."""
    maps = sorted(stored_maps(database), key=lambda one: (one.created_at, one.id))
    return [one.id for one in maps if one.complete and _starts_from(database, one, experiment_id)]


def plane_studies(database: Database, map_ids: Sequence[str]) -> list[str]:
    """The studies of pictures of these maps' planes."""
    keys = [
        plane_key(space)
        for one in filter(None, (stored_map(database, map_id) for map_id in map_ids))
        if (space := one.description["space"])["kind"] == "PerturbationPlane"
    ]
    rows = database.execute(
        "SELECT DISTINCT study_id FROM study_items WHERE kind = ?"
        " AND json_extract(details, '$.plane') IN (SELECT value FROM json_each(?))",
        [KIND, json.dumps(keys)],
    )
    return [study_id for (study_id,) in rows]


def map_files(database: Database, map_id: str) -> Iterator[Content]:
    """A map's files, name and content."""
    one = stored_map(database, map_id)
    assert one is not None, "nobody else writes while a bundle is read"
    record = {name: getattr(one, name) for name in COLUMNS}
    yield f"maps/{map_id}/map.json", [document(record)]
    yield f"maps/{map_id}/scores.npz", [map_content(database, map_id) or b""]


def add_map(database: Database, archive: Archive, map_id: str, check: CheckMap) -> None:
    """Take in a map that is not here. Raises BundleError where it makes no sense."""
    name = f"maps/{map_id}/map.json"
    record = read_document(archive, name)
    content = archive.read(f"maps/{map_id}/scores.npz")
    with explained(archive, name):
        if record["id"] != map_id or record["sha256"] != hashlib.sha256(content).hexdigest():
            raise ValueError("its id or its checksum")
        check(record, content)
        insert(database, "maps", record, COLUMNS, content=content, complete=1)


def _starts_from(database: Database, one: StoredMap, experiment_id: str) -> bool:
    space = one.description.get("space", {})
    places = (space.get(name) for name in ("source", "first", "second"))
    return any(
        isinstance(place, Mapping)
        and place.get("kind") == "GeneratedSource"
        and database.execute(
            _IS_SOURCE,
            {name: place.get(name) for name in ("checksum", "label", "seed", "truncation")}
            | {"experiment": experiment_id},
        ).fetchone()
        for place in places
    )


_IS_SOURCE = """
SELECT 1 FROM sources JOIN results ON results.source_id = sources.id
JOIN conditions ON conditions.id = results.condition_id
WHERE sources.label = :label AND sources.seed = :seed
    AND sources.generator_checksum = :checksum AND truncation = :truncation
    AND experiment_id = :experiment
LIMIT 1
"""
