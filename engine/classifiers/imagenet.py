"""What ImageNet classifiers share: the 1000 labels and the usual normalisation."""

from __future__ import annotations

from engine.entries import Labels
from engine.imagenet_labels import imagenet_labels

IMAGENET = Labels(
    names=tuple(label.name for label in imagenet_labels()),
    phrases=tuple(label.phrase for label in imagenet_labels()),
    glosses={i: label.gloss for i, label in enumerate(imagenet_labels()) if label.gloss},
    searches={
        i: label.search for i, label in enumerate(imagenet_labels()) if label.search != label.name
    },
)

MEAN = (0.485, 0.456, 0.406)
STD = (0.229, 0.224, 0.225)
