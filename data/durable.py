"""Writing a file so that it is either whole and on the disk, or not there."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path


class DiskError(RuntimeError):
    """A file could not be written; the message is one sentence for the user."""


def write_durably(path: Path, content: bytes) -> None:
    """Writes `content` to `path`: temporary name, fsync, rename, fsync of the folder.

    When this returns the file survives a crash or a power cut; a crash before leaves at most a
    temporary file, whose name begins with a dot. Raises DiskError, on a full disk for example.
    """
    try:
        _write(path, content)
    except OSError as error:
        raise DiskError(
            f"The file {path} could not be written ({error.strerror}); "
            "free some space or make its folder writable, and try again."
        ) from error


def _write(path: Path, content: bytes) -> None:
    folder = path.parent
    if not folder.is_dir():
        folder.mkdir(parents=True, exist_ok=True)
        sync_folder(folder.parent)
    descriptor, temporary = tempfile.mkstemp(prefix=".", suffix=".part", dir=folder)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fchmod(file.fileno(), 0o644)
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
    sync_folder(folder)


def sync_folder(folder: Path) -> None:
    """Have the disk keep the names in a folder as they are now."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
