"""Does the planner's number of trials give the interval that was asked for? On synthetic truth.

    python -m benchmarks.planning > docs/benchmarks/planning.md

Magnitudes are log-normal, and people agree less the larger the magnitude: all synthetic, so that
the true restricted mean is known. A pilot is drawn and planned from; then whole experiments of that
many trials are drawn, and their real intervals compared with the width that was asked for.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass

import numpy as np
import pandas as pd

from labelling.estimands import FOOLED_WHILE_PEOPLE_AGREE
from labelling.means import table_of_means
from labelling.planner import sizes

BUDGET, LIMIT = 12.0, 8.0
#: Share of sources that people say show their label.
SHOWN = 0.9


def synthetic_trials(n: int, generator: np.random.Generator) -> pd.DataFrame:
    """So many trials of one condition, all judged, drawn from the known truth."""
    magnitude = generator.lognormal(np.log(3.0), 0.7, n)
    shown = generator.random(n) < SHOWN
    # At magnitude 3 three in four pictures that fool still show the label, at 8 under a third.
    still = generator.random(n) < 1 / (1 + np.exp(0.4 * (magnitude - 5.7)))
    found = magnitude <= BUDGET
    said = np.array(["disagree", "agree"])
    return pd.DataFrame(
        {
            "experiment_id": "synthetic",
            "condition_id": 1,
            "classifier": "synthetic-classifier",
            "subset": "all",
            "search": "relaxation",
            "schedule_name": "synthetic",
            "trial_index": np.arange(n),
            "source_id": [f"source-{index}" for index in range(n)],
            "label": 7,
            "target": 3.0,
            "outcome": np.where(found, "found", "exhausted"),
            "magnitude": np.where(found, magnitude, np.nan),
            "bound": np.where(found, magnitude, BUDGET),
            "steps": 1,
            "source_judgement": said[shown.astype(int)],
            "perturbed_judgement": np.where(
                found & shown, said[still.astype(int)], "missing"
            ).astype(object),
        }
    )


@dataclass(frozen=True)
class Check:
    """How experiments of the planned size turned out."""

    pilot: int
    width: float
    planned: float
    realised: float
    wide_enough: float
    covered: float


def truth(generator: np.random.Generator, n: int = 200_000) -> float:
    """The restricted mean of the population."""
    table = synthetic_trials(n, generator)
    [mean] = table_of_means(table, FOOLED_WHILE_PEOPLE_AGREE, LIMIT, draws=2)["restricted_mean"]
    return float(mean)


def check(
    pilot: int, width: float, *, pilots: int, experiments: int, seed: int, true_mean: float
) -> Check:
    """Plan from `pilots` pilots of so many trials; draw `experiments` experiments of each plan."""
    generator = np.random.default_rng(seed)
    planned, widths, enough, covered = [], [], [], []
    for _ in range(pilots):
        [size] = sizes(
            synthetic_trials(pilot, generator),
            FOOLED_WHILE_PEOPLE_AGREE,
            of="restricted-mean",
            width=width,
            limit=LIMIT,
        )
        if size.trials is None or size.trials_high is None:
            continue
        planned.append(size.trials)
        for _ in range(experiments):
            [row] = table_of_means(
                synthetic_trials(size.trials, generator), FOOLED_WHILE_PEOPLE_AGREE, LIMIT
            ).to_dict("records")
            widths.append(row["high"] - row["low"])
            covered.append(row["low"] <= true_mean <= row["high"])
            [row] = table_of_means(
                synthetic_trials(size.trials_high, generator), FOOLED_WHILE_PEOPLE_AGREE, LIMIT
            ).to_dict("records")
            enough.append(row["high"] - row["low"] <= width)
    return Check(
        pilot,
        width,
        float(np.mean(planned)),
        float(np.mean(widths)),
        float(np.mean(enough)),
        float(np.mean(covered)),
    )


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pilots", type=int, default=40)
    parser.add_argument("--experiments", type=int, default=10)
    chosen = parser.parse_args()
    true_mean = truth(np.random.default_rng(1))
    print(
        f"Synthetic truth: restricted mean to {LIMIT:g} is {true_mean:.3f};"
        f" {chosen.pilots} pilots a row, {chosen.experiments} experiments of each plan.\n"
    )
    print(
        "| trials of the pilot | width asked for | trials planned (mean) | width got (mean)"
        " | “to be safe” was narrow enough | intervals that hold the truth |"
    )
    print("| ---: | ---: | ---: | ---: | ---: | ---: |")
    for pilot in (30, 60, 120):
        for width in (0.5, 1.0):
            done = check(
                pilot,
                width,
                pilots=chosen.pilots,
                experiments=chosen.experiments,
                seed=pilot,
                true_mean=true_mean,
            )
            print(
                f"| {pilot} | {width:g} | {done.planned:.0f} | {done.realised:.3f}"
                f" | {done.wide_enough:.0%} | {done.covered:.1%} |"
            )


if __name__ == "__main__":
    main()
