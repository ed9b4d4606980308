"""What an ImageNet experiment of 240 trials × 4 classifiers × 4 subsets costs, from measured steps.

    python -m benchmarks.experiment_cost --measure                            # minutes
    python -m benchmarks.experiment_cost --measure --device cuda --slots 64   # on a GPU
    python -m benchmarks.experiment_cost              # the table in docs/experiments.md

Both measure steps with weights drawn at random (a step takes as long whatever they are), and write
them to STEPS: on the processor with one thread and one trial, where the operations and bytes of the
step are counted, too; on a GPU with every slot filled, from one synchronisation to the next. A
generator whose steps no GPU has run has computed figures for it, and they are
marked so: three times the floor that the counted operations and bytes have at a stated matrix rate
and bandwidth.
"""

from __future__ import annotations

import argparse
import json
import platform
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from time import perf_counter
from typing import Any

import torch
import torchvision
from torch import Tensor
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
#: On a GPU: steps before the clock runs (kernels are chosen, graphs recorded), and steps timed.
WARM_STEPS, TIMED_GPU_STEPS = 8, 30
#: So many sources are looked at for each one that the classifier must recognise.
MOST_SEEDS = 10
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
    def computed_gpu_seconds(self) -> float:
        """What a GPU at the stated rates may take: not measured."""
        floor = self.operations / GPU_FLOPS + self.scalars * TRAFFIC / GPU_BYTES
        return ABOVE_FLOOR * floor


@dataclass(frozen=True)
class GpuStep:
    """Seconds of one trial-step where so many slots are full, measured on a device."""

    generator: str
    subset: str
    seconds: float
    slots: int


def random_models(name: str) -> tuple[Generator, Classifier]:
    """The generator of that name and a ResNet50, both with weights drawn at random."""
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
    return generator, Classifier(network, mean=(0.5,) * 3, std=(0.5,) * 3, size=224)


def measure(name: str) -> list[Step]:
    """The steps of one generator with a ResNet50 on one thread, for each subset."""
    entry, (generator, classifier) = catalogue().generator(name), random_models(name)
    [trial] = _recognised(generator, classifier, 1)
    scales = _ones(generator, "cpu")
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


def measure_full(
    generator: Generator,
    classifier: Classifier,
    weights: Sequence[float],
    *,
    device: str,
    slots: int,
) -> tuple[float, int]:
    """Seconds of a trial-step with every slot full, and how many slots the memory had room for.

    The device has done all that was asked of it when the clock starts, and when it stops.
    """
    generator, classifier = generator.to(device), classifier.to(device)
    run = SearchRun(
        _recognised(generator, classifier, slots, device),
        generator,
        classifier,
        _ones(generator, device),
        layer_weights=weights,
        schedule=HELD,
        slots=slots,
        device=device,
    )
    for _ in range(WARM_STEPS):
        run.step()
    _synchronise(device)
    began = perf_counter()
    for _ in range(TIMED_GPU_STEPS):
        run.step()
        assert run.busy == run.slots, "a slot is empty: the step is not a whole one"
    _synchronise(device)
    return (perf_counter() - began) / TIMED_GPU_STEPS / run.slots, run.slots


def measure_gpu(name: str, device: str, slots: int) -> list[GpuStep]:
    """The full steps of one generator with a ResNet50 on the device, for each subset."""
    entry, (generator, classifier) = catalogue().generator(name), random_models(name)
    steps = []
    for subset in entry.presets:
        weights = layer_weights(entry, generator.points, subset)
        seconds, fitting = measure_full(generator, classifier, weights, device=device, slots=slots)
        steps.append(GpuStep(name, subset, seconds, fitting))
        print(steps[-1], flush=True)
    return steps


def _synchronise(device: str) -> None:
    if device.startswith("cuda"):
        torch.cuda.synchronize(device)


def _ones(generator: Generator, device: str) -> dict[str, Tensor]:
    return {point.name: torch.ones(point.shape, device=device) for point in generator.points}


