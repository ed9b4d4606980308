"""What can be downloaded of a search: the two pictures, a GIF of its course, and JSON."""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from io import BytesIO
from typing import Any
from zipfile import ZIP_STORED, ZipFile

from PIL import Image

from app.runner.live import After, Frame, Live
from data.images import decode

FRAME_MS = 80
LAST_FRAME_MS = 1600
#: A GIF's frames are magnified by a whole factor until they are about this wide.
GIF_WIDTH = 280


def picture_pair(live: Live) -> bytes:
    """A ZIP archive of source.png and perturbed.png, byte for byte as they were tested."""
    archive = BytesIO()
    with ZipFile(archive, "w", ZIP_STORED) as files:
        for name, picture in (("source.png", live.source), ("perturbed.png", live.image)):
            if picture is not None:
                files.writestr(name, picture)
    return archive.getvalue()


def run_as_gif(frames: Sequence[Frame]) -> bytes:
    """The filmstrip as an animated GIF that repeats for ever, its last picture held."""
    pictures = [_magnified(frame.image) for frame in frames]
    file = BytesIO()
    pictures[0].save(
        file,
        "GIF",
        save_all=True,
        append_images=pictures[1:],
        duration=[FRAME_MS] * (len(pictures) - 1) + [LAST_FRAME_MS],
        loop=0,
        disposal=1,
    )
    return file.getvalue()


def run_as_json(
    definition: Mapping[str, Any], live: Live, after: After, extra: Mapping[str, Any]
) -> str:
    """Definition, figures, history and sweep; pictures as base64 PNG."""
    record = {
        **extra,
        "definition": definition,
        "search": asdict(live),
        "strengths": [asdict(strength) for strength in after.strengths],
    }
    return json.dumps(record, indent=1, default=lambda png: b64encode(png).decode("ascii"))


def _magnified(png: bytes) -> Image.Image:
    pixels = decode(png)
    image = Image.fromarray(pixels[:, :, 0] if pixels.shape[2] == 1 else pixels)
    factor = max(1, GIF_WIDTH // image.width)
    return image.resize((image.width * factor, image.height * factor), Image.Resampling.NEAREST)
