"""What every classifier offers: images in [0, 1] in, logits out. Nothing else ever normalises."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional


class Classifier(nn.Module):
    """A network with its own preprocessing: resize to `size`, then (x − mean) / std a channel."""

    def __init__(
        self,
        network: nn.Module,
        *,
        mean: Sequence[float] | None = None,
        std: Sequence[float] | None = None,
        size: int | None = None,
    ) -> None:
        super().__init__()
        self.network = network
        self.size = size
        self.normalises = mean is not None
        if mean is not None and std is not None:
            self.register_buffer("mean", torch.tensor(mean).view(-1, 1, 1))
            self.register_buffer("std", torch.tensor(std).view(-1, 1, 1))

    def forward(self, images: Tensor) -> Tensor:
        """images: (B, C, H, W) in [0, 1] at the generator's size → logits (B, classes)."""
        if self.size is not None and images.shape[-1] != self.size:
            images = functional.interpolate(
                images, (self.size, self.size), mode="bilinear", align_corners=False, antialias=True
            )
        if self.normalises:
            images = (images - self.mean) / self.std
        return self.network(images)
