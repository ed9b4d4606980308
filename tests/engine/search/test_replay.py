"""A perturbation seen again: linear models, where every picture is known in closed form."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from engine.experiment import Trial
from engine.generators.interface import Generator, Point
from engine.search.replay import Replay

TRIAL = Trial(index=0, label=0, target=1, seed=0)


class Sums(Generator):
    """Three points that each hand on what they get: the image is z + all that is added."""

    points = (Point("z", (4,)), Point("middle", (4,)), Point("output", (1, 2, 2)))
    image_shape = (1, 2, 2)
    label_count = 2

    def latent(self, seed: int) -> Tensor:
        return torch.full((4,), 0.2)

    def condition(self, z: Tensor, labels: Tensor) -> Tensor:
        return labels[:, None].to(z)

    def stage(self, index: int, activation: Tensor, condition: Tensor) -> Tensor:
        return activation.view(-1, 1, 2, 2) if index == 2 else activation

    def to_image(self, activation: Tensor) -> Tensor:
        return activation


class Brightness(nn.Module):
    """Logits (0, 10·(mean − 0.5)): label 1 from a mean of one half on."""

    def forward(self, images: Tensor) -> Tensor:
        bright = 10 * (images.mean(dim=(1, 2, 3)) - 0.5)
        return torch.stack([torch.zeros_like(bright), bright], dim=1)


@pytest.fixture
def replay() -> Replay:
    """z gets 0.1, the middle 0.2, the output 0.3 (σ = 1 everywhere, the output at half weight)."""
    parts = {"z": np.full(4, 0.1), "middle": np.full(4, 0.2), "output": np.full((1, 2, 2), 0.6)}
    return Replay(
        Sums(),
        Brightness(),
        {point.name: torch.ones(point.shape) for point in Sums.points},
        TRIAL,
        {name: part.astype(np.float32) for name, part in parts.items()},
        layer_weights=[1.0, 1.0, 0.5],
    )


def level(mean: float) -> int:
    return round(mean * 255)


@pytest.mark.parametrize(("strength", "mean"), [(0, 0.2), (0.5, 0.5), (1, 0.8), (1.5, 1.0)])
def test_at_a_strength_every_part_is_scaled_and_the_image_clamped(replay, strength, mean) -> None:
    seen = replay.at_strength(strength)
    assert np.unique(seen.image).tolist() == [level(mean)]
    assert seen.logits[1] == pytest.approx(10 * (level(mean) / 255 - 0.5), abs=1e-5)


def test_each_point_is_left_out_and_kept_alone(replay) -> None:
    shares = {share.point: share for share in replay.by_point()}
    means = [
        (int(share.without.image.flat[0]), int(share.alone.image.flat[0]))
        for share in shares.values()
    ]
    assert list(shares) == ["z", "middle", "output"]
    half_a_level = pytest.approx(np.array([(0.7, 0.3), (0.6, 0.4), (0.5, 0.5)]) * 255, abs=0.51)
    assert np.array(means) == half_a_level
    assert [share.without.logits.argmax() for share in shares.values()] == [1, 1, 1]
    assert [share.alone.logits.argmax() for share in shares.values()] == [0, 0, 1]
