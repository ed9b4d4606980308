"""Trial-steps per second of BigGAN-deep-128 with ResNet50: the engine against the plain loop.

    python -m benchmarks.biggan_speed [--threads 4] [--slots 4] [--repeats 3] [--json FILE]

The plain loop runs the stock package, one trial at a time, its weights frozen. Both have the real
architectures with the same random weights, which cost the same (the real ones need a network). As
in `benchmarks.search_speed` nothing is ever fooled, so that each trial makes all of its steps. The
two sides take turns, and a ratio is the median over the turns: what else the machine does then
meets both. The floor is what the counted operations and bytes take at the rates that a matrix
product and a copy reach in the same run.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
from copy import deepcopy
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median
from time import perf_counter

import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode
from torchvision.models import resnet50

from benchmarks.plain_loop import plain_search
from engine.classifiers.interface import Classifier
from engine.experiment import Schedule, Trial
from engine.generators.biggan import BigGanDeep
from engine.generators.biggan_points import configuration
from engine.generators.interface import Generator
from engine.imagenet_generators import IMAGENET_GENERATORS
from engine.search.memory import bytes_per_trial
from engine.search.perturbed_pass import Models, PerturbedPass
from engine.search.run import search
from tests.engine.generators.biggan_models import random_biggan

STEPS = 8
HELD = Schedule(0.004, 1e-6, 1.0, 0.0, budget=STEPS)


@dataclass(frozen=True)
class Row:
    """One preset: trial-steps per second of both, the ratio, and the floor in trial-steps."""

    subset: str
    plain: float
    engine: float
    ratio: float
    floor: float
    share_of_floor: float


def random_models() -> tuple[Generator, Generator, nn.Module, dict[str, torch.Tensor]]:
    """The stock package, the engine's generator with the same weights, ResNet50, and σ = 1."""
    config = configuration(128)
    plain = random_biggan(config)
    fast = BigGanDeep(config)
    fast.load_state_dict(plain.state_dict())
    fast.prepare(1.0)
    torch.manual_seed(0)
    network = resnet50(weights=None).eval().requires_grad_(False)
    classifier = Classifier(
        network,
        mean=(0.485, 0.456, 0.406),
        std=(0.229, 0.224, 0.225),
        size=224,
    )
    scales = {point.name: torch.ones(point.shape) for point in fast.points}
    return plain, fast, classifier, scales


def trials_with_something_to_do(
    generator: Generator, classifier: nn.Module, count: int
) -> list[Trial]:
    """Trials whose source the classifier gives its label; random weights say one of a few."""
    trials: list[Trial] = []
    label, seed = 0, 0
    while len(trials) < count:
        with torch.no_grad():
            z = generator.latent(seed).unsqueeze(0)
            labels = torch.tensor([label])
            perturbed = PerturbedPass(generator, _ones(generator), [1.0] * len(generator.points))
            images = perturbed.suffix(*perturbed.prefix(z, labels))
            said = int(classifier(images).argmax())
        if said == label:
            trials.append(Trial(len(trials), label, (label + 1) % 1000, seed))
            seed += 1
        else:
            label, seed = said, seed + 1
    return trials


def _ones(generator: Generator) -> dict[str, torch.Tensor]:
    return {point.name: torch.ones(point.shape) for point in generator.points}


