"""What an ImageNet experiment of 240 trials × 4 classifiers × 4 subsets costs, from measured steps.

    python -m benchmarks.experiment_cost --measure    # minutes: times steps, writes STEPS
    python -m benchmarks.experiment_cost              # the table in docs/experiments.md

On the processor the time of a step is measured, with one thread, one trial and weights drawn at
random (a step takes as long whatever they are); the operations and bytes of the step are counted.
For a GPU nothing is measured: its figures are an estimate, three times the floor that the counted
operations and bytes have at a stated matrix rate and bandwidth.
"""

from __future__ import annotations

import argparse
import json
import platform
from dataclasses import asdict, dataclass
from pathlib import Path
from time import perf_counter

import torch
import torchvision
from torch.utils.flop_counter import FlopCounterMode

from app.figures import duration
from engine.catalogue import catalogue, layer_weights
from engine.classifiers.interface import Classifier
from engine.experiment import Schedule, Trial
from engine.generators.interface import Generator
from engine.search.run import SearchRun

STEPS = Path(__file__).parents[1] / "docs" / "benchmarks" / "imagenet_steps.json"
#: The subsets are the four of each generator: all, first, middle, last.
TRIALS, CLASSIFIERS = 240, 4
#: Nothing is ever fooled within so small a bound, so that every step is a whole one.
HELD = Schedule(0.03, 1e-6, 1.0, 0.0, budget=1000)
TIMED_STEPS = 3
#: An H100: its matrix rate in TF32, which float32 convolutions may use, and its memory's bandwidth.
GPU_FLOPS, GPU_BYTES, ABOVE_FLOOR = 400e12, 3.0e12, 3.0
#: p, its gradient and Adam's two moments, each read and written once a step.
TRAFFIC = 8 * 4


@dataclass(frozen=True)
class Step:
    """One trial-step: seconds on one thread, floating-point operations, perturbed scalars."""

    generator: str
    subset: str
    cpu_seconds: float
    operations: float
    scalars: int

    @property
    def gpu_seconds(self) -> float:
        """The estimate for a GPU: not measured."""
        floor = self.operations / GPU_FLOPS + self.scalars * TRAFFIC / GPU_BYTES
        return ABOVE_FLOOR * floor


def measure(name: str) -> list[Step]:
    """The steps of one generator with a ResNet50, for each subset."""
    torch.manual_seed(0)
    entry = catalogue().generator(name)
    generator = entry.build().eval().requires_grad_(False)
    for module in generator.modules():
        if hasattr(module, "weight_orig"):  # else a random network's output is infinite
            left, _, right = torch.svd_lowrank(module.weight_orig.flatten(1), q=1, niter=8)
            module.weight_u.copy_(left[:, 0])
            module.weight_v.copy_(right[:, 0])
    generator.prepare(1.0)
    network = torchvision.models.resnet50(weights=None).eval().requires_grad_(False)
    classifier = Classifier(network, mean=(0.5,) * 3, std=(0.5,) * 3, size=224)
    trial = _recognised(generator, classifier)
    scales = {point.name: torch.ones(point.shape) for point in generator.points}
    steps = []
    for subset in entry.presets:
        weights = layer_weights(entry, generator.points, subset)
        run = SearchRun(
            [trial], generator, classifier, scales, layer_weights=weights, schedule=HELD, slots=1
        )
        run.step()
        seconds = []
        for _ in range(TIMED_STEPS):
            began = perf_counter()
            run.step()
            seconds.append(perf_counter() - began)
        with FlopCounterMode(display=False) as counter:
            run.step()
        used = zip(generator.points, weights, strict=True)
        scalars = sum(point.size for point, weight in used if weight)
        steps.append(Step(name, subset, min(seconds), float(counter.get_total_flops()), scalars))
        print(steps[-1], flush=True)
    return steps


def _recognised(generator: Generator, classifier: Classifier) -> Trial:
    """A trial whose source the random classifier gives its label: it says the same of all."""
    with torch.no_grad():
        image = generator(generator.latent(0).unsqueeze(0), torch.tensor([0])).clamp(0, 1)
        label = int(classifier(image).argmax())
    return Trial(0, label, None, 0)


def table(steps: list[Step], mean_steps: float) -> str:
    """Markdown: the cost of TRIALS × CLASSIFIERS × the subsets with so many steps a trial."""
    lines = [
        "| generator | 1 CPU core, measured | 1 GPU, estimate | 8 GPUs, estimate |",
        "| --- | --- | --- | --- |",
    ]
    for name in dict.fromkeys(step.generator for step in steps):
        own = [step for step in steps if step.generator == name]
        each = TRIALS * CLASSIFIERS * mean_steps
        cpu = sum(step.cpu_seconds for step in own) * each
        gpu = sum(step.gpu_seconds for step in own) * each
        lines.append(f"| {name} | {_long(cpu)} | {_long(gpu)} | {_long(gpu / 8)} |")
    return "\n".join(lines)


def _long(seconds: float) -> str:
    return f"{seconds / 86400:.1f} days" if seconds > 2 * 86400 else duration(seconds)


def main() -> None:
    """Measure, or print the table of what was measured."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--measure", action="store_true", help=f"time steps, and write {STEPS.name}"
    )
    parser.add_argument(
        "--generators", nargs="+", default=["biggan-deep-128", "biggan-deep-512"], metavar="NAME"
    )
    parser.add_argument(
        "--steps", type=float, default=200.0, help="of a trial (default: 200, the whole budget)"
    )
    arguments = parser.parse_args()
    if arguments.measure:
        torch.set_num_threads(1)
        steps = [step for name in arguments.generators for step in measure(name)]
        machine = {"processor": platform.machine(), "torch": torch.__version__, "threads": 1}
        record = {"machine": machine, "steps": [asdict(step) for step in steps]}
        STEPS.write_text(json.dumps(record, indent=1) + "\n")
    steps = [Step(**one) for one in json.loads(STEPS.read_text())["steps"]]
    print(table(steps, arguments.steps))


if __name__ == "__main__":
    main()
