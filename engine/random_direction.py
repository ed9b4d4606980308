"""The control of a search: a random direction of the same magnitude at the same points."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from time import perf_counter

import numpy as np
import torch
from torch import Tensor, nn

from engine.experiment import Trial
from engine.generators.interface import Generator, Point
from engine.search.margin import UNTARGETED, margins
from engine.search.memory import slots_that_fit
from engine.search.perturbed_pass import Models, PerturbedPass, to_8_bit, to_pixels
from engine.search.result import Result

#: A trial with the ‖p_i‖₂ that a search found for it, one a point of the generator.
Find = tuple[Trial, Sequence[float]]


def random_directions(
    finds: Iterable[Find],
    generator: Generator,
    classifier: nn.Module,
    scales: dict[str, Tensor],
    *,
    layer_weights: Sequence[float],
    repetition: int = 1,
    slots: int = 128,
    device: str = "cpu",
    dtype: torch.dtype = torch.float32,
) -> Iterator[Result]:
    """What the classifier says where p is replaced by noise with the same ‖p_i‖₂ at each point.

    Yields a result a find, *changed* or *unchanged*: whether the classifier still gives the 8-bit
    picture its label. `repetition` draws another direction for every trial. Computed in blocks of
    `slots` rows, the last one padded, as a search draws its sources.
    """
    perturbed = PerturbedPass(generator, scales, layer_weights, device=device, dtype=dtype)
    if slots > 1:
        slots = min(slots, slots_that_fit(Models(perturbed, classifier), dtype))
    remaining = iter(finds)
    while block := list(islice(remaining, slots)):
        padded = block + block[-1:] * (slots - len(block))
        yield from _block(padded, perturbed, classifier, repetition, device, dtype)[: len(block)]


def random_direction(points: Sequence[Point], norms: Sequence[float], seed: int) -> list[Tensor]:
    """Gaussian noise of each point's shape, scaled to its ‖p_i‖₂; the same on every device."""
    draws = torch.Generator().manual_seed(seed)
    noise = [torch.randn(point.shape, generator=draws) for point in points]
    return [norm * n / n.norm() for norm, n in zip(norms, noise, strict=True)]


@torch.no_grad()
def _block(
    finds: Sequence[Find],
    perturbed: PerturbedPass,
    classifier: nn.Module,
    repetition: int,
    device: str,
    dtype: torch.dtype,
) -> list[Result]:
    began = perf_counter()
    points = [perturbed.generator.points[index] for index in perturbed.active]
    trials = [trial for trial, _ in finds]
    norms = [[magnitudes[index] for index in perturbed.active] for _, magnitudes in finds]
    drawn = [
        random_direction(points, norms_of_trial, _seed(trial, repetition))
        for trial, norms_of_trial in zip(trials, norms, strict=True)
    ]
    p = [torch.stack(parts).to(device, dtype) for parts in zip(*drawn, strict=True)]
    z = torch.stack([perturbed.generator.latent(trial.seed) for trial in trials])
    labels = torch.tensor([trial.label for trial in trials], device=device)
    targets = torch.tensor(
        [UNTARGETED if trial.target is None else trial.target for trial in trials], device=device
    )
    activation, condition = perturbed.prefix(z.to(device, dtype), labels)
    sources = perturbed.suffix(activation, condition)
    source_logits = classifier(to_8_bit(sources)).float().cpu().numpy()
    images = perturbed.image(activation, condition, labels, p)
    logits = classifier(to_8_bit(images))
    margin = margins(logits, labels, targets).tolist()
    logits = logits.float().cpu().numpy()
    before, after = to_pixels(sources).cpu().numpy(), to_pixels(images).cpu().numpy()
    seconds = (perf_counter() - began) / len(finds)
    results = []
    for row, (trial, magnitudes) in enumerate(finds):
        shared = {
            "trial": trial,
            "steps": 0,
            "seconds": seconds,
            "source": before[row].copy(),
            "source_logits": source_logits[row].copy(),
        }
        if not np.isfinite(logits[row]).all():
            reason = "The classifier's output is not finite."
            results.append(Result(**shared, outcome="failed", reason=reason))
            continue
        results.append(
            Result(
                **shared,
                outcome="unchanged" if logits[row].argmax() == trial.label else "changed",
                stimulus=after[row].copy(),
                logits=logits[row].copy(),
                magnitude=float(np.linalg.norm(norms[row])),
                magnitudes=tuple(magnitudes),
                margin=margin[row],
            )
        )
    return results


def _seed(trial: Trial, repetition: int) -> int:
    """Of its own stream: the trial's seed itself draws z."""
    state = np.random.SeedSequence((trial.seed, repetition)).generate_state(1, np.uint64)
    return int(state[0] >> np.uint64(11))
