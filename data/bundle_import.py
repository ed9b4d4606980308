"""A replication bundle taken into a home: all of it or nothing, and twice the same as once."""

from __future__ import annotations

import hashlib
import io
import json
import re
import secrets
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from PIL import Image
from sqlite_utils import Database

from data import bundle
from data.bundle_archive import IMAGE, Archive, BundleError
from data.database import as_json, immediate, insert_once
from data.experiments import experiment
from data.home import Home
from data.images import decode, store_file
from data.stamps import now

#: No generator makes larger pictures; a PNG of few bytes can be of gigapixels.
MOST_SIDE = 8192


@dataclass(frozen=True)
class Imported:
    """What came of it: the experiment's id, and what was new here."""

    experiment: str
    checksum: str
    new: bool
    studies: int
    images: int


def import_bundle(database: Database, home: Home, file: Path) -> Imported:
    """Take in a bundle; what is there already, and the same, stays as it is.

    Nobody is invited by it: its labellers' links are void. Raises BundleError for a file that is no
    bundle, is damaged or was tampered with, and where an experiment, a study or a source of the
    same name is another one here; then nothing was changed but for pictures that nothing refers to.
    """
    with Archive(file) as archive:
        about = _about(archive)
        experiment_id = about["experiment"]
        is_new = experiment(database, experiment_id) is None
        if not is_new:
            _same(archive, bundle.experiment_files(database, experiment_id), "experiment", file)
        new_studies = [
            study_id
            for study_id in about["studies"]
            if not _there(database, study_id, file, archive)
        ]
        if is_new:
            _check_sources(database, archive)
        sizes = _store_images(home, archive)
        written = 0
        with immediate(database):
            for sha256, values in sizes.items():
                written += insert_once(database, "stimuli", values | {"sha256": sha256}) is not None
            if is_new:
                _add_experiment(database, archive)
            for study_id in new_studies:
                _add_study(database, archive, study_id)
            for study_id in about["asked_about_it"]:
                insert_once(
                    database,
                    "study_experiments",
                    {"study_id": study_id, "experiment_id": experiment_id},
                )
    return Imported(experiment_id, archive.checksum, is_new, len(new_studies), written)


def _about(archive: Archive) -> dict[str, Any]:
    """The bundle's own description, checked."""
    about = _document(archive, "bundle.json")
    if about.get("format") != bundle.FORMAT:
        raise BundleError(f"{archive.file} is no bundle of Plainview.")
    if about.get("version") != bundle.VERSION:
        raise BundleError(
            f"{archive.file} is a bundle of version {about.get('version')}; this Plainview reads"
            f" version {bundle.VERSION}: update the code."
        )
    studies = {name.split("/")[1] for name in archive.names if name.startswith("studies/")}
    named = about.get("studies")
    hexadecimal = re.compile("[0-9a-f]{10}").fullmatch
    if (
        not hexadecimal(str(about.get("experiment")))
        or not isinstance(named, list)
        or set(named) != studies
        or not set(about.get("asked_about_it", ())) <= studies
    ):
        raise BundleError(f"bundle.json in {archive.file} does not fit its other files.")
    wanted = {
        *bundle.EXPERIMENT,
        *(f"studies/{s}/{name}" for s in studies for name in bundle.STUDY),
    }
    if lacking := sorted(wanted - set(archive.names)):
        raise BundleError(f"{lacking[0]} is missing in {archive.file}: get the bundle again.")
    return about


def _there(database: Database, study_id: str, file: Path, archive: Archive) -> bool:
    """Whether this very study is here. Raises BundleError for another one of its name."""
    if not database.execute("SELECT 1 FROM studies WHERE id = ?", [study_id]).fetchone():
        return False
    _same(archive, bundle.study_files(database, study_id), "study", file)
    return True


def _same(archive: Archive, stored: Iterator[bundle.Content], kind: str, file: Path) -> None:
    for name, parts in stored:
        if bundle.digest(parts) != archive.sums.get(name):
            raise BundleError(
                f"The {kind} of {file} is here already, and differs in {name}: take the bundle into"
                " another home (--home FOLDER)."
            )


def _check_sources(database: Database, archive: Archive) -> None:
    """A source is one picture in a home; devices may draw it with a level's difference."""
    for row in _lines(archive, "sources.jsonl"):
        here = database.execute(
            "SELECT stimulus FROM sources WHERE id = ?", [row.get("id")]
        ).fetchone()
        if here and here[0] != row.get("stimulus"):
            raise BundleError(
                f"The source of label {row.get('label')} and seed {row.get('seed')} in"
                f" {archive.file} is another picture here (drawn on another device): take the"
                " bundle into another home (--home FOLDER)."
            )


def _store_images(home: Home, archive: Archive) -> dict[str, dict[str, Any]]:
    """Put the pictures into the home; their rows, by SHA-256."""
    sizes = {}
    for name in archive.names:
        if match := IMAGE.fullmatch(name):
            sha256, content = match[1], archive.read(name)
            if hashlib.sha256(content).hexdigest() != sha256:
                raise BundleError(f"{name} in {archive.file} is not what its name says: refused.")
            sizes[sha256] = _size(archive, name, content)
            store_file(home, sha256, content)
    return sizes


