"""σ: how much each neuron of a generator varies (Dunn et al. 2020, section 4)."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from engine.generators.interface import Generator


@torch.no_grad()
def measure_scales(
    generator: Generator,
    samples: int = 10_000,
    seed: int = 0,
    *,
    batch: int = 500,
    device: str = "cpu",
    on_progress: Callable[[int, int], None] = lambda done, total: None,
) -> dict[str, Tensor]:
    """Per-neuron standard deviation of every point over random latents and labels.

    Returns float32 tensors of each point's shape by point name. Sums are kept in float64 around
    the first batch's mean, so that neurons far from zero lose no digits.
    """
    draws = torch.Generator().manual_seed(seed)
    names = [point.name for point in generator.points]
    shift: dict[str, Tensor] = {}
    total: dict[str, Tensor] = {}
    square: dict[str, Tensor] = {}
    for start in range(0, samples, batch):
        size = min(batch, samples - start)
        z = torch.randn((size, *generator.points[0].shape), generator=draws).to(device)
        labels = torch.randint(generator.label_count, (size,), generator=draws).to(device)
        condition = generator.condition(z, labels)
        activation = z
        for index, name in enumerate(names):
            if index:
                activation = generator.stage(index, activation, condition)
            values = activation.double()
            if name not in shift:
                shift[name] = values.mean(0)
                total[name] = torch.zeros_like(shift[name])
                square[name] = torch.zeros_like(shift[name])
            centred = values - shift[name]
            total[name] += centred.sum(0)
            square[name] += centred.square().sum(0)
        on_progress(start + size, samples)
    return {
        name: ((square[name] - total[name].square() / samples).clamp(min=0) / (samples - 1))
        .sqrt()
        .float()
        .cpu()
        for name in names
    }


def load_scales(file: Path, generator: Generator) -> dict[str, Tensor]:
    """σ from a safetensors file, checked against the generator's points."""
    scales = load_file(file)
    expected = {point.name: point.shape for point in generator.points}
    if {name: tuple(scale.shape) for name, scale in scales.items()} != expected:
        raise ValueError(
            f"The scales in {file} are of another generator. Delete the file: it is measured anew."
        )
    return scales


def save_scales(scales: dict[str, Tensor], file: Path) -> None:
    """Write σ to `file`, complete or not at all."""
    partial = file.with_suffix(".partial")
    save_file(scales, partial)
    partial.rename(file)
