"""How far the minimum-norm search's results depend on the last digits of where it begins.

    python -m benchmarks.minimum_norm_spread [--trials 60] [--advertorch FOLDER] [--processes 4]
        [--out docs/minimum_norm]

A search is deterministic, and at another batch size often the same to the last bit, so repeating it
says little. Here each trial is searched five times from latents that differ by 10⁻⁶ of their
standard deviation: nobody could tell the sources apart, yet the paths are others. `mnist-conv`,
both shipped classifiers and, where FOLDER has their weights, AdverTorch's two; all / first / last
points.
"""

from __future__ import annotations

import argparse
from copy import copy
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from benchmarks.minimum_norm import SHIPPED, SUBSETS, add_advertorch, as_markdown
from benchmarks.model_pairs import BUNDLED
from data.home import home
from engine.catalogue import catalogue, layer_weights, load_classifier, load_generator
from engine.experiment import SCHEDULES, progression
from engine.generators.interface import Generator
from engine.search.run import search

RUNS = 5
NUDGE = 1e-6


def nudged(generator: Generator, run: int) -> Generator:
    """The generator with latents of its own for `run`: z + 10⁻⁶ ε, ε ~ N(0, I)."""
    moved = copy(generator)

    def latent(seed: int) -> Tensor:
        draws = torch.Generator().manual_seed(seed * RUNS + run)
        z = generator.latent(seed)
        return z + NUDGE * torch.randn(z.shape, generator=draws)

    moved.latent = latent
    return moved


def magnitudes(cell: tuple[str, str], models: Path, weights: Path, trials: int) -> pd.DataFrame:
    """A row a trial, a column a run: ∞ where nothing was found, NaN where skipped."""
    torch.set_num_threads(1)
    subset, name = cell
    entries = catalogue(models)
    folders = [BUNDLED, weights]
    generator = load_generator(entries.generator("mnist-conv"), folders)
    classifier = load_classifier(entries.classifier(name), folders).module
    columns = {}
    for run in range(RUNS):
        results = search(
            progression(0, trials, 10),
            nudged(generator.module, run),
            classifier,
            generator.scales,
            layer_weights=layer_weights(generator.entry, generator.module.points, subset),
            schedule=SCHEDULES["minimum-norm"],
            search="minimum-norm",
            slots=60,
        )
        reached = {"found": lambda one: one.magnitude, "skipped": lambda one: np.nan}
        columns[run] = {
            one.trial.index: reached.get(one.outcome, lambda one: np.inf)(one) for one in results
        }
    return pd.DataFrame(columns)


def summary(cell: tuple[str, str], table: pd.DataFrame) -> dict[str, object]:
    """The range of the median, and how far the runs of one trial lie apart, largest over smallest.

    A trial not found in a run counts as ∞ there; one skipped in any is left out.
    """
    entered = table.dropna()
    medians = entered.median()
    apart = (entered.max(axis=1) / entered.min(axis=1)).fillna(1.0) - 1
    return {
        "subset": cell[0],
        "classifier": cell[1],
        "n": len(entered),
        "lowest_median": medians.min(),
        "highest_median": medians.max(),
        "median_difference": apart.median(),
        "over_1_percent": (apart > 0.01).mean(),
        "over_10_percent": (apart > 0.1).mean(),
        "largest_difference": apart.max(),
    }


def main() -> None:
    """Run every cell, then write and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--trials", type=int, default=60)
    parser.add_argument("--advertorch", type=Path, default=Path("../shared/data/models"))
    parser.add_argument("--processes", type=int, default=4)
    parser.add_argument("--out", type=Path, default=Path("docs/minimum_norm"))
    arguments = parser.parse_args()
    with TemporaryDirectory() as folder:
        place = home(folder)
        classifiers = SHIPPED + add_advertorch(place, arguments.advertorch)
        cells = [(subset, classifier) for subset in SUBSETS for classifier in classifiers]
        one = partial(
            magnitudes, models=place.models, weights=place.weights, trials=arguments.trials
        )
        with get_context("spawn").Pool(arguments.processes) as pool:
            tables = list(pool.imap(one, cells))
    rows = pd.DataFrame([summary(*pair) for pair in zip(cells, tables, strict=True)])
    rows.to_csv(arguments.out / "spread.csv", index=False, float_format="%.6g")
    (arguments.out / "spread.md").write_text(as_markdown(rows), encoding="utf-8")
    print(as_markdown(rows))


if __name__ == "__main__":
    main()
