"""How a found perturbation acts at other strengths: the image and prediction at s·p."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from engine.experiment import Trial
from engine.generators.interface import Generator
from engine.search.perturbed_pass import PerturbedPass, to_8_bit, to_pixels


@dataclass(frozen=True)
class Strength:
    """The 8-bit image (H, W, C) made by `strength`·p, and the classifier's logits on it."""

    strength: float
    image: np.ndarray
    logits: np.ndarray


@torch.no_grad()
def strength_sweep(
    generator: Generator,
    classifier: nn.Module,
    scales: dict[str, Tensor],
    trial: Trial,
    perturbation: dict[str, np.ndarray],
    *,
    layer_weights: Sequence[float],
    strengths: Sequence[float],
    device: str = "cpu",
    dtype: torch.dtype = torch.float32,
) -> list[Strength]:
    """One image a strength, made one at a time so that memory does not grow with their number.

    `perturbation` is that of a found Result: p_i by point name. A strength of 1 is the stimulus;
    whether it still fools there, and stays fooled beyond, is what the sweep is for.
    """
    perturbed_pass = PerturbedPass(generator, scales, layer_weights, device=device, dtype=dtype)
    z = generator.latent(trial.seed).to(device, dtype).unsqueeze(0)
    labels = torch.tensor([trial.label], device=device)
    activation, condition = perturbed_pass.prefix(z, labels)
    names = [generator.points[index].name for index in perturbed_pass.active]
    p = [torch.as_tensor(perturbation[name]).to(device, dtype).unsqueeze(0) for name in names]
    sweep = []
    for strength in strengths:
        images = perturbed_pass.image(activation, condition, labels, [strength * q for q in p])
        logits = classifier(to_8_bit(images))[0].float().cpu().numpy()
        sweep.append(Strength(strength, to_pixels(images)[0].cpu().numpy(), logits))
    return sweep