def _recognised(
    generator: Generator, classifier: Classifier, count: int, device: str = "cpu"
) -> list[Trial]:
    """Trials whose sources the random classifier gives their labels: it says the same of most."""
    label = _said(generator, classifier, 0, 0, device)
    trials: list[Trial] = []
    for seed in range(MOST_SEEDS * count):
        if _said(generator, classifier, label, seed, device) == label:
            trials.append(Trial(len(trials), label, None, seed))
        if len(trials) == count:
            return trials
    raise RuntimeError(f"Of {MOST_SEEDS * count} sources not {count} are given their label.")


@torch.no_grad()
def _said(generator: Generator, classifier: Classifier, label: int, seed: int, device: str) -> int:
    latent = generator.latent(seed).unsqueeze(0).to(device)
    image = generator(latent, torch.tensor([label], device=device)).clamp(0, 1)
    return int(classifier((image * 255).round() / 255).argmax())


def table(steps: Sequence[Step], gpu: Sequence[GpuStep], mean_steps: float) -> str:
    """Markdown: the cost of TRIALS × CLASSIFIERS × the subsets with so many steps a trial."""
    lines = ["| generator | 1 CPU core | 1 GPU | 8 GPUs |", "| --- | --- | --- | --- |"]
    each = TRIALS * CLASSIFIERS * mean_steps
    for name in dict.fromkeys(step.generator for step in steps):
        own = [step for step in steps if step.generator == name]
        measured = {step.subset: step.seconds for step in gpu if step.generator == name}
        cpu = sum(step.cpu_seconds for step in own) * each
        if all(step.subset in measured for step in own):
            one, how = sum(measured[step.subset] for step in own) * each, "measured"
        else:
            one, how = sum(step.computed_gpu_seconds for step in own) * each, "computed"
        lines.append(
            f"| {name} | {_long(cpu)}, measured | {_long(one)}, {how} |"
            f" {_long(one / 8)}, computed |"
        )
    return "\n".join(lines)


def read_steps() -> tuple[list[Step], list[GpuStep]]:
    """What was measured so far, on the processor and on a GPU."""
    record = json.loads(STEPS.read_text())
    gpu = record.get("gpu", {}).get("steps", [])
    return [Step(**one) for one in record["steps"]], [GpuStep(**one) for one in gpu]


def write_steps(part: Mapping[str, Any]) -> None:
    """Put one device's record beside the other's."""
    record = json.loads(STEPS.read_text()) if STEPS.exists() else {}
    STEPS.write_text(json.dumps({**record, **part}, indent=1) + "\n")


def _long(seconds: float) -> str:
    return f"{seconds / 86400:.1f} days" if seconds > 2 * 86400 else duration(seconds)


def main() -> None:
    """Measure, or print the table of what was measured."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--measure", action="store_true", help=f"time steps, and write {STEPS.name}"
    )
    parser.add_argument("--device", default="cpu", help="what to measure: cpu (default) or cuda")
    parser.add_argument(
        "--slots", type=int, default=64, metavar="N", help="of a GPU, at most (default: 64)"
    )
    parser.add_argument(
        "--generators", nargs="+", default=["biggan-deep-128", "biggan-deep-512"], metavar="NAME"
    )
    parser.add_argument(
        "--steps", type=float, default=200.0, help="of a trial (default: 200, the whole budget)"
    )
    arguments = parser.parse_args()
    if arguments.measure and arguments.device == "cpu":
        torch.set_num_threads(1)
        steps = [step for name in arguments.generators for step in measure(name)]
        machine = {"processor": platform.machine(), "torch": torch.__version__, "threads": 1}
        write_steps({"machine": machine, "steps": [asdict(step) for step in steps]})
    elif arguments.measure:
        device = arguments.device
        gpu = [
            s for name in arguments.generators for s in measure_gpu(name, device, arguments.slots)
        ]
        machine = {"gpu": torch.cuda.get_device_name(device), "torch": torch.__version__}
        write_steps({"gpu": {"machine": machine, "steps": [asdict(step) for step in gpu]}})
    print(table(*read_steps(), arguments.steps))


if __name__ == "__main__":
    main()
