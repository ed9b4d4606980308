"""Stimuli as lossless PNG files, named by the hash of their content."""

from __future__ import annotations

import hashlib
import io
import os
import re
from contextlib import suppress
from pathlib import Path

import numpy as np
from PIL import Image

from data.durable import write_durably
from data.home import Home

SHA256 = re.compile(r"[0-9a-f]{64}")


class ImageError(RuntimeError):
    """A stored image is missing or damaged; the message is one sentence for the user."""


def store_image(home: Home, pixels: np.ndarray) -> str:
    """Stores an image and returns the SHA-256 of its PNG file, which is its name.

    `pixels` is uint8 of shape (H, W, C) with C = 1 (grey, a one-channel PNG) or C = 3 (RGB).
    When this returns the file is on the disk. The file has no metadata: no text, no time. An
    image that is there already is left alone, and a damaged one is replaced.

    Raises ValueError for another shape or type.
    """
    content = encode(pixels)
    sha256 = hashlib.sha256(content).hexdigest()
    store_file(home, sha256, content)
    return sha256


def store_file(home: Home, sha256: str, content: bytes) -> None:
    """Stores the bytes of a PNG file under their SHA-256, as `store_image` does.

    A file that is there already is marked as used now: cleaning leaves young files alone, lest one
    go between this and the row that will name it.
    """
    path = image_file(home, sha256)
    try:
        with suppress(PermissionError):  # of somebody else's file
            os.utime(path)
        intact = path.read_bytes() == content
    except FileNotFoundError:
        intact = False
    if not intact:
        write_durably(path, content)


def read_image(home: Home, sha256: str) -> np.ndarray:
    """The pixels of a stored image: uint8 (H, W, C), C = 1 or 3, exactly as they were stored.

    Raises ImageError when the file is missing, or differs from what was stored in any bit.
    """
    path = image_file(home, sha256)
    try:
        content = path.read_bytes()
    except FileNotFoundError as error:
        raise ImageError(
            f"The image {path} is missing; restore it from a backup of the home folder."
        ) from error
    if hashlib.sha256(content).hexdigest() != sha256:
        raise ImageError(
            f"The image {path} is damaged (its SHA-256 differs from its name); "
            "restore it from a backup of the home folder."
        )
    return decode(content)


def image_file(home: Home, sha256: str) -> Path:
    """Where the image of this name lies: images/ab/abcdef….png."""
    if not SHA256.fullmatch(sha256):
        raise ValueError(f"{sha256!r} is not a SHA-256: 64 lower-case hexadecimal digits.")
    return home.images / sha256[:2] / f"{sha256}.png"


def encode(pixels: np.ndarray) -> bytes:
    """PNG bytes of a uint8 (H, W, C) image, C = 1 or 3, without metadata."""
    if pixels.dtype != np.uint8 or pixels.ndim != 3 or pixels.shape[2] not in (1, 3):
        raise ValueError(
            "An image is a uint8 array of shape (height, width, 1 or 3), "
            f"not {pixels.dtype} of shape {pixels.shape}."
        )
    channels = pixels.shape[2]
    image = Image.fromarray(np.ascontiguousarray(pixels[:, :, 0] if channels == 1 else pixels))
    file = io.BytesIO()
    image.save(file, "PNG", compress_level=6)
    return file.getvalue()


def decode(content: bytes) -> np.ndarray:
    """The uint8 (H, W, C) pixels of `encode`'s PNG bytes."""
    with Image.open(io.BytesIO(content)) as image:
        pixels = np.asarray(image)
    return pixels[:, :, np.newaxis] if pixels.ndim == 2 else pixels
