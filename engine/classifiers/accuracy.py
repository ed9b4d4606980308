"""How often a loaded classifier is right on a folder of labelled photos."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch
from PIL import Image

from engine.catalogue import Labels, LoadedClassifier
from engine.classifiers.photos import Framing, LabelledPhoto, labelled_photos, open_photo
from engine.imagenet_labels import imagenet_labels

TOP = 5


@dataclass(frozen=True)
class Prediction:
    """One photo: the index of its class, and the classifier's first five, the likeliest first."""

    file: Path
    label: int
    top: tuple[int, ...]


@dataclass(frozen=True)
class Accuracy:
    """What was predicted for every photo."""

    predictions: tuple[Prediction, ...]

    @property
    def top1(self) -> float:
        """Share of the photos whose class came first."""
        return self._share(1)

    @property
    def top5(self) -> float:
        """Share of the photos whose class was among the first five."""
        return self._share(TOP)

    def _share(self, places: int) -> float:
        right = sum(prediction.label in prediction.top[:places] for prediction in self.predictions)
        return right / len(self.predictions)


def accuracy(
    classifier: LoadedClassifier,
    folder: Path,
    labels: Labels | None = None,
    *,
    framing: Framing | None = None,
    batch: int = 32,
    on_progress: Callable[[int, int], None] = lambda done, total: None,
) -> Accuracy:
    """Top-1 and top-5 on the photos of `folder`: `<class>_….JPEG`, or a folder a class.

    A class is named as in `labels` (the entry's by default), by index, or for ImageNet by WordNet
    identifier. `framing` is the entry's by default. Raises PhotoError.
    """
    entry = classifier.entry
    framing = framing or default_framing(classifier)
    device = next(classifier.module.parameters()).device
    photos = labelled_photos(folder, class_names(labels or entry.labels))
    predictions: list[Prediction] = []
    for start in range(0, len(photos), batch):
        chunk = photos[start : start + batch]
        pixels = torch.stack([framing(_open(photo, classifier)) for photo in chunk])
        with torch.no_grad():
            logits = classifier.module(pixels.to(device).float() / 255)
        tops = logits.topk(min(TOP, logits.shape[1])).indices.tolist()
        predictions += [
            Prediction(photo.file, photo.label, tuple(top))
            for photo, top in zip(chunk, tops, strict=True)
        ]
        on_progress(len(predictions), len(photos))
    return Accuracy(tuple(predictions))


def default_framing(classifier: LoadedClassifier) -> Framing:
    """The entry's own, or the usual one: resized to 8/7 of the network's size, central crop."""
    entry = classifier.entry
    if entry.framing is not None:
        return entry.framing
    size = entry.size or entry.image_shape[-1]
    return Framing(crop=size, resize=round(size / 0.875) if entry.size else size)


def class_names(labels: Labels) -> dict[str, int]:
    """Everything that may name a class in a folder of photos, with the class's index."""
    names = {name: index for index, name in enumerate(labels.names)}
    imagenet = imagenet_labels()
    if labels.names == tuple(label.name for label in imagenet):
        names = {label.wnid: index for index, label in enumerate(imagenet)} | names
    return names | {str(index): index for index in range(len(labels.names))}


def _open(photo: LabelledPhoto, classifier: LoadedClassifier) -> Image.Image:
    return open_photo(photo.file, channels=classifier.entry.image_shape[0])
