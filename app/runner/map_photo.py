"""Whether a file can be the photo that a map is of. No torch, no Streamlit."""

from __future__ import annotations

from io import BytesIO

from PIL import Image, UnidentifiedImageError

#: As Pillow's own bound against decompression bombs: more is no photo.
MOST_PIXELS = 89_000_000


def photo_problem(name: str, content: bytes) -> str | None:
    """Why the file cannot be used, in a sentence; None where it can."""
    try:
        with Image.open(BytesIO(content)) as photo:
            if photo.width * photo.height > MOST_PIXELS:
                return (
                    f"{name} has more than {MOST_PIXELS // 10**6} million pixels: make it smaller."
                )
            photo.load()
    except (UnidentifiedImageError, OSError, SyntaxError, Image.DecompressionBombError):
        return f"{name} cannot be read as a picture: PNG and JPEG files that are whole can."
    return None
