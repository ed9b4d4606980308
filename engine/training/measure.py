"""What the model cards state: accuracy, accuracy under attack, label agreement, and the like."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn

from engine.generators.interface import Generator
from engine.training.digits import Digits
from engine.training.pgd import Attack, pgd

FRAME = 2  # pixels at each edge that hold no ink in MNIST
Note = Callable[[int, int], None]


@torch.no_grad()
def accuracy(classifier: nn.Module, digits: Digits, batch: int = 500) -> float:
    """Share of the digits that get their label."""
    right = sum(_right(classifier, images, labels) for images, labels in digits.batches(batch))
    return right / len(digits)


def accuracy_under(
    classifier: nn.Module,
    digits: Digits,
    attack: Attack,
    seed: int,
    batch: int = 500,
    on_progress: Note = lambda done, total: None,
) -> float:
    """Share of the digits that keep their label at the point PGD reaches."""
    draws = torch.Generator().manual_seed(seed)
    right = done = 0
    for images, labels in digits.batches(batch):
        adversarial = pgd(classifier, images, labels, attack, draws)
        with torch.no_grad():
            right += _right(classifier, adversarial, labels)
        done += len(labels)
        on_progress(done, len(digits))
    return right / len(digits)


@torch.no_grad()
def sample(generator: Generator, count: int, seed: int, batch: int = 500) -> Digits:
    """`count` generated pictures at 8 bits a channel, with their random labels."""
    draws = torch.Generator().manual_seed(seed)
    z = torch.randn((count, *generator.points[0].shape), generator=draws)
    labels = torch.randint(generator.label_count, (count,), generator=draws)
    pictures = [
        (generator(*part).clamp(0, 1) * 255).round().to(torch.uint8)
        for part in zip(z.split(batch), labels.split(batch), strict=True)
    ]
    return Digits(torch.cat(pictures), labels)


def frame_level(digits: Digits) -> float:
    """Mean 8-bit value of the outermost two pixels: 0 for a clean black background."""
    frame = torch.ones(digits.images.shape[-2:], dtype=torch.bool)
    frame[FRAME:-FRAME, FRAME:-FRAME] = False
    return digits.images[..., frame].float().mean().item()


def spread(digits: Digits) -> float:
    """Root-mean-square distance of a picture from its label's mean, a pixel, in [0, 1] units.

    Beside the same figure of real digits it says whether a generator's pictures are as diverse.
    """
    variances: list[Tensor] = []
    for label in digits.labels.unique():
        pictures = digits.images[digits.labels == label].double() / 255
        variances.append(pictures.var(dim=0).mean())
    return torch.stack(variances).mean().sqrt().item()


def _right(classifier: nn.Module, images: Tensor, labels: Tensor) -> int:
    return int((classifier(images).argmax(1) == labels).sum())
