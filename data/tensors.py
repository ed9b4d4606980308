"""Perturbation tensors: optional, fp16, compressed, under a quota. A cache, never the record."""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Iterable, Mapping
from pathlib import Path

import numpy as np
import safetensors.numpy
from sqlite_utils import Database

from data.database import immediate, insert_once
from data.durable import write_durably
from data.home import Home
from data.stamps import now

#: Bytes that the compressed tensors of a home may take together.
QUOTA = 4 * 2**30


def store_perturbation(
    database: Database, home: Home, arrays: Mapping[str, np.ndarray], *, quota: int = QUOTA
) -> str | None:
    """Stores a perturbation (float16 arrays by point name) and returns its id.

    Where all tensors together, compressed, would exceed the quota (bytes), those unpinned ones go
    first that have not been stored or read for longest. None, and nothing stored or dropped, when
    even that would not make room. Call it outside a transaction, as `add_stimulus`.

    Raises ValueError for another type than float16.
    """
    content = encode(arrays)
    perturbation_id = hashlib.sha256(content).hexdigest()
    # Before the file, since what cannot fit need not be written, and again with the row.
    if _to_drop(database, perturbation_id, len(content), quota) is None:
        return None
    path = _file(home, perturbation_id)
    write_durably(path, content)
    with immediate(database):
        dropped = _to_drop(database, perturbation_id, len(content), quota)
        if dropped is not None:
            _forget(database, dropped)
            values = {"id": perturbation_id, "bytes": len(content)}
            insert_once(database, "perturbations", values | {"created_at": now(), "used_at": now()})
            _touch(database, perturbation_id)
    if dropped is None:
        path.unlink(missing_ok=True)
        return None
    for old in dropped:
        _file(home, old).unlink(missing_ok=True)
    return perturbation_id


def read_perturbation(
    database: Database, home: Home, perturbation_id: str | None
) -> dict[str, np.ndarray] | None:
    """The float16 arrays by point name; None when they are gone: recompute the trial.

    Gone are those never kept (id None), dropped by the quota, and those whose file is missing or
    damaged. Reading one makes it the last to be dropped.
    """
    if perturbation_id is None:
        return None
    try:
        content = _file(home, perturbation_id).read_bytes()
    except FileNotFoundError:
        content = b""
    intact = hashlib.sha256(content).hexdigest() == perturbation_id
    with immediate(database):
        if not intact:
            _forget(database, [perturbation_id])
            return None
        _touch(database, perturbation_id)
    return decode(content)


def pin(database: Database, perturbation_id: str, pinned: bool = True) -> bool:
    """Keeps a perturbation whatever the quota, or no longer; False when it is gone already."""
    with immediate(database):
        changed = database.execute(
            "UPDATE perturbations SET pinned = ? WHERE id = ?", [int(pinned), perturbation_id]
        )
    return changed.rowcount == 1


def encode(arrays: Mapping[str, np.ndarray]) -> bytes:
    """Compressed bytes of float16 arrays: zlib over safetensors of their byte planes.

    Perturbations are noise to zlib's search for repetitions, so it only codes by frequency: three
    times as fast, and smaller. Signs and exponents, in a plane of their own, are what compresses.
    """
    planes = {}
    for name, array in arrays.items():
        if array.dtype != np.float16:
            raise ValueError(f"A perturbation is float16; the one of {name} is {array.dtype}.")
        octets = np.asarray(array, order="C")[..., np.newaxis].view(np.uint8)
        planes[name] = np.ascontiguousarray(np.moveaxis(octets, -1, 0))
    coder = zlib.compressobj(level=1, strategy=zlib.Z_HUFFMAN_ONLY)
    return coder.compress(safetensors.numpy.save(planes)) + coder.flush()


def decode(content: bytes) -> dict[str, np.ndarray]:
    """The float16 arrays of `encode`'s bytes."""
    planes = safetensors.numpy.load(zlib.decompress(content))
    return {
        name: np.ascontiguousarray(np.moveaxis(array, 0, -1)).view(np.float16)[..., 0]
        for name, array in planes.items()
    }


def _to_drop(database: Database, perturbation_id: str, size: int, quota: int) -> list[str] | None:
    """Which perturbations make room for this one of `size` bytes; None when all are too few."""
    (excess,) = database.execute(
        "SELECT coalesce(sum(bytes), 0) + ? - ? FROM perturbations WHERE id <> ?",
        [size, quota, perturbation_id],
    ).fetchone()
    unpinned = database.execute(
        "SELECT id, bytes FROM perturbations WHERE id <> ? AND NOT pinned ORDER BY used_at, rowid",
        [perturbation_id],
    )
    dropped = []
    for old, freed in unpinned:
        if excess <= 0:
            break
        dropped.append(old)
        excess -= freed
    return dropped if excess <= 0 else None


def _forget(database: Database, perturbation_ids: Iterable[str]) -> None:
    for perturbation_id in perturbation_ids:
        database.execute("DELETE FROM perturbations WHERE id = ?", [perturbation_id])


def _touch(database: Database, perturbation_id: str) -> None:
    database.execute("UPDATE perturbations SET used_at = ? WHERE id = ?", [now(), perturbation_id])


def _file(home: Home, perturbation_id: str) -> Path:
    return home.tensors / perturbation_id[:2] / f"{perturbation_id}.safetensors.zlib"
