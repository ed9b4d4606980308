"""A generator and two classifiers of four tiny patterns, in the form of a user's own entries.

Copied into a home's models folder. They are exact and fast: the picture of label y is pattern y
with a little of z in it, and a classifier compares a picture with the patterns.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from engine.catalogue import ClassifierEntry, GeneratorEntry, Labels, Provenance, Weights
from engine.generators.interface import Generator, Point

SIDE = 6
LABELS = Labels(
    names=("bar", "dot", "ring", "wave"), phrases=("a bar", "a dot", "a ring", "a wave")
)


class Patterns(Generator):
    """z → hidden (linear) → output (sigmoid), the label's pattern added on the way."""

    points = (Point("z", (8,)), Point("hidden", (16,)), Point("output", (1, SIDE, SIDE)))
    image_shape = (1, SIDE, SIDE)
    label_count = 4

    def __init__(self) -> None:
        super().__init__()
        self.hidden = nn.Linear(8, 16)
        self.draw = nn.Linear(16, SIDE * SIDE)
        self.patterns = nn.Embedding(4, SIDE * SIDE)

    def condition(self, z: Tensor, labels: Tensor) -> Tensor:
        return self.patterns(labels)

    def stage(self, index: int, activation: Tensor, condition: Tensor) -> Tensor:
        if index == 1:
            return self.hidden(activation)
        return torch.sigmoid(condition + self.draw(activation)).view(-1, 1, SIDE, SIDE)

    def to_image(self, activation: Tensor) -> Tensor:
        return activation


class Compare(nn.Module):
    """The logits are linear in the picture."""

    def __init__(self) -> None:
        super().__init__()
        self.linear = nn.Linear(SIDE * SIDE, 4)

    def forward(self, images: Tensor) -> Tensor:
        return self.linear(images.flatten(1))


def weights() -> dict[str, dict[str, Tensor]]:
    """What the weight files hold. To `tiny-stubborn` nothing ever is a wave."""
    draws = torch.Generator().manual_seed(0)
    patterns = 2 * torch.randn(4, SIDE * SIDE, generator=draws)
    generator = {
        "hidden.weight": torch.randn(16, 8, generator=draws) / 3,
        "hidden.bias": torch.zeros(16),
        "draw.weight": torch.randn(SIDE * SIDE, 16, generator=draws) / 8,
        "draw.bias": torch.zeros(SIDE * SIDE),
        "patterns.weight": patterns,
    }
    compare = {"linear.weight": patterns - patterns.mean(0), "linear.bias": torch.zeros(4)}
    stubborn = {**compare, "linear.bias": torch.tensor([0.0, 0.0, 0.0, -1e6])}
    return {"tiny": generator, "tiny-fair": compare, "tiny-stubborn": stubborn}


_PROVENANCE = Provenance("made up for tests", "MIT")
ENTRIES = [
    GeneratorEntry(
        name="tiny",
        title="Four patterns",
        build=Patterns,
        weights=Weights("tiny.safetensors", repair="Run the test again."),
        labels=LABELS,
        presets={
            "all": ("z", "hidden", "output"),
            "first": ("z", "hidden"),
            "last": ("hidden", "output"),
        },
        schedule="mnist",
        provenance=_PROVENANCE,
    ),
    *(
        ClassifierEntry(
            name=name,
            title=name,
            build=Compare,
            weights=Weights(f"{name}.safetensors", repair="Run the test again."),
            labels=LABELS,
            image_shape=(1, SIDE, SIDE),
            provenance=_PROVENANCE,
        )
        for name in ("tiny-fair", "tiny-stubborn")
    ),
]