def measure(subset: str, slots: int, repeats: int, rates: tuple[float, float]) -> Row:
    """Both sides in turn, and the floor."""
    plain, fast, classifier, scales = random_models()
    prepared = deepcopy(classifier).to(memory_format=torch.channels_last)  # as the catalogue does
    names = IMAGENET_GENERATORS[0].presets[subset]
    weights = [float(point.name in names) for point in fast.points]
    trials = trials_with_something_to_do(fast, classifier, slots)
    settings = {"layer_weights": weights, "schedule": HELD}

    def run_plain() -> float:
        began = perf_counter()
        result = plain_search(
            trials[0], plain, classifier, scales, stop_when_found=False, **settings
        )
        return result.steps / (perf_counter() - began)

    def run_engine() -> float:
        began = perf_counter()
        results = search(trials, fast, prepared, scales, slots=slots, **settings)
        return sum(result.steps for result in results) / (perf_counter() - began)

    run_plain(), run_engine()
    turns = [(run_plain(), run_engine()) for _ in range(repeats)]
    slow, quick = (median(side) for side in zip(*turns, strict=True))
    ratio = median(quick / slow for slow, quick in turns)
    floor = 1 / _floor_seconds(fast, classifier, scales, weights, trials[0], rates)
    return Row(subset, slow, quick, ratio, floor, quick / floor)


def _floor_seconds(
    generator: Generator,
    classifier: nn.Module,
    scales: dict[str, torch.Tensor],
    weights: list[float],
    trial: Trial,
    rates: tuple[float, float],
) -> float:
    """Seconds that a trial-step's operations and bytes take at the measured rates, in turn.

    Operations: the pass and its gradient, and the test of the 8-bit image. Bytes: what is kept for
    the gradient, and p with its moments, each written once and read once.
    """
    perturbed = PerturbedPass(generator, scales, weights)
    labels = torch.tensor([trial.label])
    with torch.no_grad():
        activation, condition = perturbed.prefix(generator.latent(trial.seed)[None], labels)
    p = [torch.zeros((1, *shape), requires_grad=True) for shape in perturbed.shapes]
    with FlopCounterMode(display=False) as counter:
        images = perturbed.image(activation, condition, labels, p)
        torch.autograd.grad(classifier(images).sum(), p)
        with torch.no_grad():
            classifier(images.detach())
    moved = 2 * bytes_per_trial(Models(perturbed, classifier))
    return counter.get_total_flops() / rates[0] + moved / rates[1]


def machine_rates() -> tuple[float, float]:
    """Operations per second of a matrix product, bytes per second of a copy (read and written)."""
    a, b = torch.randn(2048, 2048), torch.randn(2048, 2048)
    source, target = torch.randn(2**25), torch.empty(2**25)

    def best(work) -> float:
        work()
        seconds = []
        for _ in range(5):
            began = perf_counter()
            work()
            seconds.append(perf_counter() - began)
        return min(seconds)

    product = best(lambda: torch.mm(a, b))
    copy = best(lambda: target.copy_(source))
    return 2 * 2048**3 / product, 2 * source.nbytes / copy


def main() -> None:
    """Print the table; write it with the machine's rates where `--json` says."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--slots", type=int, default=4)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--json", type=Path, help="also write the figures here")
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    rates = machine_rates()
    print(
        f"biggan-deep-128 with resnet50, {arguments.threads} threads, {arguments.slots} slots,"
        f" {rates[0] / 1e9:.0f} GFLOP/s, {rates[1] / 1e9:.1f} GB/s"
    )
    print(f"{'subset':12} {'plain/s':>8} {'engine/s':>9} {'ratio':>6} {'floor/s':>8} {'of it':>6}")
    rows = []
    for subset in IMAGENET_GENERATORS[0].presets:
        row = measure(subset, arguments.slots, arguments.repeats, rates)
        print(
            f"{subset:12} {row.plain:8.2f} {row.engine:9.2f} {row.ratio:6.2f} {row.floor:8.1f}"
            f" {row.share_of_floor:6.0%}",
            flush=True,
        )
        rows.append(asdict(row))
    if arguments.json:
        machine = {
            "processor": platform.processor() or platform.machine(),
            "threads": arguments.threads,
            "torch": torch.__version__,
            "flops_per_second": rates[0],
            "bytes_per_second": rates[1],
        }
        record = {"command": " ".join(sys.argv), "machine": machine, "rows": rows}
        arguments.json.write_text(json.dumps(record, indent=1) + "\n")


if __name__ == "__main__":
    main()
