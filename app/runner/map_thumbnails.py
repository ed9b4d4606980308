"""Small pictures from all over a map's space, as one sheet: what hovering shows.

They are a cache: drawn once after the scores, and a map without them is shown without them.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from io import BytesIO
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from data.home import Home

if TYPE_CHECKING:
    from engine.spaces.space import Space

#: Thumbnails along an axis, of a map with one and with two axes; the side of each in pixels.
ALONG = {1: 24, 2: 16}
SIDE = 56


@dataclass(frozen=True)
class Thumbnails:
    """A PNG sheet: `counts` (columns, rows) of squares of `side` pixels.

    Column i shows the i-th of evenly spaced values of the first axis, ends included, row j those
    of the second.
    """

    png: bytes
    counts: tuple[int, int]
    side: int


def write_thumbnails(home: Home, map_id: str, space: Space) -> None:
    """Draw the sheet of a space, and keep it for the map."""
    axes = len(space.axes)
    grids = [np.linspace(axis.lower, axis.upper, ALONG[axes]) for axis in space.axes]
    points = np.stack(np.meshgrid(*grids, indexing="ij"), -1).reshape(-1, axes)
    pixels = space.pixels(points)
    columns, rows = ALONG[axes], ALONG[axes] if axes == 2 else 1
    side = min(SIDE, pixels.shape[1])
    sheet = Image.new("RGB", (columns * side, rows * side))
    for number, one in enumerate(pixels):
        picture = Image.fromarray(one[:, :, 0] if one.shape[2] == 1 else one).convert("RGB")
        place = (number // rows * side, number % rows * side)
        sheet.paste(picture.resize((side, side), Image.Resampling.BOX), place)
    file = BytesIO()
    sheet.save(file, "PNG")
    folder = home.caches / "map-thumbnails"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{map_id}.json").write_text(json.dumps({"counts": [columns, rows], "side": side}))
    (folder / f"{map_id}.png").write_bytes(file.getvalue())


def read_thumbnails(home: Home, map_id: str) -> Thumbnails | None:
    """The sheet, or None where there is none."""
    folder = home.caches / "map-thumbnails"
    try:
        facts = json.loads((folder / f"{map_id}.json").read_text())
        png = (folder / f"{map_id}.png").read_bytes()
    except (FileNotFoundError, ValueError):
        return None
    return Thumbnails(png, (facts["counts"][0], facts["counts"][1]), facts["side"])
