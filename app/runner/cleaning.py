"""What nothing refers to any more: shown, and freed.

Files and rows younger than an hour are left alone, since a picture is on the disk before the row
that names it, and so is everything while an experiment or a search is at work.
"""

from __future__ import annotations

import re
import shutil
import time
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from sqlite_utils import Database

from app.runner.menu import read_menu
from app.runner.request import RequestError
from data.database import immediate
from data.home import Home
from data.references import unreferenced
from data.removal import unsaved_searches
from data.stamps import timestamp

YOUNG_SECONDS = 3600.0
#: Cached answers, views and thumbnails are made again when somebody asks: after so long they go.
STALE_SECONDS = 7 * 24 * 3600.0
#: Files are deleted so many at a time while the database is held.
BATCH = 200
_IMAGE = re.compile(r"([0-9a-f]{64})\.png")
_TENSOR = re.compile(r"([0-9a-f]{64})\.safetensors\.zlib")
_SCALES = re.compile(r"scales-([0-9a-f]{64})-.*")


@dataclass(frozen=True)
class Waste:
    """One kind of what is unreferenced: so many `rows` of the database, and `files` or folders."""

    kind: str
    rows: int = 0
    files: tuple[Path, ...] = ()
    bytes: int = 0


class _Undo(Exception):
    """Nothing of what was tried is to stay."""


def clean(
    database: Database,
    home: Home,
    *,
    dry_run: bool = False,
    searches_days: float | None = None,
    young: float = YOUNG_SECONDS,
) -> list[Waste]:
    """Free what is unreferenced, or with `dry_run` only say what that would be, kind by kind.

    `searches_days` adds the searches of Explore that nobody saved or judged and that are older than
    so many days. What is less than `young` seconds old stays. Raises RequestError while anything is
    at work, but for a dry run.
    """
    found: list[Waste] = []
    with suppress(_Undo), immediate(database):
        if not dry_run:
            _check_idle(database)
        rows = _delete_rows(database, searches_days, young)
        found = [
            Waste("searches of Explore that nobody saved", rows["experiments"]),
            Waste("sources without a result", rows["sources"]),
            _files(
                "pictures that no result, source or study has",
                rows["stimuli"],
                _unknown(home.images, _IMAGE, _keys(database, "stimuli", "sha256"), young),
            ),
            _files(
                "perturbation tensors that no result has",
                rows["perturbations"],
                _unknown(home.tensors, _TENSOR, _keys(database, "perturbations", "id"), young),
            ),
            _files(
                "live files of runs that are gone",
                0,
                _unknown_runs(home, _keys(database, "jobs", "id"), young),
            ),
            _files(
                "σ of generators that neither the catalogue nor an experiment has",
                0,
                _unused_scales(database, home, young),
            ),
            _files("cached views and answers that nobody asked for this week", 0, _stale(home)),
            _files("files that were never finished", 0, _partial(home, young)),
        ]
        if dry_run:
            raise _Undo
    if not dry_run:  # rows first: a row is never without its file
        for one in found:
            _delete(database, one.files, young)
    return found


def _delete_rows(database: Database, searches_days: float | None, young: float) -> dict[str, int]:
    """Delete what no row refers to; how many rows of each table."""
    unsaved = [] if searches_days is None else unsaved_searches(database, searches_days)
    for experiment_id in unsaved:
        database.execute("DELETE FROM experiments WHERE id = ?", [experiment_id])
    before = timestamp(datetime.now(UTC) - timedelta(seconds=young))
    deleted = {"experiments": len(unsaved)}
    # In this order: a source that goes sets its picture loose.
    for table, key in (("sources", "id"), ("stimuli", "sha256"), ("perturbations", "id")):
        deleted[table] = database.execute(
            f"DELETE FROM {table} WHERE created_at <= ? AND {unreferenced(database, table, key)}",
            [before],
        ).rowcount
    return deleted


def _files(kind: str, rows: int, files: Iterable[Path]) -> Waste:
    listed = tuple(sorted(files))
    return Waste(kind, rows, listed, sum(map(_size, listed)))


def _keys(database: Database, table: str, key: str) -> set[str]:
    return {value for (value,) in database.execute(f"SELECT {key} FROM {table}")}


def _unknown(folder: Path, name: re.Pattern[str], known: set[str], young: float) -> Iterator[Path]:
    for file in folder.glob("*/*"):
        match = name.fullmatch(file.name)
        if match and match[1] not in known and _old(file, young):
            yield file


def _unknown_runs(home: Home, known: set[str], young: float) -> Iterator[Path]:
    for folder in home.runs.iterdir():
        if folder.name not in known and _old(folder, young):
            yield folder


def _unused_scales(database: Database, home: Home, young: float) -> Iterator[Path]:
    """σ takes minutes to measure, so that of a generator that is offered or was used stays."""
    menu = read_menu(home)
    if menu is None:  # what is offered is not known
        return
    used = {one.checksum for one in menu.generators.values()}
    used |= {value for (value,) in database.execute("SELECT generator_checksum FROM experiments")}
    for file in home.caches.iterdir():
        match = _SCALES.fullmatch(file.name)
        if match and match[1] not in used and _old(file, young):
            yield file


def _stale(home: Home) -> Iterator[Path]:
    for folder in home.caches.iterdir():
        if folder.is_dir():
            yield from (
                file for file in folder.rglob("*") if file.is_file() and _old(file, STALE_SECONDS)
            )


def _partial(home: Home, young: float) -> Iterator[Path]:
    for folder in (home.images, home.tensors):
        yield from (file for file in folder.rglob(".*.part") if _old(file, young))


def _old(file: Path, young: float) -> bool:
    try:
        return time.time() - file.lstat().st_mtime >= young
    except FileNotFoundError:
        return False


def _size(file: Path) -> int:
    if file.is_dir():
        return sum(one.lstat().st_size for one in file.rglob("*") if one.is_file())
    return file.lstat().st_size


def _delete(database: Database, files: tuple[Path, ...], young: float) -> None:
    """Under the database's lock, so that no row comes to name a file while it goes."""
    for start in range(0, len(files), BATCH):
        with immediate(database):
            for file in files[start : start + BATCH]:
                if not _old(file, young) or _named(database, file):
                    continue
                if file.is_dir():
                    shutil.rmtree(file)
                else:
                    file.unlink(missing_ok=True)


def _named(database: Database, file: Path) -> bool:
    """Whether a row has come to name the file."""
    for pattern, table, key in ((_IMAGE, "stimuli", "sha256"), (_TENSOR, "perturbations", "id")):
        if match := pattern.fullmatch(file.name):
            row = database.execute(f"SELECT 1 FROM {table} WHERE {key} = ?", [match[1]])
            return row.fetchone() is not None
    return False


def _check_idle(database: Database) -> None:
    (count,) = database.execute(
        "SELECT count(*) FROM jobs WHERE state IN ('queued', 'running')"
    ).fetchone()
    if count:
        raise RequestError(
            f"{count} {'job is' if count == 1 else 'jobs are'} at work: clean when it has ended, or"
            " stop it on its page."
        )
