"""BigGAN-deep (Brock et al. 2019), cut into points and made fast for one truncation."""

from __future__ import annotations

import torch
from pytorch_pretrained_biggan import BigGAN, BigGANConfig
from pytorch_pretrained_biggan.model import GenBlock
from torch import Tensor, nn

from engine.generators.biggan_folded import (
    FoldedAttention,
    FoldedBlock,
    FoldedLinear,
    FoldedOutput,
    Modulation,
    modulated,
    remove_spectral_norm,
)
from engine.generators.biggan_points import cut_points
from engine.generators.interface import Generator

#: Below truncation 1 latents are drawn from a normal cut here, in standard deviations.
CUT = 2.0


class BigGanDeep(Generator):
    """BigGAN-deep for ImageNet's 1000 labels.

    Built, it holds the package's modules, whose parameter names are those of the published
    weights. `prepare` turns them into the layers that run, for one truncation, and drops them.

    The condition [z, embedding of the label] feeds every block's batch norms. With
    `condition_follows_z` (a choice that experiments record) a perturbed z reaches them too;
    without, the blocks see the unperturbed z and only the linear layer sees the perturbed one.
    """

    memory_format = torch.channels_last

    def __init__(self, config: BigGANConfig) -> None:
        super().__init__()
        package = BigGAN(config)
        self.embeddings: nn.Linear | None = package.embeddings
        self.generator: nn.Module | None = package.generator
        self.points = cut_points(config)
        self.image_shape = (3, config.output_dim, config.output_dim)
        self.label_count = config.num_classes

    def prepare(self, truncation: float) -> None:
        """Fold everything that is constant at `truncation`, 0 < truncation ≤ 1, into the weights.

        Raises ValueError for another truncation, and when prepared for a different one already.
        """
        if not 0 < truncation <= 1:
            raise ValueError(f"Truncation is above 0 and at most 1, not {truncation:g}.")
        if self.embeddings is None or self.generator is None:
            if truncation != self.truncation:
                raise ValueError(
                    f"Prepared for truncation {self.truncation:g} already: load the generator"
                    f" again for {truncation:g}."
                )
            return
        package = self.generator
        remove_spectral_norm(package)
        blocks = [layer for layer in package.layers if isinstance(layer, GenBlock)]
        norms = [norm for block in blocks for norm in modulated(block)]
        self.embedding = nn.Parameter(self.embeddings.weight.detach().t().contiguous())
        self.modulation = Modulation(norms, truncation)
        self.linear = FoldedLinear(package.gen_z)
        self.layers = nn.ModuleList()
        column = 0
        for layer in package.layers:
            if isinstance(layer, GenBlock):
                folded = FoldedBlock(layer, column)
                column = folded.columns.stop
            else:
                folded = FoldedAttention(layer)
            self.layers.append(folded)
        self.output = FoldedOutput(package.bn, package.conv_to_rgb, truncation)
        self.embeddings = self.generator = None
        self.truncation = truncation
        self.requires_grad_(False)

    def condition(self, z: Tensor, labels: Tensor) -> Tensor:
        """(B, m) and (B,) → (B, e + s): the embedding, then every batch norm's scale and shift."""
        embedded = self.embedding[labels]
        return torch.cat([embedded, self.modulation(torch.cat([z, embedded], 1))], 1)

    def stage(self, index: int, activation: Tensor, condition: Tensor) -> Tensor:
        """The activation (B, *points[index].shape) from the one before."""
        embedded, modulation = condition.tensor_split([self.embedding.shape[1]], 1)
        if index == 1:
            return self.linear(torch.cat([activation, embedded], 1))
        if index == len(self.points) - 1:
            return self.output(activation)
        return self.layers[index - 2](activation, modulation)

    def to_image(self, activation: Tensor) -> Tensor:
        """(tanh x + 1)/2 of the last point, (B, 3, H, W)."""
        return (activation.tanh() + 1) / 2

    def latents(self, count: int, draws: torch.Generator) -> Tensor:
        """Latents (count, m) from `draws`, a CPU generator.

        At truncation 1, z ~ N(0, I). Below, truncation × a normal cut at ±2, as the package's own
        `truncated_noise_sample` and as the published statistics expect: numbers outside are drawn
        again until none is, so that all others are those of truncation 1, scaled.
        """
        shape = (count, *self.points[0].shape)
        z = torch.randn(shape, generator=draws)
        if self.truncation == 1:
            return z
        while (outside := z.abs() > CUT).any():
            z = torch.where(outside, torch.randn(shape, generator=draws), z)
        return self.truncation * z
