"""Maps from files: one's own, or an archive that others published. No torch."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path

from sqlite_utils import Database

from app.runner.map_request import keep_map
from data.maps import stored_maps
from engine.maps import MapDescription, MapFileError, SemanticMap, from_bytes, published_maps
from engine.spaces.description import PublishedViews


def read_maps(content: bytes, name: str) -> list[SemanticMap]:
    """The maps in a file's bytes. Raises MapFileError."""
    try:
        return [from_bytes(content)]
    except MapFileError as own:
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder, Path(name).name or "maps.npz")
            file.write_bytes(content)
            try:
                return list(published_maps(file))
            except MapFileError as published:
                raise MapFileError(f"{own} {published}") from published


def keep_imported(database: Database, maps: Sequence[SemanticMap], *, owner: str) -> list[str]:
    """Store the maps; one that is there already keeps its id. Their ids, in order."""
    there = {
        MapDescription.from_json(dict(one.description)): one.id
        for one in stored_maps(database)
        if one.complete
    }
    ids = []
    for one in maps:
        known = there.get(one.description)
        ids.append(
            known
            or keep_map(database, one, name=imported_name(one), origin="imported", owner=owner)
        )
    return ids


def imported_name(one: SemanticMap) -> str:
    """ "AlexNet · class 0 · object 6", or what its own description says."""
    networks = ", ".join(each.name for each in one.description.classifiers)
    space = one.description.space
    if isinstance(space, PublishedViews):
        return f"{networks} · {one.description.label_name} · object {space.shape}"
    axes = " × ".join(axis.name for axis in space.axes)
    return f"{one.description.label_name}: {axes} (imported)"
