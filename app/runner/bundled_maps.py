"""Whether a map that comes with a replication bundle is one. No torch."""

from __future__ import annotations

import zipfile
from collections.abc import Mapping
from io import BytesIO
from typing import Any

from engine.maps import MapDescription, from_bytes

#: Unpacked. The finest map of ten classifiers has 4 MB; a few bytes can unpack to gigabytes.
MOST_BYTES = 2**27


def check_map(record: Mapping[str, Any], scores: bytes) -> None:
    """Raises ValueError where the scores cannot be read, or are of another map than is said."""
    try:
        with zipfile.ZipFile(BytesIO(scores)) as archive:
            unpacked = sum(info.file_size for info in archive.infolist())
    except zipfile.BadZipFile as error:
        raise ValueError("its scores are no archive") from error
    if unpacked > MOST_BYTES:
        raise ValueError(f"its scores would unpack to {unpacked // 2**20} MiB")
    found = from_bytes(scores)
    # As descriptions: a record may be older than some of their fields.
    if found.description != MapDescription.from_json(dict(record["description"])):
        raise ValueError("its description is not that of its scores")
    if found.measured.size != record["points"] or int(found.measured.sum()) != record["measured"]:
        raise ValueError("its number of points")
