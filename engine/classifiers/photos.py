"""Photos with known labels, and the square of each that a published accuracy is measured on.

A search never does this: a classifier sees the whole generated image, as people do.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from PIL import Image, UnidentifiedImageError
from torch import Tensor

WORDNET = re.compile(r"n\d{8}")
SUFFIXES = {".jpeg", ".jpg", ".png", ".webp", ".bmp"}


class PhotoError(ValueError):
    """A photo or its label cannot be read; the message is one sentence for the user."""


@dataclass(frozen=True)
class Framing:
    """How the square is cut: the shorter side is resized to `resize`, then the centre is kept.

    Without `resize` the photo is only cut; with `squash` both sides become `resize`. In pixels.
    """

    crop: int
    resize: int | None = None
    interpolation: str = "bilinear"
    squash: bool = False

    def __call__(self, photo: Image.Image) -> Tensor:
        """The square as uint8 (C, crop, crop), resized as PIL does (antialiased, 8 bits)."""
        # Here: a second to import, needless for digits.
        from torchvision.transforms import InterpolationMode
        from torchvision.transforms.functional import center_crop, pil_to_tensor, resize

        if self.resize is not None:
            size = [self.resize] * (2 if self.squash else 1)
            photo = resize(photo, size, InterpolationMode(self.interpolation))
        return pil_to_tensor(center_crop(photo, [self.crop, self.crop]))


@dataclass(frozen=True)
class LabelledPhoto:
    """A file and the index of the class it shows."""

    file: Path
    label: int


def labelled_photos(folder: Path, classes: Mapping[str, int]) -> list[LabelledPhoto]:
    """The photos in `folder`: files `<class>_….JPEG`, or a folder a class, sorted by path.

    `classes` maps what may stand for a class (WordNet identifier, name, index) to its index; an
    underscore stands for a space. Raises PhotoError for a photo whose class is not among them.
    """
    files = sorted(file for file in folder.rglob("*") if file.suffix.lower() in SUFFIXES)
    if not files:
        raise PhotoError(f"There are no photos in {folder} ({', '.join(sorted(SUFFIXES))}).")
    photos, unknown = [], []
    for file in files:
        names = _names(file, folder)
        label = next((classes[name] for name in names if name in classes), None)
        if label is None:
            unknown.append(str(file.relative_to(folder)))
        else:
            photos.append(LabelledPhoto(file, label))
    if unknown:
        raise PhotoError(
            f"The class of {len(unknown)} photos is not known, {unknown[0]} for one: name files"
            f" <class>_….jpg, or folders by class, such as “{next(iter(classes))}”."
        )
    return photos


def _names(file: Path, folder: Path) -> Iterator[str]:
    """What may name the file's class, the surest first: its folders, or how its name begins."""
    inside = file.relative_to(folder).parts[:-1]
    for name in reversed(inside):
        yield name
        yield name.replace("_", " ")
    if not inside:
        words = file.stem.split("_")
        if len(words) == 1 and file.stem.isdigit():
            return  # a number alone counts files, not classes
        for count in range(len(words), 0, -1):
            yield " ".join(words[:count])
            yield "_".join(words[:count])
        if WORDNET.fullmatch(words[0]):  # of a class that the classifier knows by name only
            yield " ".join(words[1:])


def open_photo(file: Path, channels: int) -> Image.Image:
    """The photo in colour (3 channels) or grey (1)."""
    try:
        return Image.open(file).convert("L" if channels == 1 else "RGB")
    except (OSError, UnidentifiedImageError) as error:
        raise PhotoError(f"{file} is not an image that can be opened.") from error
