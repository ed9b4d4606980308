"""Trial-steps per second: the batched search against the plain loop, in one process.

    python -m benchmarks.search_speed [--threads 4] [--slots 128] [--trials 1024] [--json FILE]

Every trial makes exactly 200 steps: the bound is held so small that nothing is ever fooled, while
every pass, test, update and projection is done as always. Skipped trials are not counted.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
from dataclasses import asdict, dataclass
from itertools import islice
from pathlib import Path
from time import perf_counter

import torch

from benchmarks.plain_loop import plain_search
from engine.catalogue import catalogue, layer_weights, load_classifier, load_generator
from engine.experiment import Schedule, progression
from engine.search.run import search

BUNDLED = Path(__file__).parents[1] / "data" / "bundled"
HELD = Schedule(0.004, 1e-4, 1.0, 0.0, budget=200)


@dataclass(frozen=True)
class Row:
    """One preset: trial-steps per second of both, and how many times faster the engine is."""

    classifier: str
    subset: str
    plain: float
    engine: float
    ratio: float


def measure(
    classifier_name: str, subset: str, *, slots: int, trials: int, plain_trials: int
) -> Row:
    """Time both on the same progression; the plain loop before and after the engine."""
    entries = catalogue()
    generator = load_generator(entries.generator("mnist-conv"), [BUNDLED])
    classifier = load_classifier(entries.classifier(classifier_name), [BUNDLED]).module
    weights = layer_weights(generator.entry, generator.module.points, subset)
    models = (generator.module, classifier, generator.scales)
    settings = {"layer_weights": weights, "schedule": HELD}

    def plain(count: int) -> tuple[int, float]:
        steps, seconds = 0, 0.0
        for trial in islice(progression(0, 10**6, 10), count):
            began = perf_counter()
            result = plain_search(trial, *models, stop_when_found=False, **settings)
            if result.outcome != "skipped":
                seconds += perf_counter() - began
                steps += result.steps
        return steps, seconds

    plain(1)
    list(search(progression(1, slots, 10), *models, slots=slots, **_short(settings)))
    before = plain(plain_trials)
    began = perf_counter()
    results = search(progression(0, trials, 10), *models, slots=slots, **settings)
    engine_steps = sum(result.steps for result in results)
    engine = engine_steps / (perf_counter() - began)
    after = plain(plain_trials)
    slow = (before[0] + after[0]) / (before[1] + after[1])
    return Row(classifier_name, subset, slow, engine, engine / slow)


def _short(settings: dict[str, object]) -> dict[str, object]:
    """The same settings with few steps, to warm up."""
    return {**settings, "schedule": Schedule(0.004, 1e-4, 1.0, 0.0, budget=5)}


def main() -> None:
    """Print the table; write it with the machine's name where `--json` says."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--slots", type=int, default=128)
    parser.add_argument("--trials", type=int, default=1024)
    parser.add_argument("--plain-trials", type=int, default=6)
    parser.add_argument("--classifiers", nargs="+", default=["mnist-standard", "mnist-robust"])
    parser.add_argument("--subsets", nargs="+", default=["all", "first", "last"])
    parser.add_argument("--json", type=Path, help="also write the figures here")
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    print(f"{arguments.threads} threads, {arguments.slots} slots, torch {torch.__version__}")
    print(f"{'classifier':16} {'subset':7} {'plain/s':>9} {'engine/s':>9} {'ratio':>6}")
    rows = []
    for classifier in arguments.classifiers:
        for subset in arguments.subsets:
            row = measure(
                classifier,
                subset,
                slots=arguments.slots,
                trials=arguments.trials,
                plain_trials=arguments.plain_trials,
            )
            print(
                f"{classifier:16} {subset:7} {row.plain:9.0f} {row.engine:9.0f} {row.ratio:6.1f}",
                flush=True,
            )
            rows.append(asdict(row))
    if arguments.json:
        machine = {
            "processor": platform.processor() or platform.machine(),
            "torch": torch.__version__,
        }
        record = {"command": " ".join(sys.argv), "machine": machine, "rows": rows}
        arguments.json.write_text(json.dumps(record, indent=1) + "\n")


if __name__ == "__main__":
    main()
