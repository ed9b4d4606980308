"""A generator and a classifier whose smallest perturbation is known in closed form."""

from __future__ import annotations

from itertools import combinations

import torch
from torch import Tensor, nn

from engine.experiment import Trial
from engine.generators.interface import Generator, Point

LATENT, HIDDEN, VALUES, COPIES, CLASSES = 12, 8, 25, 200, 4


class LinearGenerator(Generator):
    """25 values v = ½ + 0.01·A_2(A_1 z + B e_y), each drawn by 200 pixels.

    The copies are offset by 0, 1/200, 2/200 … of a grey level, so that rounding to 8 bits moves
    their mean by no more than 1/200 of a level; and none comes near 0 or 1, where a clamp bites.
    """

    points = (
        Point("z", (LATENT,)),
        Point("hidden", (HIDDEN,)),
        Point("output", (1, VALUES, COPIES)),
    )
    image_shape = (1, VALUES, COPIES)
    label_count = CLASSES

    def __init__(self, seed: int = 0) -> None:
        super().__init__()
        draws = torch.Generator().manual_seed(seed)
        self.first = nn.Parameter(torch.randn(HIDDEN, LATENT, generator=draws))
        self.label = nn.Parameter(torch.randn(HIDDEN, CLASSES, generator=draws))
        self.second = nn.Parameter(torch.randn(VALUES, HIDDEN, generator=draws))
        self.register_buffer("dither", (torch.arange(COPIES) / COPIES - 0.5) / 255)

    def condition(self, z: Tensor, labels: Tensor) -> Tensor:
        return nn.functional.one_hot(labels, CLASSES).to(z)

    def stage(self, index: int, activation: Tensor, condition: Tensor) -> Tensor:
        if index == 1:
            return activation @ self.first.T + condition @ self.label.T
        values = 0.5 + 0.01 * (activation @ self.second.T)
        return (values.unsqueeze(-1) + self.dither).unsqueeze(1)

    def to_image(self, activation: Tensor) -> Tensor:
        return activation

    def jacobian(self, point: str) -> Tensor:
        """∂v/∂a of the 25 values at a point: (25, size)."""
        if point == "output":
            identity = torch.eye(VALUES, dtype=self.second.dtype)
            return identity.repeat_interleave(COPIES, 1) / COPIES
        onward = 0.01 * self.second
        return onward @ self.first if point == "z" else onward


class LinearClassifier(nn.Module):
    """f = W v, v the mean of each value's copies. Images (B, 1, 25, 200) → logits (B, 4)."""

    def __init__(self, seed: int = 1) -> None:
        super().__init__()
        draws = torch.Generator().manual_seed(seed)
        self.weight = nn.Parameter(torch.randn(CLASSES, VALUES, generator=draws))

    def forward(self, images: Tensor) -> Tensor:
        return (images.mean(-1).flatten(1) - 0.5) @ self.weight.T


def unit_scales(generator: Generator) -> dict[str, Tensor]:
    """σ = 1 everywhere."""
    return {point.name: torch.ones(point.shape) for point in generator.points}


def smallest_norm(response: Tensor, logits: Tensor, trial: Trial, slack: float = 0.0) -> float:
    """The smallest ‖p‖₂ with f + response·p fooled, by trying every set of active constraints.

    `response`: (classes, size), ∂f/∂p; `slack`: what the 8-bit rounding may give to a margin.
    Targeted: min ‖p‖ with (r_t − r_j)·p ≥ f_j − f_t for every j ≠ t. Untargeted: the nearest of
    the half-spaces where some j beats y.
    """
    classes = range(len(logits))
    if trial.target is None:
        y = trial.label
        wrong = [[j] for j in classes if j != y]
        return min(_nearest(response[j] - response[y], logits[y] - logits[j], slack) for j in wrong)
    rivals = [j for j in classes if j != trial.target]
    towards = response[trial.target] - response[rivals]
    needed = logits[rivals] - logits[trial.target]
    return _nearest(towards, needed, slack)


def _nearest(towards: Tensor, needed: Tensor, slack: float) -> float:
    """min ‖p‖ with towards·p ≥ needed − slack."""
    needed = needed - slack
    norms = [0.0] if (needed <= 0).all() else []
    for size in range(1, len(needed) + 1):
        for active in map(list, combinations(range(len(needed)), size)):
            a = towards[active]
            p = a.T @ torch.linalg.lstsq(a @ a.T, needed[active]).solution
            if (towards @ p >= needed - 1e-9).all():
                norms.append(float(p.norm()))
    return min(norms)