def _size(archive: Archive, name: str, content: bytes) -> dict[str, Any]:
    """Checks that it is a picture as `data.images` writes them."""
    try:
        with Image.open(io.BytesIO(content), formats=["PNG"]) as image:
            fits = max(image.size) <= MOST_SIDE and image.mode in ("L", "RGB")
        if not fits:
            raise ValueError("its size or its kind of pixels")
        height, width, channels = decode(content).shape
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise BundleError(
            f"{name} in {archive.file} is no picture to be judged: refused."
        ) from error
    return {
        "width": width,
        "height": height,
        "channels": channels,
        "bytes": len(content),
        "created_at": now(),
    }


def _add_experiment(database: Database, archive: Archive) -> None:
    document = _document(archive, "experiment.json")
    with _explained(archive, "experiment.json"):
        experiment_id = document["experiment"]["id"]
        _insert(database, "experiments", document["experiment"], bundle.EXPERIMENT_COLUMNS)
        numbers = {}
        for row in document["conditions"]:
            numbers[row["position"]] = _insert(
                database,
                "conditions",
                row,
                bundle.CONDITION_COLUMNS,
                experiment_id=experiment_id,
            )
        for row in document["plans"]:
            _insert(
                database, "analysis_plans", row, bundle.PLAN_COLUMNS, experiment_id=experiment_id
            )
    with _explained(archive, "sources.jsonl"):
        for row in _lines(archive, "sources.jsonl"):
            values = _values(row, bundle.SOURCE_COLUMNS)
            insert_once(database, "sources", values | {"created_at": now()})
    with _explained(archive, "results.jsonl"):
        for row in _lines(archive, "results.jsonl"):
            condition = numbers[row["condition"]]
            _insert(database, "results", row, bundle.RESULT_COLUMNS, condition_id=condition)


def _add_study(database: Database, archive: Archive, study_id: str) -> None:
    name = f"studies/{study_id}/{{}}"
    with _explained(archive, name.format("study.json")):
        row = _document(archive, name.format("study.json"))
        if row["id"] != study_id:
            raise ValueError("its id")
        _insert(database, "studies", row, bundle.STUDY_COLUMNS, closed_at=now())
    with _explained(archive, name.format("items.jsonl")):
        items = {
            row["position"]: _insert(
                database, "study_items", row, bundle.ITEM_COLUMNS, study_id=study_id
            )
            for row in _lines(archive, name.format("items.jsonl"))
        }
    with _explained(archive, name.format("labellers.jsonl")):
        people = {
            row["labeller"]: _labeller(database, study_id, row)
            for row in _lines(archive, name.format("labellers.jsonl"))
        }
    with _explained(archive, name.format("judgements.jsonl")):
        judged: dict[int | None, int | None] = {None: None}
        for row in _lines(archive, name.format("judgements.jsonl")):
            judged[row["judgement"]] = _insert(
                database,
                "judgements",
                row,
                bundle.JUDGEMENT_COLUMNS,
                labeller_id=people[row["labeller"]],
                item_id=items[row["item"]],
                supersedes=judged[row["supersedes"]],
            )
            if row["undone_at"] is not None:
                database["retractions"].insert(
                    {"judgement_id": judged[row["judgement"]], "created_at": row["undone_at"]}
                )
    with _explained(archive, name.format("assignments.jsonl")):
        for row in _lines(archive, name.format("assignments.jsonl")):
            _insert(
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
    labeller_id = _insert(
        database,
        "labellers",
        row,
        ("name", "created_at"),
        study_id=study_id,
        token_hash=secrets.token_hex(32),  # of no token: nobody gets in with it
        order_seed=secrets.randbits(53),
        revoked_at=now(),
    )
    for event in row["events"]:
        _insert(database, "labeller_events", event, ("kind", "created_at"), labeller_id=labeller_id)
    return labeller_id


def _insert(
    database: Database,
    table: str,
    row: Mapping[str, Any],
    columns: Sequence[str],
    **more: Any,
) -> int:
    """Adds the row, with every check of the schema; its number."""
    values = _values(row, columns) | more
    names, places = ", ".join(values), ", ".join(f":{name}" for name in values)
    cursor = database.execute(f"INSERT INTO {table} ({names}) VALUES ({places})", values)
    assert cursor.lastrowid is not None
    return cursor.lastrowid


def _values(row: Mapping[str, Any], columns: Sequence[str]) -> dict[str, Any]:
    return {
        name: as_json(row[name])
        if name in bundle.JSON_COLUMNS and row[name] is not None
        else row[name]
        for name in columns
    }


def _document(archive: Archive, name: str) -> dict[str, Any]:
    if name not in archive.sums:
        raise BundleError(f"{name} is missing in {archive.file}: it is no bundle of Plainview.")
    with _explained(archive, name):
        document = json.loads(archive.read(name))
        if not isinstance(document, dict):
            raise ValueError("no object")
        return document


def _lines(archive: Archive, name: str) -> Iterator[dict[str, Any]]:
    for line in archive.lines(name):
        record = json.loads(line)
        if not isinstance(record, dict):
            raise BundleError(f"{name} in {archive.file} does not hold what a bundle's does.")
        yield record


@contextmanager
def _explained(archive: Archive, name: str) -> Iterator[None]:
    """What a file that fits its checksum, and yet makes no sense, is answered with."""
    try:
        yield
    except (KeyError, TypeError, ValueError, AttributeError, sqlite3.IntegrityError) as error:
        raise BundleError(
            f"{name} in {archive.file} does not hold what a bundle's does ({error}): nothing was"
            " taken in."
        ) from error
