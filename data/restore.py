"""Putting a backup in a home's place, once all of it is known to be right."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import sqlite3
import tarfile
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path, PurePosixPath
from typing import IO

from data.backup import (
    DATABASE,
    FOLDERS,
    FORMAT,
    MANIFEST,
    Backup,
    BackupError,
    Progress,
    check_database,
)
from data.database import open_database
from data.durable import sync_folder
from data.home import Home
from data.images import SHA256, image_file
from data.stamps import now

#: Folders that a restored home takes over from the one that it replaces.
TAKEN_OVER = ("weights", "caches")
#: SQLite's words for: somebody else has it.
IN_USE = (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)
_CHUNK = 2**20


def restore_backup(
    source: Path, home: Home, *, force: bool = False, progress: Progress = lambda _: None
) -> tuple[Backup, Path | None]:
    """Make the home what the backup holds; returns that, and where the replaced home is kept.

    Everything is unpacked beside the home and checked first: each file against the manifest, the
    database with SQLite's own checks, its images against the database. Only then does the home
    that is there (with `force`) go aside, under a new name; nothing of it is deleted. Downloaded
    weights and caches go over to the new one.

    Raises BackupError, and the home is as it was, for a file that is no whole backup, for a home
    that is there where `force` is not given, and while a server or worker has that home open.
    """
    occupied = home.root.exists() and any(home.root.iterdir())
    if occupied and not force:
        raise BackupError(
            f"There is a home in {home.root} already: add --force to put it aside, or name another"
            " folder with --home."
        )
    try:
        home.root.parent.mkdir(parents=True, exist_ok=True)
        staged = Path(
            tempfile.mkdtemp(prefix=f".{home.root.name}-restoring-", dir=home.root.parent)
        )
        try:
            backup = _unpack(source, staged, progress)
            _check(Home(staged))
            return backup, _put_in_place(staged, home, occupied)
        except BaseException:
            shutil.rmtree(staged, ignore_errors=True)
            raise
    except (OSError, tarfile.TarError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise BackupError(
            f"{source} could not be restored ({reason}): nothing was changed."
        ) from error


def _unpack(source: Path, folder: Path, progress: Progress) -> Backup:
    """Unpack into an empty folder, and compare every file with the manifest."""
    found: dict[str, str] = {}
    manifest: tuple[Backup, dict[str, str]] | None = None
    try:
        archive = tarfile.open(source)  # noqa: SIM115
    except tarfile.TarError as error:
        raise BackupError(f"{source} is no backup of Plainview: {error}.") from error
    with archive:
        for count, entry in enumerate(archive, start=1):
            content = archive.extractfile(entry) if entry.isfile() else None
            if content is None or not _ours(entry.name) or entry.name in found:
                raise BackupError(f"{source} is no backup of Plainview: it has “{entry.name}”.")
            if entry.name == MANIFEST:
                manifest = _read_manifest(source, content.read())
                break
            found[entry.name] = sha256 = _write(folder / entry.name, content)
            if entry.name.startswith("images/") and sha256 != PurePosixPath(entry.name).stem:
                raise BackupError(f"{source} is damaged: {entry.name} is not the image it was.")
            progress(f"File {count}")
    if manifest is None:
        raise BackupError(f"{source} is not whole: its end is missing.")
    backup, files = manifest
    if wrong := sorted(set(found.items()) ^ set(files.items())):
        raise BackupError(f"{source} is damaged: “{wrong[0][0]}” differs from what was backed up.")
    return backup


def _ours(name: str) -> bool:
    """Whether a backup has files of such names, which lie where they seem to."""
    path = PurePosixPath(name)
    if path.is_absolute() or ".." in path.parts or path.as_posix() != name:
        return False
    if path.parts[0] == "images":
        return len(path.parts) == 3 and bool(SHA256.fullmatch(path.stem)) and path.suffix == ".png"
    return name in (MANIFEST, DATABASE) or (path.parts[0] in FOLDERS and len(path.parts) > 1)


def _read_manifest(source: Path, content: bytes) -> tuple[Backup, dict[str, str]]:
    """What the backup says of itself, and the SHA-256 of each of its files."""
    try:
        manifest = json.loads(content)
        if manifest["format"] != FORMAT:
            raise ValueError("its format")
        files = {name: str(sha256) for name, sha256 in manifest["files"].items()}
        return Backup.of(manifest), files
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise BackupError(
            f"{source} is no backup that this version of Plainview can read."
        ) from error


def _write(path: Path, content: IO[bytes]) -> str:
    path.parent.mkdir(parents=True, exist_ok=True)
    sha256 = hashlib.sha256()
    with path.open("xb") as file:
        os.fchmod(file.fileno(), 0o600 if path.parent.name == "keys" else 0o644)
        while chunk := content.read(_CHUNK):
            sha256.update(chunk)
            file.write(chunk)
        file.flush()
        os.fsync(file.fileno())
    return sha256.hexdigest()


def _check(home: Home) -> None:
    """The database is sound and of no newer version, and every image that it names is there."""
    with closing(open_database(home)) as database:  # brings an older one up to date
        check_database(database.conn, home.database)
        for (sha256,) in database.execute("SELECT sha256 FROM stimuli"):
            if not image_file(home, sha256).is_file():
                raise BackupError(f"The backup is not whole: the image {sha256} is missing.")
        database.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def _put_in_place(staged: Path, home: Home, occupied: bool) -> Path | None:
    """Two renames: the present home aside, and the checked one where it was."""
    for folder in sorted({path.parent for path in staged.rglob("*")} | {staged}):
        sync_folder(folder)
    staged.chmod(home.root.stat().st_mode & 0o777 if home.root.exists() else 0o755)
    if not occupied:
        if home.root.exists():
            home.root.rmdir()
        os.rename(staged, home.root)
        sync_folder(home.root.parent)
        return None
    aside = _free_name(home.root)
    with _unused(home):
        os.rename(home.root, aside)
        try:
            os.rename(staged, home.root)
        except OSError:
            os.rename(aside, home.root)
            raise
    sync_folder(home.root.parent)
    for name in TAKEN_OVER:
        if (aside / name).is_dir():
            os.rename(aside / name, home.root / name)
    return aside


def _free_name(root: Path) -> Path:
    stamp = now()[:19].replace("-", "").replace(":", "")
    return root.with_name(f"{root.name}-before-{stamp}")


@contextmanager
def _unused(home: Home) -> Iterator[None]:
    """While nobody else has the database open: leaving the write-ahead log takes being alone."""
    if not home.database.exists():
        yield
        return
    with closing(sqlite3.connect(home.database, timeout=1, isolation_level=None)) as database:
        try:
            database.execute("PRAGMA journal_mode = DELETE")
            database.execute("BEGIN EXCLUSIVE")
        except sqlite3.DatabaseError as error:
            # Any other is the reason why one restores.
            if error.sqlite_errorcode & 0xFF in IN_USE:
                raise BackupError(
                    f"{home.root} is in use: end Plainview there (Ctrl-C where `serve` or `worker`"
                    " runs), and try again."
                ) from error
        yield
