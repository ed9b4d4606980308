"""The perturbed pass: a generator run with something added at its points."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from engine.generators.interface import Generator


class PerturbedPass:
    """g'(z; p): a_0 = z + w_0·p_0⊙σ_0, a_i = g_i(a_{i-1}) + w_i·p_i⊙σ_i, image clamped to [0, 1].

    (Dunn et al. 2020, section 4.) Only the points of weight > 0 take part: `active` has their
    indices, and perturbations are lists in that order, each (B, *point shape). A pass starts at
    the first active point, given the unperturbed activation there, which is computed once a trial.

    `dtype` is the generator's, in which it computes; p may be of a higher precision, and the images
    are of p's.
    """

    def __init__(
        self,
        generator: Generator,
        scales: dict[str, Tensor],
        layer_weights: Sequence[float],
        *,
        device: str = "cpu",
        dtype: torch.dtype = torch.float32,
    ) -> None:
        points = generator.points
        if len(layer_weights) != len(points):
            raise ValueError(f"{len(layer_weights)} layer weights for {len(points)} points.")
        if any(weight < 0 for weight in layer_weights):
            raise ValueError("Layer weights must be 0 or more.")
        self.generator = generator
        self.device, self.dtype = device, dtype
        self.active = [index for index, weight in enumerate(layer_weights) if weight > 0]
        if not self.active:
            raise ValueError("At least one point needs a layer weight above 0.")
        self.shapes = [points[index].shape for index in self.active]
        self._scale = [
            self.laid_out((layer_weights[i] * scales[points[i].name]).to(device, dtype)[None])
            for i in self.active
        ]

    @property
    def start(self) -> int:
        """The first active point: everything before it is computed once a trial."""
        return self.active[0]

    def laid_out(self, rows: Tensor) -> Tensor:
        """Rows of an activation's shape as the generator's activations lie in memory."""
        if rows.dim() != 4:
            return rows
        return rows.contiguous(memory_format=self.generator.memory_format)

    def prefix(self, z: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
        """The unperturbed activation at `start` and the condition."""
        condition = self.generator.condition(z, labels)
        activation = z
        for index in range(1, self.start + 1):
            activation = self.generator.stage(index, activation, condition)
        return activation, condition

    def suffix(self, activation: Tensor, condition: Tensor) -> Tensor:
        """The unperturbed image (B, C, H, W) in [0, 1] from the activation at `start`."""
        for index in range(self.start + 1, len(self.generator.points)):
            activation = self.generator.stage(index, activation, condition)
        return self.generator.to_image(activation).clamp(0, 1)

    def image(
        self, activation: Tensor, condition: Tensor, labels: Tensor, perturbation: Sequence[Tensor]
    ) -> Tensor:
        """Perturbed images (B, C, H, W), clamped inside the pass so that the gradient sees it."""
        added = dict(zip(self.active, zip(perturbation, self._scale, strict=True), strict=True))
        activation = _plus(activation, *added[self.start])
        if self.start == 0 and self.generator.condition_follows_z:  # z conditions every stage
            condition = self.generator.condition(activation, labels)
        for index in range(self.start + 1, len(self.generator.points)):
            activation = self.generator.stage(index, activation, condition)
            if index in added:
                activation = _plus(activation, *added[index])
        return self.generator.to_image(activation).to(perturbation[0].dtype).clamp(0, 1)


@dataclass(frozen=True)
class Models:
    """What images are made and tested with, both of one precision."""

    perturbed_pass: PerturbedPass
    classifier: nn.Module


def _plus(activation: Tensor, p: Tensor, scale: Tensor) -> Tensor:
    """A + p⊙wσ, in the activation's precision."""
    return torch.addcmul(activation, p.to(activation.dtype), scale)


def to_8_bit(images: Tensor) -> Tensor:
    """Rounded to 8 bits a channel, still floats in [0, 1]: exactly what a PNG of it reads as."""
    return (images * 255).round() / 255


def to_pixels(images: Tensor) -> Tensor:
    """Images (B, C, H, W) in [0, 1] as uint8 (B, H, W, C)."""
    return (images * 255).round().to(torch.uint8).movedim(1, -1)
