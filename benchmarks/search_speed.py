"""Trial-steps per second: the engine against the plain loop and against the machine's floor.

    python -m benchmarks.search_speed [--threads 4] [--device cuda] [--pairs mnist-conv …]
        [--turns 3] [--json FILE]

The plain loop (`benchmarks.plain_loop`) makes one trial at a time; for BigGAN it runs the stock
package, its weights frozen. As a loop around a package does, it generates from z at every step,
whatever is perturbed; *prefix kept* is a more careful loop that keeps what comes before the first
perturbed point, as the engine does.

Nothing is ever fooled, so that every trial makes all of its steps, while every pass, update and
projection is done as always; so is every test in the plain loop, while the engine on a CPU makes
those that can matter (`benchmarks.rounding_reach`). The sides take turns, and a ratio is the median
over the turns: what else the machine does meanwhile meets both. The floor is what the counted
operations and bytes take, one after the other, at the rates that a matrix product of that precision
and a copy reach in the same run.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median
from time import perf_counter

import torch
from torch.utils.flop_counter import FlopCounterMode

from benchmarks.model_pairs import Pair, biggan, mnist
from benchmarks.plain_loop import plain_search
from benchmarks.record import FOLDER, line, markdown, read_rows, write_rows
from engine.devices import keep_float32
from engine.experiment import Schedule, Trial
from engine.search.memory import bytes_per_trial
from engine.search.perturbed_pass import Models, PerturbedPass
from engine.search.run import search


@dataclass(frozen=True)
class Set:
    """A pair and how it is run: slots side by side, trials altogether, steps of each."""

    build: Callable[[str], Pair]
    slots: int
    trials: int
    steps: int


CPU_SETS = {
    "mnist-conv": Set(mnist, 128, 128, 50),
    "biggan-deep-128": Set(lambda device: biggan(128, device), 4, 4, 8),
}
GPU_SETS = {
    "mnist-conv": Set(mnist, 256, 1024, 200),
    "biggan-deep-128": Set(lambda device: biggan(128, device), 64, 64, 40),
    "biggan-deep-512": Set(lambda device: biggan(512, device), 16, 16, 40),
}
RESULTS = FOLDER / "search_speed.json"
PRECISIONS = {"float32": None, "bfloat16": torch.bfloat16}


@dataclass(frozen=True)
class Row:
    """One subset at one precision of the gradients; trial-steps per second, and ratios."""

    pair: str
    subset: str
    gradients: str
    plain: float
    plain_prefix_kept: float
    engine: float
    ratio: float
    ratio_prefix_kept: float
    floor: float
    share_of_floor: float


@dataclass(frozen=True)
class Rates:
    """Operations per second of a matrix product, by precision; bytes per second of a copy."""

    products: dict[str, float]
    copy: float


def measure(name: str, one: Set, device: str, turns: int, rates: Rates) -> list[Row]:
    """All subsets and precisions of one pair."""
    pair = one.build(device)
    trials = pair.trials(one.trials)
    rows = []
    for subset in pair.subsets:
        settings = {
            "layer_weights": pair.weights(subset),
            "schedule": Schedule(0.004, 1e-6, 1.0, 0.0, budget=one.steps),
            "device": device,
        }
        plain_trial = _first_right(pair, trials, settings)

        def plain(prefix_kept: bool, trial: Trial = plain_trial, settings=settings) -> float:
            began = perf_counter()
            result = plain_search(
                trial,
                pair.plain_generator,
                pair.plain_classifier,
                pair.scales,
                stop_when_found=False,
                keep_prefix=prefix_kept,
                **settings,
            )
            return result.steps / (perf_counter() - began)

        def engine(gradient_dtype: torch.dtype | None, settings=settings) -> float:
            began = perf_counter()
            results = search(
                trials,
                pair.generator,
                pair.classifier,
                pair.scales,
                slots=one.slots,
                gradient_dtype=gradient_dtype,
                **settings,
            )
            return sum(result.steps for result in results) / (perf_counter() - began)

        sides: list[Callable[[], float]] = [lambda: plain(False), lambda: plain(True)]
        sides += [lambda dtype=dtype: engine(dtype) for dtype in PRECISIONS.values()]
        for side in sides:
            side()
        taken = [[side() for side in sides] for _ in range(turns)]
        whole, kept, *engines = zip(*taken, strict=True)
        for place, gradients in enumerate(PRECISIONS):
            floor = 1 / _floor_seconds(pair, subset, trials[0], device, gradients, rates)
            fast = engines[place]
            rows.append(
                Row(
                    name,
                    subset,
                    gradients,
                    median(whole),
                    median(kept),
                    median(fast),
                    median(a / b for a, b in zip(fast, whole, strict=True)),
                    median(a / b for a, b in zip(fast, kept, strict=True)),
                    floor,
                    median(fast) / floor,
                )
            )
            print(line(_cells(rows[-1])), flush=True)
    return rows


def _first_right(pair: Pair, trials: list[Trial], settings: dict) -> Trial:
    short = {**settings, "schedule": Schedule(0.004, 1e-6, 1.0, 0.0, budget=1)}
    models = (pair.plain_generator, pair.plain_classifier, pair.scales)
    return next(trial for trial in trials if plain_search(trial, *models, **short).steps)


def _floor_seconds(
    pair: Pair, subset: str, trial: Trial, device: str, gradients: str, rates: Rates
) -> float:
    """Seconds that a trial-step's operations and bytes take at the measured rates, in turn.

    Operations: the pass and its gradient, and on a GPU, which makes it at every step, the test of
    the 8-bit image. Bytes: what is kept for the gradient, and p with its moments, each written once
    and read once; activations take half of them in bfloat16.
    """
    perturbed = PerturbedPass(pair.generator, pair.scales, pair.weights(subset), device=device)
    labels = torch.tensor([trial.label], device=device)
    with torch.no_grad():
        z = pair.generator.latent(trial.seed)[None].to(device)
        activation, condition = perturbed.prefix(z, labels)
    p = [torch.zeros((1, *shape), requires_grad=True, device=device) for shape in perturbed.shapes]
    with FlopCounterMode(display=False) as counter:
        images = perturbed.image(activation, condition, labels, p)
        torch.autograd.grad(pair.classifier(images).sum(), p)
        if device != "cpu":
            with torch.no_grad():
                pair.classifier(images.detach())
    moved = 2 * bytes_per_trial(Models(perturbed, pair.classifier))
    if gradients == "bfloat16":
        state = 2 * 4 * sum(tensor.numel() * tensor.element_size() for tensor in p)
        moved = state + (moved - state) / 2
    return counter.get_total_flops() / rates.products[gradients] + moved / rates.copy


def machine_rates(device: str) -> Rates:
    """Measured here and now, the best of five."""
    size, length = (2048, 2**25) if device == "cpu" else (8192, 2**29)
    source = torch.randn(length, device=device)
    target = torch.empty_like(source)

    def best(work: Callable[[], object]) -> float:
        seconds = []
        for _ in range(6):
            began = perf_counter()
            work()
            if device != "cpu":
                torch.cuda.synchronize()
            seconds.append(perf_counter() - began)
        return min(seconds[1:])

    products = {}
    for name in PRECISIONS:
        a = torch.randn(size, size, device=device).to(getattr(torch, name))
        products[name] = 2 * size**3 / best(lambda a=a: torch.mm(a, a))
    return Rates(products, 2 * source.nbytes / best(lambda: target.copy_(source)))


HEADINGS = (
    "generator",
    "points",
    "gradients",
    "plain loop",
    "prefix kept",
    "engine",
    "ratio",
    "to prefix kept",
    "floor",
    "of it",
)


def table(rows: list[Row]) -> str:
    """In Markdown, as the document has it."""
    return markdown(HEADINGS, map(_cells, rows))


def recorded() -> list[Row]:
    """What was measured last."""
    return read_rows(RESULTS, Row)


def _cells(row: Row) -> tuple[str, ...]:
    figures = (row.plain, row.plain_prefix_kept, row.engine, row.ratio, row.ratio_prefix_kept)
    shown = (f"{figure:.4g}" for figure in (*figures, row.floor))
    return row.pair, row.subset, row.gradients, *shown, f"{row.share_of_floor:.0%}"


def main() -> None:
    """Print the table; write it with the machine's rates where `--json` says."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--pairs", nargs="+", help="default: all that the device can run")
    parser.add_argument("--turns", type=int, default=3)
    parser.add_argument("--json", type=Path, help="also write the figures here")
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    keep_float32()  # as the catalogue does when it loads a model
    sets = CPU_SETS if arguments.device == "cpu" else GPU_SETS
    rates = machine_rates(arguments.device)
    told = ", ".join(f"{rate / 1e9:.0f} GFLOP/s in {name}" for name, rate in rates.products.items())
    print(f"{arguments.device}, {arguments.threads} threads, torch {torch.__version__}, {told},")
    print(f"{rates.copy / 1e9:.1f} GB/s copied; trial-steps a second:\n")
    print(table([]))
    rows: list[Row] = []
    for name in arguments.pairs or sets:
        rows += measure(name, sets[name], arguments.device, arguments.turns, rates)
    if arguments.json:
        device = "cpu" if arguments.device == "cpu" else torch.cuda.get_device_name()
        machine = {"device": device, "threads": arguments.threads, **asdict(rates)}
        write_rows(arguments.json, rows, machine)


if __name__ == "__main__":
    main()
