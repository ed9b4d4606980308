"""The honest alternative: the relaxation search as one would write it, one trial at a time.

The same passes, the same schedule and the same test as `engine.search`; torch's own Adam; no weight
gradients, no needless copies, and the pass that tests a step also gives the next gradient. It is
what the engine is measured against, and an independent check of its results.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from engine.experiment import Schedule, Trial
from engine.generators.interface import Generator
from engine.search.margin import UNTARGETED, margins, relaxation_loss
from engine.search.perturbed_pass import PerturbedPass, to_8_bit


@dataclass(frozen=True)
class PlainResult:
    """Steps made, whether the 8-bit image fooled, and ‖p‖₂ then."""

    trial: Trial
    outcome: str
    steps: int
    magnitude: float


def plain_search(
    trial: Trial,
    generator: Generator,
    classifier: nn.Module,
    scales: dict[str, Tensor],
    *,
    layer_weights: Sequence[float],
    schedule: Schedule,
    stop_when_found: bool = True,
    keep_prefix: bool = True,
    device: str = "cpu",
    dtype: torch.dtype = torch.float32,
) -> PlainResult:
    """One trial at batch size 1. Without `stop_when_found` it makes exactly `budget` steps.

    Without `keep_prefix` what comes before the first perturbed point is made anew at every step.
    """
    perturbed = PerturbedPass(generator, scales, layer_weights, device=device, dtype=dtype)
    labels = torch.tensor([trial.label], device=device)
    target = UNTARGETED if trial.target is None else trial.target
    targets = torch.tensor([target], device=device)
    with torch.no_grad():
        z = generator.latent(trial.seed).to(device, dtype).unsqueeze(0)
        activation, condition = perturbed.prefix(z, labels)
        source_logits = classifier(to_8_bit(perturbed.suffix(activation, condition)))
    if int(source_logits.argmax()) != trial.label:
        return PlainResult(trial, "skipped", 0, 0.0)
    p = [
        torch.zeros((1, *shape), device=device, dtype=dtype, requires_grad=True)
        for shape in perturbed.shapes
    ]
    optimiser = torch.optim.Adam(p, lr=schedule.learning_rate)
    bound, norm = schedule.initial_magnitude, 0.0
    for step in range(schedule.budget + 1):
        if not keep_prefix:
            with torch.no_grad():
                activation, condition = perturbed.prefix(z, labels)
        images = perturbed.image(activation, condition, labels, p)
        with torch.no_grad():
            margin = margins(classifier(to_8_bit(images)), labels, targets)
            if step and stop_when_found and float(margin) > 0:
                return PlainResult(trial, "found", step, norm)
        if step == schedule.budget:
            break
        loss = relaxation_loss(margins(classifier(images), labels, targets), targets)
        for tensor, gradient in zip(p, torch.autograd.grad(loss.sum(), p), strict=True):
            tensor.grad = gradient
        optimiser.step()
        with torch.no_grad():
            norm = float(torch.stack([tensor.square().sum() for tensor in p]).sum().sqrt())
            if norm > bound:
                for tensor in p:
                    tensor.mul_(bound / norm)
                norm = bound
        bound = bound * schedule.growth + schedule.increment
    return PlainResult(trial, "exhausted", schedule.budget, norm)
