"""Stored pictures as a gallery shows them: small ones enlarged sharply, large ones reduced."""

from __future__ import annotations

import io
from base64 import b64encode
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache

import numpy as np
from PIL import Image

from data.home import Home
from data.images import decode, image_file

#: Pixels a side, as near as a whole factor comes from below, or at most, reduced.
SIDE = 140
_KEPT = 2000
#: A source is met once a condition, and each picture again for its difference; 40 MB at 512 pixels.
_DECODED = 48
_AT_ONCE = 4


def picture(home: Home, sha256: str | None) -> str | None:
    """A stimulus as a data: address; None where there is none, or its file is missing."""
    return _picture(home, sha256) if sha256 else None


def prepare(home: Home, pairs: Iterable[tuple[str | None, str | None]], gain: int) -> None:
    """Make the pictures and differences of a page, (source, perturbed) each, side by side.

    Files are decoded and reduced outside Python's lock, so four cores take a third of the time of
    one; `picture` and `difference` have them at hand then.
    """
    made = [(one, other) for one, other in pairs if one]
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        names = dict.fromkeys(name for pair in made for name in pair)
        list(pool.map(lambda name: picture(home, name), names))
        list(pool.map(lambda pair: difference(home, *pair, gain), made))


def difference(home: Home, source: str | None, perturbed: str | None, gain: int) -> str | None:
    """Perturbed − source around middle grey, so many times amplified, as a data: address."""
    return _difference(home, source, perturbed, gain) if source and perturbed else None


@lru_cache(maxsize=_KEPT)
def _picture(home: Home, sha256: str) -> str | None:
    pixels = _pixels(home, sha256)
    return None if pixels is None else _address(pixels)


@lru_cache(maxsize=_KEPT)
def _difference(home: Home, source: str, perturbed: str, gain: int) -> str | None:
    one, other = _pixels(home, source), _pixels(home, perturbed)
    if one is None or other is None or one.shape != other.shape:
        return None
    change = other.astype(np.int16) - one.astype(np.int16)
    return _address(np.clip(128 + gain * change // 2, 0, 255).astype(np.uint8))


@lru_cache(maxsize=_DECODED)
def _pixels(home: Home, sha256: str) -> np.ndarray | None:
    try:
        return decode(image_file(home, sha256).read_bytes())
    except OSError:  # missing, or no picture any more
        return None


def _address(pixels: np.ndarray) -> str:
    image = Image.fromarray(pixels[:, :, 0] if pixels.shape[2] == 1 else pixels)
    largest = max(image.size)
    if largest > SIDE:
        image.thumbnail((SIDE, SIDE), Image.Resampling.LANCZOS)
    else:  # a chart smooths what it enlarges: let there be nothing left to enlarge
        factor = max(SIDE // largest, 1)
        image = image.resize([factor * side for side in image.size], Image.Resampling.NEAREST)
    file = io.BytesIO()
    image.save(file, "PNG")
    return "data:image/png;base64," + b64encode(file.getvalue()).decode("ascii")
