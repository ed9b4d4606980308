"""What the actions of `python -m app map` share: the map or file named, and a map's facts."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from sqlite_utils import Database

from app.runner.request import RequestError
from data.maps import StoredMap, stored_map


def read_bytes(file: Path) -> bytes:
    """What is in the file."""
    try:
        return file.read_bytes()
    except OSError as error:
        raise RequestError(f"{file} cannot be read ({error.strerror}).") from error


def given(arguments: argparse.Namespace, *what: str) -> list[str]:
    """What follows the action, which has to be as many words as are named."""
    if len(arguments.what) != len(what):
        raise RequestError(f"Write: python -m app map {arguments.action} {' '.join(what)}")
    return list(arguments.what)


def named(database: Database, map_id: str) -> StoredMap:
    """The map of that id."""
    one = stored_map(database, map_id)
    if one is None:
        raise RequestError(f"There is no map {map_id}: python -m app map list has them all.")
    return one


def told(one: StoredMap) -> dict[str, Any]:
    """A map's facts, as --json prints them."""
    state = "complete" if one.complete else f"{one.measured} of {one.points}"
    return {
        "map": one.id,
        "name": one.name,
        "state": state,
        "origin": one.origin,
        "measured": one.measured,
        "points": one.points,
        "sha256": one.sha256,
        "description": one.description,
    }
