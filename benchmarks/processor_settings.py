"""What `python -m app` sets for a processor: how threads wait, and what the allocator keeps.

    python -m benchmarks.processor_settings [--turns 3] [--json FILE]

A search of BigGAN-deep-128 with ResNet50 (real architectures, random weights), all points, one
slot, with the machine to itself and then two of them side by side, as an experiment beside Explore
is. Each search is a process with a thread a core. The settings take turns, and each figure is the
median over the turns: seconds between two steps, and processor seconds that a step took.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from statistics import mean, median

from benchmarks.record import FOLDER, markdown, read_rows, write_rows

SECONDS = 12.0
RESULTS = FOLDER / "processor_settings.json"
HEADINGS = ("settings", "a step alone, s", "beside another search, s", "processor seconds a step")
#: By name: the environment's OMP_WAIT_POLICY, and whether freed memory is kept.
SETTINGS = {
    "as `python -m app` sets them": ("PASSIVE", True),
    "freed memory given back": ("PASSIVE", False),
    "threads that spin": ("ACTIVE", True),
}


@dataclass(frozen=True)
class Row:
    """Seconds a step alone and two side by side, and processor seconds a step alone."""

    settings: str
    alone: float
    beside_another: float
    processor_seconds: float


def _steps(count: int, policy: str, keep: bool) -> list[tuple[float, float]]:
    """Seconds and processor seconds of a step, of each of `count` searches at once."""
    environment = {**os.environ, "OMP_WAIT_POLICY": policy}
    command = [*(sys.executable, "-m", "benchmarks.processor_settings", "--one", str(int(keep)))]
    processes = [
        subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stdin=subprocess.PIPE)
        for _ in range(count)
    ]
    for process in processes:
        assert process.stdout is not None
        process.stdout.readline()  # loaded and warm
    told = []
    for process in processes:
        assert process.stdin is not None
        process.stdin.write(b"go\n")
        process.stdin.flush()
    for process in processes:
        out, _ = process.communicate(timeout=600)
        told.append(tuple(json.loads(out.splitlines()[-1])))
    return told


def _search(keep: bool) -> None:
    from time import perf_counter, process_time

    import torch

    from benchmarks.model_pairs import biggan
    from engine.allocator import keep_freed_memory
    from engine.experiment import Schedule
    from engine.search.run import SearchRun

    if keep:
        keep_freed_memory()
    torch.set_num_threads(len(os.sched_getaffinity(0)))
    pair = biggan(128)
    run = SearchRun(
        pair.trials(1),
        pair.generator,
        pair.classifier,
        pair.scales,
        layer_weights=pair.weights("all"),
        schedule=Schedule(0.004, 1e-6, 1.0, 0.0, budget=100_000),
        slots=1,
    )
    for _ in range(3):
        run.step()
    print("ready", flush=True)
    sys.stdin.readline()
    began, worked, steps = perf_counter(), process_time(), 0
    while perf_counter() - began < SECONDS:
        run.step()
        steps += 1
    print(json.dumps([(perf_counter() - began) / steps, (process_time() - worked) / steps]))


def table(rows: list[Row]) -> str:
    """In Markdown, as the document has it."""
    return markdown(HEADINGS, map(_cells, rows))


def _cells(row: Row) -> tuple[str, ...]:
    figures = (row.alone, row.beside_another, row.processor_seconds)
    return row.settings, *(f"{figure:.2f}" for figure in figures)


def recorded() -> list[Row]:
    """What was measured last."""
    return read_rows(RESULTS, Row)


def main() -> None:
    """Print the table; write it where `--json` says."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--one", type=int, help=argparse.SUPPRESS)
    parser.add_argument("--turns", type=int, default=3)
    parser.add_argument("--json", type=Path, help="also write the figures here")
    arguments = parser.parse_args()
    if arguments.one is not None:
        _search(bool(arguments.one))
        return
    alone: dict[str, list[tuple[float, float]]] = {name: [] for name in SETTINGS}
    beside: dict[str, list[float]] = {name: [] for name in SETTINGS}
    for _ in range(arguments.turns):
        for name, (policy, keep) in SETTINGS.items():
            alone[name] += _steps(1, policy, keep)
            beside[name].append(mean(seconds for seconds, _ in _steps(2, policy, keep)))
    rows = []
    for name in SETTINGS:
        seconds, worked = (median(side) for side in zip(*alone[name], strict=True))
        rows.append(Row(name, seconds, median(beside[name]), worked))
    print(table(rows))
    if arguments.json:
        write_rows(arguments.json, rows, {"cores": os.cpu_count()})


if __name__ == "__main__":
    main()
