"""A replication bundle taken into a home: all of it or nothing, and twice the same as once."""

from __future__ import annotations

import hashlib
import io
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from PIL import Image
from sqlite_utils import Database

from data import bundle
from data.bundle_archive import IMAGE, Archive, BundleError
from data.bundle_maps import FILES as MAP_FILES
from data.bundle_maps import CheckMap, add_map, map_files
from data.bundle_studies import FILES as STUDY_FILES
from data.bundle_studies import CheckOptions, add_study, study_files
from data.bundle_text import (
    Content,
    digest,
    explained,
    insert,
    read_document,
    read_lines,
    stored_values,
)
from data.database import immediate, insert_once
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
    transfers: int
    studies: int
    images: int
    maps: int

    @property
    def anything(self) -> bool:
        """Whether there was anything that was not here."""
        return self.new or any((self.transfers, self.studies, self.images, self.maps))


def _any_map(record: Mapping[str, Any], scores: bytes) -> None:
    """Only `engine.maps` knows what a map is."""


def _any_options(options: Mapping[str, Any]) -> None:
    """Only `labelling.options` knows what a study's options are."""


def import_bundle(
    database: Database,
    home: Home,
    file: Path,
    *,
    check_map: CheckMap = _any_map,
    check_options: CheckOptions = _any_options,
) -> Imported:
    """Take in a bundle; what is there already, and the same, stays as it is.

    `check_map` raises ValueError where a map's record and scores are of none, `check_options` where
    what a study was told makes no sense.

    Nobody is invited by it: its labellers' links are void. Raises BundleError for a file that is no
    bundle, is damaged or was tampered with, and where an experiment, a study or a source of the
    same name is another one here; then nothing was changed but for pictures that nothing refers to.
    """
    with Archive(file) as archive:
        about = _about(archive)
        experiment_id = about["experiment"]
        is_new = experiment(database, experiment_id) is None
        if not is_new:
            _same(archive, bundle.experiment_files(database, experiment_id), "experiment")
        new_studies = [
            study_id
            for study_id in about["studies"]
            if not _there(database, "studies", study_id, study_files, archive)
        ]
        new_maps = [
            map_id
            for map_id in about.get("maps", ())
            if not _there(database, "maps", map_id, map_files, archive)
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
            tested = 0
            if bundle.TRANSFERS in archive.sums:
                tested = _add_transfers(database, archive, experiment_id)
            for study_id in new_studies:
                add_study(database, archive, study_id, check_options)
            for map_id in new_maps:
                add_map(database, archive, map_id, check_map)
            for study_id in about["asked_about_it"]:
                insert_once(
                    database,
                    "study_experiments",
                    {"study_id": study_id, "experiment_id": experiment_id},
                )
    return Imported(
        experiment_id,
        archive.checksum,
        new=is_new,
        transfers=tested,
        studies=len(new_studies),
        images=written,
        maps=len(new_maps),
    )


def _about(archive: Archive) -> dict[str, Any]:
    """The bundle's own description, checked."""
    about = read_document(archive, "bundle.json")
    if about.get("format") != bundle.FORMAT:
        raise BundleError(f"{archive.file} is no bundle of Plainview.")
    if about.get("version") not in (bundle.FIRST_VERSION, bundle.VERSION):
        raise BundleError(
            f"{archive.file} is a bundle of version {about.get('version')}; this Plainview reads"
            f" versions {bundle.FIRST_VERSION} to {bundle.VERSION}: update the code."
        )
    folders = {
        folder: {name.split("/")[1] for name in archive.names if name.startswith(f"{folder}/")}
        for folder in ("studies", "maps")
    }
    hexadecimal = re.compile("[0-9a-f]{10}").fullmatch
    if (
        not hexadecimal(str(about.get("experiment")))
        or any(not _names(about.get(folder, []), there) for folder, there in folders.items())
        or not _names_of(about.get("asked_about_it"), folders["studies"])
    ):
        raise BundleError(f"bundle.json in {archive.file} does not fit its other files.")
    wanted = {
        *bundle.EXPERIMENT,
        *((bundle.TRANSFERS,) if about["version"] > bundle.FIRST_VERSION else ()),
        *(f"studies/{one}/{name}" for one in folders["studies"] for name in STUDY_FILES),
        *(f"maps/{one}/{name}" for one in folders["maps"] for name in MAP_FILES),
    }
    if lacking := sorted(wanted - set(archive.names)):
        raise BundleError(f"{lacking[0]} is missing in {archive.file}: get the bundle again.")
    return about


def _names(listed: object, there: set[str]) -> bool:
    """Whether a list names these, each once."""
    return _names_of(listed, there) and len(listed) == len(there)


def _names_of(listed: object, there: set[str]) -> bool:
    """Whether a list names some of these, each once."""
    return (
        isinstance(listed, list)
        and all(isinstance(one, str) and one in there for one in listed)
        and len(set(listed)) == len(listed)
    )


def _there(
    database: Database,
    table: str,
    row_id: str,
    files: Callable[[Database, str], Iterable[Content]],
    archive: Archive,
) -> bool:
    """Whether this very study or map is here. Raises BundleError for another one of its name."""
    if not database.execute(f"SELECT 1 FROM {table} WHERE id = ?", [row_id]).fetchone():
        return False
    _same(archive, files(database, row_id), {"studies": "study", "maps": "map"}[table])
    return True


def _same(archive: Archive, stored: Iterable[Content], kind: str) -> None:
    for name, parts in stored:
        if digest(parts) != archive.sums.get(name):
            raise _differs(archive, kind, name)


def _differs(archive: Archive, kind: str, name: str) -> BundleError:
    return BundleError(
        f"The {kind} of {archive.file} is here already, and differs in {name}: take the bundle into"
        " another home (--home FOLDER)."
    )


def _check_sources(database: Database, archive: Archive) -> None:
    """A source is one picture in a home; devices may draw it with a level's difference."""
    with explained(archive, "sources.jsonl"):
        for row in read_lines(archive, "sources.jsonl"):
            here = database.execute(
                "SELECT stimulus FROM sources WHERE id = ?", [row["id"]]
            ).fetchone()
            if here and here[0] != row["stimulus"]:
                raise BundleError(
                    f"The source of label {row['label']} and seed {row['seed']} in"
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
    document = read_document(archive, "experiment.json")
    with explained(archive, "experiment.json"):
        experiment_id = document["experiment"]["id"]
        insert(database, "experiments", document["experiment"], bundle.EXPERIMENT_COLUMNS)
        numbers = {}
        for row in document["conditions"]:
            numbers[row["position"]] = insert(
                database,
                "conditions",
                row,
                bundle.CONDITION_COLUMNS,
                experiment_id=experiment_id,
            )
        for row in document["plans"]:
            insert(
                database, "analysis_plans", row, bundle.PLAN_COLUMNS, experiment_id=experiment_id
            )
    with explained(archive, "sources.jsonl"):
        for row in read_lines(archive, "sources.jsonl"):
            values = stored_values(row, bundle.SOURCE_COLUMNS)
            insert_once(database, "sources", values | {"created_at": now()})
    with explained(archive, "results.jsonl"):
        for row in read_lines(archive, "results.jsonl"):
            condition = numbers[row["condition"]]
            insert(database, "results", row, bundle.RESULT_COLUMNS, condition_id=condition)


def _add_transfers(database: Database, archive: Archive, experiment_id: str) -> int:
    """Add what is not here: pictures may be tested on one more classifier at any time."""
    places = database.execute(
        "SELECT conditions.position, trial_index, results.id FROM results"
        " JOIN conditions ON conditions.id = condition_id WHERE experiment_id = ?",
        [experiment_id],
    )
    results = {(position, index): result_id for position, index, result_id in places.fetchall()}
    here = {
        (row["condition"], row["trial_index"], row["classifier"]): row
        for row in bundle.transfer_rows(database, experiment_id)
    }
    added = 0
    with explained(archive, bundle.TRANSFERS):
        for row in read_lines(archive, bundle.TRANSFERS):
            place = row["condition"], row["trial_index"]
            if known := here.get((*place, row["classifier"])):
                if any(row[name] != known[name] for name in bundle.ANSWER_COLUMNS):
                    raise _differs(archive, "experiment", bundle.TRANSFERS)
                continue
            columns = (*bundle.ANSWER_COLUMNS, "classifier", "created_at")
            insert(database, "transfers", row, columns, result_id=results[place])
            added += 1
    return added
