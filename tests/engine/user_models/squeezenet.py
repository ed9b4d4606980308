"""SqueezeNet 1.1 for ImageNet in half precision, as a user adds it."""

from __future__ import annotations

from torchvision.models import squeezenet1_1

from engine.catalogue import ClassifierEntry, Provenance, Weights
from engine.classifiers.imagenet import IMAGENET, MEAN, STD

ENTRIES = [
    ClassifierEntry(
        name="squeezenet",
        title="SqueezeNet 1.1",
        build=squeezenet1_1,
        weights=Weights(
            "squeezenet1_1_imagenet_fp16.safetensors",
            sha256="c462713d56236e1e1d53de9d28b7b8bfdbdef51c8224c6414945e49146d9f4ab",
            repair="Copy it from where you had it.",
        ),
        labels=IMAGENET,
        image_shape=(3, 224, 224),
        provenance=Provenance("ncnn-assets, converted", "BSD-2-Clause upstream"),
        mean=MEAN,
        std=STD,
        size=224,
    )
]
