"""Checksums of large files, remembered with the files' size and time: hashing takes seconds."""

from __future__ import annotations

import json
import os
from pathlib import Path

from engine.downloads import checksum

MEMORY = "checksums.json"


def remembered_checksum(file: Path, caches: Path) -> str:
    """The file's SHA-256; hashed anew when its size or time of change is another than it was."""
    memory = caches / MEMORY
    try:
        known = json.loads(memory.read_text())
    except (FileNotFoundError, ValueError):
        known = {}
    there = file.stat()
    state = [there.st_size, there.st_mtime_ns]
    match known.get(str(file)):
        case [size, changed, str() as found] if [size, changed] == state:
            return found
    found = checksum(file)
    partial = memory.with_suffix(f".{os.getpid()}.partial")
    partial.write_text(json.dumps({**known, str(file): [*state, found]}))
    partial.replace(memory)
    return found
