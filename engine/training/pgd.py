"""Projected gradient descent on the image (Madry et al. 2018), for ℓ∞ and ℓ2."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional

Norm = Literal["linf", "l2"]


@dataclass(frozen=True)
class Attack:
    """A ball around the image in [0, 1] units, and how it is searched."""

    norm: Norm
    radius: float
    step: float
    steps: int

    def __post_init__(self) -> None:
        if self.norm not in ("linf", "l2"):
            raise ValueError(f"Norm {self.norm!r} is unknown; choose linf or l2.")


def pgd(
    classifier: nn.Module,
    images: Tensor,
    labels: Tensor,
    attack: Attack,
    generator: torch.Generator,
) -> Tensor:
    """Images that raise the cross-entropy, of the same shape, in the ball and in [0, 1].

    images: (B, C, H, W) in [0, 1]; labels: (B,). Starts at a uniformly random point of the ball
    drawn from `generator`, takes `attack.steps` normalised steps (the gradient's sign for ℓ∞, its
    unit vector for ℓ2), projects after each, and returns the last point reached.
    """
    adversarial = (images + _random(images, attack, generator)).clamp(0, 1)
    for _ in range(attack.steps):
        adversarial.requires_grad_(True)
        loss = functional.cross_entropy(classifier(adversarial), labels, reduction="sum")
        (gradient,) = torch.autograd.grad(loss, adversarial)
        moved = adversarial.detach() + attack.step * _direction(gradient, attack.norm)
        adversarial = (images + _project(moved - images, attack)).clamp(0, 1)
    return adversarial.detach()


def _direction(gradient: Tensor, norm: Norm) -> Tensor:
    if norm == "linf":
        return gradient.sign()
    return gradient / _lengths(gradient).clamp_min(1e-12)


def _project(delta: Tensor, attack: Attack) -> Tensor:
    # Clipping to [0, 1] afterwards only shortens it: the image itself lies in that box.
    if attack.norm == "linf":
        return delta.clamp(-attack.radius, attack.radius)
    return delta * (attack.radius / _lengths(delta).clamp_min(1e-12)).clamp(max=1)


def _random(images: Tensor, attack: Attack, generator: torch.Generator) -> Tensor:
    if attack.norm == "linf":
        return (2 * torch.rand(images.shape, generator=generator) - 1) * attack.radius
    direction = torch.randn(images.shape, generator=generator)
    uniform = torch.rand(len(images), 1, 1, 1, generator=generator)
    # The share of a ball's volume within radius r grows as r to the number of dimensions.
    radius = attack.radius * uniform ** (1 / images[0].numel())
    return radius * direction / _lengths(direction)


def _lengths(batch: Tensor) -> Tensor:
    return batch.flatten(1).norm(dim=1).view(-1, 1, 1, 1)
