"""Training the conditional MNIST generator: hinge loss, projection discriminator.

Sources: Lim & Ye 2017 (hinge), Miyato & Koyama 2018 (projection), Miyato et al. 2018 (spectral
norm), Yazıcı et al. 2019 (averaging the generator's weights).
"""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.utils.parametrizations import spectral_norm
from torch.optim.lr_scheduler import LambdaLR

from engine.generators.mnist_conv import LABELS, LATENT, SLOPE, MnistConv
from engine.training.average import follow
from engine.training.digits import Digits


@dataclass(frozen=True)
class GanRecipe:
    """One pass of the digits is an epoch; each batch updates both networks once."""

    epochs: int = 16
    batch: int = 128
    learning_rate: float = 4e-4
    betas: tuple[float, float] = (0.0, 0.99)
    average: float = 0.999  # decay a batch of the weight average that is kept
    constant: float = 0.5  # share of the batches before the learning rate falls linearly to 0
    settle: int = 50  # batches of 500 that the final batch-norm statistics are measured on


class ProjectionDiscriminator(nn.Module):
    """How real a 28×28 picture looks as its label; every weight spectrally normalised."""

    def __init__(self) -> None:
        super().__init__()
        widths = (1, 64, 128, 256)
        self.convolutions = nn.ModuleList(
            spectral_norm(nn.Conv2d(before, after, kernel_size=4, stride=2, padding=1))
            for before, after in pairwise(widths)
        )
        self.realism = spectral_norm(nn.Linear(256, 1))
        self.projection = spectral_norm(nn.Embedding(LABELS, 256))

    def forward(self, images: Tensor, labels: Tensor) -> Tensor:
        """Images (B, 1, 28, 28) in [-1, 1], labels (B,) → scores (B,), positive for real."""
        hidden = images
        # Most of the training time is spent here; bfloat16 nearly halves it.
        with torch.autocast(images.device.type, torch.bfloat16):
            for convolution in self.convolutions:
                hidden = functional.leaky_relu(convolution(hidden), SLOPE)
        hidden = hidden.float().sum(dim=(2, 3))
        return self.realism(hidden).squeeze(1) + (self.projection(labels) * hidden).sum(1)


def train_generator(
    digits: Digits,
    seed: int,
    recipe: GanRecipe,
    on_progress: Callable[[int, int, str], None] = lambda done, total, note: None,
) -> MnistConv:
    """A generator in eval mode whose last stage is the sigmoid; calls back after every batch."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        generator, discriminator = MnistConv(), ProjectionDiscriminator()
    discriminator.to(memory_format=torch.channels_last)
    average = deepcopy(generator)
    draws = torch.Generator().manual_seed(seed)
    total = recipe.epochs * (len(digits) // recipe.batch)
    players = (generator, discriminator)
    optimisers = [
        torch.optim.Adam(p.parameters(), recipe.learning_rate, recipe.betas) for p in players
    ]
    schedules = [
        LambdaLR(o, lambda i: min(1, (1 - i / total) / (1 - recipe.constant))) for o in optimisers
    ]
    done = 0
    for _ in range(recipe.epochs):
        for images, labels in digits.batches(recipe.batch, draws):
            loss_d = _discriminator_loss(*players, 2 * images - 1, labels, draws)
            _update(optimisers[1], loss_d)
            loss_g = _generator_loss(*players, recipe.batch, draws)
            _update(optimisers[0], loss_g)
            for schedule in schedules:
                schedule.step()
            done += 1
            follow(average, generator, recipe.average, done)
            on_progress(done, total, f"D {loss_d.item():.2f} G {loss_g.item():.2f}")
    _settle_norms(average, recipe.settle, draws)
    _fold_tanh(average)
    return average.eval()


def _discriminator_loss(
    generator: MnistConv,
    discriminator: nn.Module,
    images: Tensor,
    labels: Tensor,
    draws: torch.Generator,
) -> Tensor:
    with torch.no_grad():
        fakes, wanted = _draw_tanh(generator, len(images), draws)
    scores = discriminator(torch.cat([images, fakes]), torch.cat([labels, wanted]))
    real, fake = scores.split(len(images))
    return functional.relu(1 - real).mean() + functional.relu(1 + fake).mean()


def _generator_loss(
    generator: MnistConv, discriminator: nn.Module, count: int, draws: torch.Generator
) -> Tensor:
    fakes, wanted = _draw_tanh(generator, count, draws)
    discriminator.requires_grad_(False)
    loss = -discriminator(fakes, wanted).mean()
    discriminator.requires_grad_(True)
    return loss


def _draw_tanh(generator: MnistConv, count: int, draws: torch.Generator) -> tuple[Tensor, Tensor]:
    """Pictures (count, 1, 28, 28) in [-1, 1] through tanh in place of the sigmoid, and labels."""
    z = torch.randn((count, LATENT), generator=draws)
    labels = torch.randint(LABELS, (count,), generator=draws)
    condition = generator.condition(z, labels)
    activation = z
    for index in range(1, len(generator.points) - 1):
        activation = generator.stage(index, activation, condition)
    return torch.tanh(activation).view(-1, 1, 28, 28), labels


def _update(optimiser: torch.optim.Optimizer, loss: Tensor) -> None:
    optimiser.zero_grad()
    loss.backward()
    optimiser.step()


@torch.no_grad()
def _settle_norms(generator: MnistConv, batches: int, draws: torch.Generator) -> None:
    """Measure the batch norms' means and variances anew: those of averaged weights differ."""
    norms = [module for module in generator.modules() if isinstance(module, nn.BatchNorm2d)]
    for norm in norms:
        norm.reset_running_stats()
        norm.momentum = None  # a plain average over batches
    generator.train()
    for _ in range(batches):
        _draw_tanh(generator, 500, draws)


@torch.no_grad()
def _fold_tanh(generator: MnistConv) -> None:
    """(tanh x + 1)/2 = sigmoid(2x): double the last layer, so that the sigmoid paints the same."""
    generator.fc_784.weight.mul_(2)
    generator.fc_784.bias.mul_(2)
