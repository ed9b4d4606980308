"""What every classifier offers: images in [0, 1] in, logits out. Nothing else ever normalises."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

#: Rounding puts a white surface a little above 1, where a clamp would pass no gradient.
_ROUNDING = 1e-5


class Classifier(nn.Module):
    """A network with its own preprocessing: resize to `size`, then (x − mean) / std a channel.

    The whole image is resized, antialiased, and nothing cut off: people judge the whole image.
    """

    def __init__(
        self,
        network: nn.Module,
        *,
        mean: Sequence[float] | None = None,
        std: Sequence[float] | None = None,
        size: int | None = None,
        interpolation: str = "bilinear",
    ) -> None:
        super().__init__()
        self.interpolation = interpolation
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
                images,
                (self.size, self.size),
                mode=self.interpolation,
                align_corners=False,
                antialias=True,
            )
            if self.interpolation == "bicubic":  # overshoots, as a photo's pixels cannot
                images = images.clamp(-_ROUNDING, 1 + _ROUNDING)
        if self.normalises:
            images = (images - self.mean.to(images.dtype)) / self.std.to(images.dtype)
        # Preprocessing is done in the images' precision, which may be higher than the network's.
        weights = next(self.network.parameters(), images)
        return self.network(images.to(weights.dtype)).to(images.dtype)
