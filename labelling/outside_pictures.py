"""A picture made elsewhere, as it can be judged: the right way up, opaque, 8 bits a channel."""

from __future__ import annotations

import struct
import zlib
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps

from labelling.options import StudyError

LARGEST_SIDE = 2048
#: Pillow's names of what 8 bits a channel, or fewer, hold.
_EIGHT_BITS = ("1", "L", "LA", "P", "PA", "RGB", "RGBA", "CMYK", "YCbCr", "LAB", "HSV")
#: What Pillow meets in a damaged file, by its format.
_BROKEN = (
    *(OSError, EOFError, ValueError, TypeError, LookupError, OverflowError, SyntaxError),
    *(struct.error, zlib.error, Image.DecompressionBombError),
)


def read_picture(file: Path) -> np.ndarray:
    """The file's pixels the right way up, uint8 (H, W, 1 or 3).

    Raises StudyError, also for what 8-bit grey or RGB cannot show as it is: deeper pixels, which
    would be cut off at white, and transparent ones, which would get a colour that nobody chose.
    """
    try:
        with Image.open(file) as image:
            if max(image.size) > LARGEST_SIDE:
                raise StudyError(
                    f"The image {file.name} is {image.width} × {image.height}: at most "
                    f"{LARGEST_SIDE} pixels a side."
                )
            if image.mode not in _EIGHT_BITS:
                raise StudyError(
                    f"The image {file.name} has pixels of kind {image.mode}: save it as grey or"
                    " RGB with 8 bits a channel."
                )
            if image.has_transparency_data and image.convert("RGBA").getextrema()[3][0] < 255:
                raise StudyError(
                    f"The image {file.name} has transparent pixels: put it on a background."
                )
            turned = ImageOps.exif_transpose(image)
            pixels = np.asarray(turned.convert("L" if image.mode in ("1", "L") else "RGB"))
    except StudyError:
        raise
    except _BROKEN as error:
        raise StudyError(f"The image {file.name} cannot be read: {error}.") from error
    return pixels[:, :, np.newaxis] if pixels.ndim == 2 else pixels
