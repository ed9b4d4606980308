"""A home's record in one file, taken while people label; `data.restore` puts it back.

The file is a tar archive: the database as it was at one moment, every image that it names, the
user's own catalogue entries and the keys; last a manifest with the SHA-256 of each. Whatever can be
computed or fetched again (perturbation tensors, σ caches, downloaded weights) stays behind, and so
do logs.
"""

from __future__ import annotations

import hashlib
import json
import os
import sqlite3
import tarfile
import tempfile
from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import dataclass, fields
from io import BytesIO
from pathlib import Path
from typing import IO, Any

from data.database import BUSY_SECONDS, DatabaseError, explained
from data.durable import sync_folder
from data.home import Home, code_version
from data.images import ImageError, image_file
from data.stamps import now

FORMAT = "plainview-backup-1"
MANIFEST = "manifest.json"
DATABASE = "plainview.sqlite"
#: Folders that are in a backup, whole; of images only those that the database names.
FOLDERS = ("models", "keys")
Progress = Callable[[str], None]


class BackupError(RuntimeError):
    """A backup cannot be made or used; the message is one sentence for the user."""


@dataclass(frozen=True)
class Backup:
    """What a backup holds; `created_at` is ISO-8601 UTC."""

    created_at: str
    code_version: str
    images: int
    judgements: int
    bytes: int

    @classmethod
    def of(cls, manifest: Mapping[str, Any]) -> Backup:
        """What a manifest says."""
        return cls(**{field.name: manifest[field.name] for field in fields(cls)})


def write_backup(home: Home, target: Path, *, progress: Progress = lambda _: None) -> Backup:
    """Write the home's record to `target`, whole and on the disk when this returns.

    The app and its workers may run on: the database is copied as it is at one moment, and an image
    is there before the row that names it. Raises BackupError where `target` is there already or
    cannot be written, ImageError for an image that is missing or damaged, and DatabaseError.
    """
    if target.exists():
        raise BackupError(f"{target} is there already: choose another name.")
    if not home.database.exists():
        raise BackupError(f"There is nothing to back up in {home.root}.")
    try:
        with tempfile.TemporaryDirectory(prefix=".plainview-", dir=target.parent) as folder:
            copy, part = Path(folder, DATABASE), Path(folder, "part")
            _copy_database(home, copy)
            with part.open("wb") as file:
                os.fchmod(file.fileno(), 0o600)  # keys are in it
                backup = _write_archive(home, copy, file, progress)
                file.flush()
                os.fsync(file.fileno())
            os.rename(part, target)
            sync_folder(target.parent)
    except OSError as error:
        raise BackupError(
            f"The backup {target} could not be written ({error.strerror}): nothing of it is left."
        ) from error
    return backup


def _copy_database(home: Home, copy: Path) -> None:
    """The database at one moment: readers and writers are not held up."""
    with (
        explained(home.database),
        closing(sqlite3.connect(home.database, timeout=BUSY_SECONDS)) as database,
        closing(sqlite3.connect(copy)) as target,
    ):
        database.backup(target)
        target.execute("PRAGMA journal_mode = DELETE")  # one file, no log beside it
        check_database(target, home.database)


def _write_archive(home: Home, copy: Path, file: IO[bytes], progress: Progress) -> Backup:
    with closing(sqlite3.connect(copy)) as database:
        images = [name for (name,) in database.execute("SELECT sha256 FROM stimuli ORDER BY 1")]
        (judgements,) = database.execute("SELECT count(*) FROM judgements").fetchone()
    files: dict[str, str] = {}
    with tarfile.open(fileobj=file, mode="w", format=tarfile.PAX_FORMAT) as archive:
        files[DATABASE] = _add_file(archive, copy, DATABASE)
        for count, name in enumerate(images, start=1):
            files[_image_name(name)] = _add_image(archive, home, name)
            progress(f"Image {count} of {len(images)}")
        for folder in FOLDERS:
            for path in sorted((home.root / folder).rglob("*")):
                if path.is_file() and not path.name.startswith("."):
                    name = path.relative_to(home.root).as_posix()
                    files[name] = _add_file(archive, path, name)
        said = {
            "format": FORMAT,
            "created_at": now(),
            "code_version": code_version(),
            "images": len(images),
            "judgements": judgements,
            "bytes": file.tell(),
        }
        content = json.dumps(said | {"files": files}, indent=1).encode()
        _add(archive, MANIFEST, len(content), BytesIO(content))
    return Backup.of(said)


def _add_image(archive: tarfile.TarFile, home: Home, sha256: str) -> str:
    path = image_file(home, sha256)
    if not path.is_file():
        raise ImageError(f"The image {path} is missing; restore it from an earlier backup.")
    if (found := _add_file(archive, path, _image_name(sha256))) != sha256:
        raise ImageError(f"The image {path} is damaged; restore it from an earlier backup.")
    return found


def _image_name(sha256: str) -> str:
    return f"images/{sha256[:2]}/{sha256}.png"


def _add_file(archive: tarfile.TarFile, path: Path, name: str) -> str:
    with path.open("rb") as file:
        return _add(archive, name, os.fstat(file.fileno()).st_size, file)


def _add(archive: tarfile.TarFile, name: str, size: int, content: IO[bytes]) -> str:
    """Adds one file; the SHA-256 of what was added."""
    entry = tarfile.TarInfo(name)
    entry.size, entry.mode = size, 0o600
    reader = _Hashing(content)
    archive.addfile(entry, reader)  # type: ignore[arg-type]
    return reader.sha256.hexdigest()


class _Hashing:
    """A file that notes the SHA-256 of what is read from it."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self.sha256 = hashlib.sha256()

    def read(self, size: int = -1) -> bytes:
        content = self._file.read(size)
        self.sha256.update(content)
        return content


def check_database(database: sqlite3.Connection, path: Path) -> None:
    """Raises DatabaseError where SQLite's own checks find anything."""
    sound = database.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    if not sound or database.execute("PRAGMA foreign_key_check").fetchall():
        raise DatabaseError(f"The database {path} is damaged; restore it from an earlier backup.")
