"""What every generator offers: named points, and the stages between them."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from math import prod

import torch
from torch import Tensor, nn


@dataclass(frozen=True)
class Point:
    """A place in the generator whose activation can be perturbed.

    `shape` is that of one sample's activation, without the batch dimension.
    """

    name: str
    shape: tuple[int, ...]

    @property
    def size(self) -> int:
        """Scalars in one sample's activation."""
        return prod(self.shape)


class Generator(nn.Module, ABC):
    """A conditional generator g = g_n ∘ … ∘ g_1, cut at points 0…n (Dunn et al. 2020, section 4).

    `points[0]` is the latent z; `stage(i, …)` is g_i and yields the activation at point i.
    The label, and in some generators z itself, reaches the stages through `condition`, which is
    computed apart from the activations so that a run may start at any point.
    """

    points: tuple[Point, ...]
    image_shape: tuple[int, int, int]
    label_count: int
    #: How activations (B, C, H, W) lie in memory: what is added to them had better lie as they do.
    memory_format: torch.memory_format = torch.contiguous_format
    #: Latents are cut at ± this many standard deviations; 1.0 means z ~ N(0, I), not cut at all.
    truncation: float = 1.0
    #: Whether a perturbed z reaches the stages through `condition` too, or `condition` stays that
    #: of the unperturbed z. The paper leaves it open, so each result records the choice.
    condition_follows_z: bool = True

    def prepare(self, truncation: float) -> None:
        """Make the loaded generator fast, for one truncation. Raises ValueError for another."""
        if truncation != 1.0:
            raise ValueError(f"This generator has no truncation: give 1.0, not {truncation:g}.")

    @abstractmethod
    def condition(self, z: Tensor, labels: Tensor) -> Tensor:
        """What the stages see beside the activation. z: (B, m), labels: (B,) int64 → (B, c)."""

    @abstractmethod
    def stage(self, index: int, activation: Tensor, condition: Tensor) -> Tensor:
        """g_index: the activation at point `index` from the one before, 1 ≤ index ≤ n."""

    @abstractmethod
    def to_image(self, activation: Tensor) -> Tensor:
        """The last point's activation as images (B, C, H, W) in the range [0, 1], not clamped."""

    def latents(self, count: int, draws: torch.Generator) -> Tensor:
        """Latents z ~ N(0, I), (count, m), from `draws`, a CPU generator: every device agrees."""
        return torch.randn((count, *self.points[0].shape), generator=draws)

    def latent(self, seed: int) -> Tensor:
        """The latent z, (m,), of `seed`: the same on every device."""
        return self.latents(1, torch.Generator().manual_seed(seed))[0]

    def forward(self, z: Tensor, labels: Tensor) -> Tensor:
        """Unperturbed images (B, C, H, W)."""
        condition = self.condition(z, labels)
        activation = z
        for index in range(1, len(self.points)):
            activation = self.stage(index, activation, condition)
        return self.to_image(activation)
