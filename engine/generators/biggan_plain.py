"""BigGAN-deep as `pytorch-pretrained-biggan` computes it, cut into points: the yardstick.

Nothing is folded, and the package's way with batch-norm statistics is kept, faults included. Tests
and benchmarks compare `BigGanDeep` with it.
"""

from __future__ import annotations

import torch
from pytorch_pretrained_biggan import BigGAN, BigGANConfig
from pytorch_pretrained_biggan.model import SelfAttn
from torch import Tensor
from torch.nn.functional import one_hot, relu

from engine.generators.biggan_points import cut_points
from engine.generators.interface import Generator


class PlainBigGan(Generator):
    """The package's own modules at one truncation; parameters have the package's names."""

    def __init__(self, config: BigGANConfig, truncation: float = 1.0) -> None:
        super().__init__()
        package = BigGAN(config)
        self.embeddings = package.embeddings
        self.generator = package.generator
        self.points = cut_points(config)
        self.image_shape = (3, config.output_dim, config.output_dim)
        self.label_count = config.num_classes
        self.truncation = truncation

    def condition(self, z: Tensor, labels: Tensor) -> Tensor:
        """Latents (B, m) and the labels' embeddings, side by side."""
        embedded = self.embeddings(one_hot(labels, self.label_count).to(z))
        return _joined(z, embedded)

    def stage(self, index: int, activation: Tensor, condition: Tensor) -> Tensor:
        """The activation (B, *points[index].shape) from the one before."""
        generator = self.generator
        if index == 1:
            flat = generator.gen_z(_joined(activation, condition[:, activation.shape[1] :]))
            return flat.view(-1, 4, 4, self.points[1].shape[0]).permute(0, 3, 1, 2).contiguous()
        if index == len(self.points) - 1:
            normed = relu(generator.bn(activation, self.truncation))
            return generator.conv_to_rgb(normed)[:, :3]
        layer = generator.layers[index - 2]
        if isinstance(layer, SelfAttn):
            return layer(activation)
        return layer(activation, condition, self.truncation)

    def to_image(self, activation: Tensor) -> Tensor:
        """(tanh x + 1)/2 of the last point, (B, 3, H, W)."""
        return (activation.tanh() + 1) / 2


def _joined(z: Tensor, embedded: Tensor) -> Tensor:
    return torch.cat([z, embedded], dim=1)
