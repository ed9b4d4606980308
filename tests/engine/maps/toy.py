"""A space and classifiers whose maps are known: the picture's pixels are u itself."""

from __future__ import annotations

import numpy as np
import torch
from torch import nn

from engine.maps import MapDescription, MappedClassifier
from engine.spaces.description import Axis, MeanOfMaps
from engine.spaces.space import Space


class Edge(nn.Module):
    """Logits (slope·(x − where), 0): label 0 where the first pixel is beyond `where`."""

    def __init__(self, where: float, slope: float = 40.0) -> None:
        super().__init__()
        self.where, self.slope = where, slope

    def forward(self, images):
        x = images[:, 0, 0, 0]
        return torch.stack([self.slope * (x - self.where), torch.zeros_like(x)], 1)

    def score(self, x):
        rounded = np.round(np.asarray(x) * 255) / 255
        return 1 / (1 + np.exp(-self.slope * (rounded - self.where)))


class Counting:
    """The space's images, counting how many were asked for."""

    def __init__(self) -> None:
        self.asked = 0

    def __call__(self, u):
        self.asked += len(u)
        return torch.as_tensor(u, dtype=torch.float32).view(len(u), 1, 1, -1)


def toy_space(dimensions: int, images=None, **settings) -> Space:
    axes = tuple(Axis(f"axis {n}", 0.0, 1.0) for n in range(dimensions))
    description = MeanOfMaps(("toy",), axes)
    return Space(description, (1, 1, dimensions), images or Counting(), **settings)


def toy_description(space: Space, resolution, classifiers=1, **settings) -> MapDescription:
    return MapDescription(
        space.description,
        tuple(MappedClassifier(f"edge {n}", str(n)) for n in range(classifiers)),
        0,
        "beyond",
        tuple(resolution),
        **settings,
    )
