"""Where a classifier is nearly flat, the distance to first order is beyond all measure."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from engine.experiment import SCHEDULES, Trial
from engine.generators.interface import Generator, Point
from engine.search.minimum_norm import LARGEST_BALL
from engine.search.run import search


class Pixel(Generator):
    """One number that is the image."""

    points = (Point("z", (1,)), Point("output", (1, 1, 1)))
    image_shape = (1, 1, 1)
    label_count = 2

    def latent(self, seed: int) -> Tensor:
        return torch.full((1,), 0.5)

    def condition(self, z: Tensor, labels: Tensor) -> Tensor:
        return labels[:, None].to(z)

    def stage(self, index: int, activation: Tensor, condition: Tensor) -> Tensor:
        return activation.view(-1, 1, 1, 1)

    def to_image(self, activation: Tensor) -> Tensor:
        return activation.sigmoid()


class NearlyFlat(nn.Module):
    """Says label 0 whatever it sees, and hardly less so for one image than for another."""

    def forward(self, images: Tensor) -> Tensor:
        return torch.stack([torch.ones(len(images)), 1e-9 * images.flatten()], dim=1)


def test_a_trial_that_cannot_be_fooled_ends_exhausted_and_finite() -> None:
    [result] = search(
        [Trial(index=0, label=0, target=1, seed=0)],
        Pixel(),
        NearlyFlat(),
        {point.name: torch.ones(point.shape) for point in Pixel.points},
        layer_weights=[1.0, 1.0],
        schedule=SCHEDULES["minimum-norm"],
        search="minimum-norm",
        slots=1,
    )
    assert result.outcome == "exhausted", result.reason
    assert math.isfinite(result.margin)
    assert result.bound <= LARGEST_BALL
