"""A generator and a classifier whose smallest perturbation is known in closed form."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from engine.generators.interface import Generator, Point

LATENT, SIDE, CLASSES = 12, 5, 4


class LinearGenerator(Generator):
    """x = ½ + 0.02·(A_2(A_1 z + B e_y)): images stay well inside [0, 1], so no clamp bites."""

    points = (
        Point("z", (LATENT,)),
        Point("hidden", (8,)),
        Point("output", (1, SIDE, SIDE)),
    )
    image_shape = (1, SIDE, SIDE)
    label_count = CLASSES

    def __init__(self, seed: int = 0) -> None:
        super().__init__()
        draws = torch.Generator().manual_seed(seed)
        self.first = nn.Parameter(torch.randn(8, LATENT, generator=draws))
        self.label = nn.Parameter(torch.randn(8, CLASSES, generator=draws))
        self.second = nn.Parameter(torch.randn(SIDE * SIDE, 8, generator=draws))

    def condition(self, z: Tensor, labels: Tensor) -> Tensor:
        return nn.functional.one_hot(labels, CLASSES).to(z)

    def stage(self, index: int, activation: Tensor, condition: Tensor) -> Tensor:
        if index == 1:
            return activation @ self.first.T + condition @ self.label.T
        pixels = 0.5 + 0.01 * (activation @ self.second.T)
        return pixels.view(-1, 1, SIDE, SIDE)

    def to_image(self, activation: Tensor) -> Tensor:
        return activation

    def jacobian(self, point: str) -> Tensor:
        """∂x/∂a at a point: (pixels, size)."""
        onward = {
            "z": 0.01 * self.second @ self.first,
            "hidden": 0.01 * self.second,
            "output": torch.eye(SIDE * SIDE, dtype=self.second.dtype),
        }
        return onward[point]


class LinearClassifier(nn.Module):
    """f(x) = W x with zero-mean rows. Images (B, 1, 5, 5) → logits (B, 4)."""

    def __init__(self, seed: int = 1) -> None:
        super().__init__()
        draws = torch.Generator().manual_seed(seed)
        self.weight = nn.Parameter(torch.randn(CLASSES, SIDE * SIDE, generator=draws))

    def forward(self, images: Tensor) -> Tensor:
        return (images - 0.5).flatten(1) @ self.weight.T


def unit_scales(generator: Generator, value: float = 1.0) -> dict[str, Tensor]:
    """σ of the same value everywhere."""
    return {point.name: torch.full(point.shape, value) for point in generator.points}
