"""The text of a replication bundle: rows of tables as JSON, written in one form and read warily."""

from __future__ import annotations

import hashlib
import json
import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from sqlite_utils import Database

from data.bundle_archive import Archive, BundleError
from data.database import as_json

#: A file of a bundle: its name, and its content in parts.
Content = tuple[str, Iterable[bytes]]

#: Columns of JSON text, which a bundle holds as what they say: an object, or a list.
JSON_COLUMNS: dict[str, type] = {
    **dict.fromkeys(("definition", "schedule", "options", "details", "plan", "description"), dict),
    **dict.fromkeys(("confidences_before", "confidences_after"), dict),
    **dict.fromkeys(("history", "layer_weights", "magnitudes"), list),
}

#: What reading or storing a record of another make meets: other types, numbers that SQLite has no
#: room for, constraints of the schema.
_SENSELESS = (
    *(KeyError, TypeError, ValueError, AttributeError, OverflowError, RecursionError),
    *(sqlite3.IntegrityError, sqlite3.ProgrammingError),
)


def records(rows: Iterable[Mapping[str, Any]], columns: Iterable[str]) -> Iterator[dict[str, Any]]:
    """Rows of a table as a bundle holds them: these columns, JSON as what it says."""
    for row in rows:
        yield {
            name: json.loads(row[name]) if name in JSON_COLUMNS and row[name] else row[name]
            for name in columns
        }


def line(record: Mapping[str, Any]) -> bytes:
    """A record as a line of a file."""
    text = json.dumps(record, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    return text.encode() + b"\n"


def document(record: Mapping[str, Any]) -> bytes:
    """A record as a file of its own."""
    text = json.dumps(record, indent=1, sort_keys=True, ensure_ascii=False, allow_nan=False)
    return text.encode() + b"\n"


def digest(parts: Iterable[bytes]) -> str:
    """The SHA-256 of a file that was never written."""
    whole = hashlib.sha256()
    for part in parts:
        whole.update(part)
    return whole.hexdigest()


def read_document(archive: Archive, name: str) -> dict[str, Any]:
    """The record of a file of its own. Raises BundleError."""
    if name not in archive.sums:
        raise BundleError(f"{name} is missing in {archive.file}: it is no bundle of Plainview.")
    with explained(archive, name):
        record = json.loads(archive.read(name))
        if not isinstance(record, dict):
            raise ValueError("no object")
        return record


def read_lines(archive: Archive, name: str) -> Iterator[dict[str, Any]]:
    """A file's records, line by line, to be read inside `explained`."""
    for one in archive.lines(name):
        record = json.loads(one)
        if not isinstance(record, dict):
            raise ValueError("no object")
        yield record


@contextmanager
def explained(archive: Archive, name: str) -> Iterator[None]:
    """What a file that fits its checksum, and yet makes no sense, is answered with."""
    try:
        yield
    except _SENSELESS as error:
        raise BundleError(
            f"{name} in {archive.file} does not hold what a bundle's does ({error}): nothing was"
            " taken in."
        ) from error


def insert(
    database: Database,
    table: str,
    row: Mapping[str, Any],
    columns: Sequence[str],
    **more: Any,
) -> int:
    """Adds a record's row, with every check of the schema; its number."""
    values = stored_values(row, columns) | more
    names, places = ", ".join(values), ", ".join(f":{name}" for name in values)
    cursor = database.execute(f"INSERT INTO {table} ({names}) VALUES ({places})", values)
    assert cursor.lastrowid is not None
    return cursor.lastrowid


def stored_values(row: Mapping[str, Any], columns: Sequence[str]) -> dict[str, Any]:
    """A record's columns as the database holds them. Raises TypeError for another kind of JSON."""
    values = {}
    for name in columns:
        values[name] = value = row[name]
        if name in JSON_COLUMNS and value is not None:
            if not isinstance(value, JSON_COLUMNS[name]):
                raise TypeError(f"{name} {value!r:.60}")
            values[name] = as_json(value)
    return values
