"""Peak memory of a search against its slots, each measured in a process of its own.

    python -m benchmarks.memory [--json FILE]

What the process held before the search began (models, libraries) is in the figures, since it has to
be there; beside them, what `engine.search.memory` counts for one more slot, which is what decides
how many slots there are. BigGAN-deep-128 with ResNet50 has real architectures and random weights.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from collections.abc import Callable
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path

import torch

from benchmarks.model_pairs import Pair, biggan, mnist
from benchmarks.record import FOLDER, line, markdown, read_rows, write_rows
from engine.experiment import Schedule
from engine.search.run import SearchRun

STEPS = 3
HELD = Schedule(0.004, 1e-6, 1.0, 0.0, budget=STEPS)
MEGABYTE = 2**20
RESULTS = FOLDER / "memory.json"
HEADINGS = (
    "models",
    "gradients",
    "slots",
    "before, MB",
    "peak, MB",
    "counted for one more slot, MB",
)


@dataclass(frozen=True)
class Row:
    """Megabytes: before the search, at its peak, and counted for one slot more."""

    models: str
    precision: str
    slots: int
    before: float
    peak: float
    counted_per_slot: float


MODELS: dict[str, Callable[[], Pair]] = {
    "mnist-conv, mnist-standard": mnist,
    "biggan-deep-128, resnet50": partial(biggan, 128),
}
SLOTS = {
    "mnist-conv, mnist-standard": (1, 8, 32, 128),
    "biggan-deep-128, resnet50": (1, 2, 4, 8),
}
GRADIENTS = {"float32": None, "bfloat16": torch.bfloat16}


def measure(models: str, slots: int, precision: str = "float32") -> Row:
    """All points perturbed, in a process of its own, so that nothing is left of another search."""
    command = [sys.executable, "-m", "benchmarks.memory", "--one", models, str(slots), precision]
    told = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    return Row(**json.loads(told.splitlines()[-1]))


def _measure_here(models: str, slots: int, precision: str) -> Row:
    pair = MODELS[models]()
    generator, classifier, scales = pair.generator, pair.classifier, pair.scales
    weights, trials = pair.weights("all"), pair.trials(slots)
    del pair  # and with it the package's own, which no search holds
    before = _resident("VmRSS")
    Path("/proc/self/clear_refs").write_text("5")  # the peak starts again from here
    run = SearchRun(
        trials,
        generator,
        classifier,
        scales,
        layer_weights=weights,
        schedule=HELD,
        slots=slots,
        gradient_dtype=GRADIENTS[precision],
    )
    if run.slots < slots:
        raise MemoryError(f"{slots} slots do not fit into this machine's memory.")
    while not run.finished:
        run.step()
    peak = _resident("VmHWM")
    return Row(models, precision, slots, before, peak, run.bytes_per_slot / MEGABYTE)


def _resident(name: str) -> float:
    """A figure of this process in megabytes: VmRSS (now) or VmHWM (the peak)."""
    told = Path("/proc/self/status").read_text().splitlines()
    [found] = [one for one in told if one.startswith(name)]
    return int(found.split()[1]) / 1024


def table(rows: list[Row]) -> str:
    """In Markdown, as the document has it."""
    return markdown(HEADINGS, map(_cells, rows))


def _cells(row: Row) -> tuple[object, ...]:
    figures = f"{row.before:.0f}", f"{row.peak:.0f}", f"{row.counted_per_slot:.1f}"
    return row.models, row.precision, row.slots, *figures


def recorded() -> list[Row]:
    """What was measured last."""
    return read_rows(RESULTS, Row)


def main() -> None:
    """Print the table; write it where `--json` says."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--one", nargs=3, help=argparse.SUPPRESS)
    parser.add_argument("--json", type=Path, help="also write the figures here")
    arguments = parser.parse_args()
    if arguments.one:
        models, slots, precision = arguments.one
        print(json.dumps(asdict(_measure_here(models, int(slots), precision))))
        return
    print(table([]), flush=True)
    rows = []
    for models, counts in SLOTS.items():
        for precision in GRADIENTS:
            for slots in counts:
                rows.append(measure(models, slots, precision))
                print(line(_cells(rows[-1])), flush=True)
    if arguments.json:
        write_rows(arguments.json, rows)


if __name__ == "__main__":
    main()
