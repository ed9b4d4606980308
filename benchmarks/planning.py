"""Does the planner's number of trials give the interval that was asked for? On synthetic truth.

    python -m benchmarks.planning [--pilots 40] [--experiments 10] [--measure]

Magnitudes are log-normal, and people agree less the larger the magnitude: all synthetic, so that
the true restricted mean is known. A pilot is drawn and planned from; then whole experiments of that
many trials are drawn, and their real intervals compared with the width that was asked for.
"""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from labelling.estimands import FOOLED_WHILE_PEOPLE_AGREE
from labelling.means import table_of_means
from labelling.planner import sizes

ROOT = Path(__file__).parents[1]
RESULTS = ROOT / "docs" / "benchmarks" / "planning.json"
BUDGET, LIMIT = 12.0, 8.0
PILOTS, WIDTHS = (30, 60, 120), (0.5, 1.0)
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
    """How experiments of the planned size turned out: means, and shares in [0, 1]."""

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


def measured(pilots: int, experiments: int) -> dict[str, object]:
    """The record of all rows: the true mean, how much was drawn, and a `Check` a row."""
    true_mean = truth(np.random.default_rng(1))
    rows = [
        check(
            pilot,
            width,
            pilots=pilots,
            experiments=experiments,
            seed=pilot,
            true_mean=true_mean,
        )
        for pilot in PILOTS
        for width in WIDTHS
    ]
    return {
        "true_mean": true_mean,
        "pilots": pilots,
        "experiments": experiments,
        "rows": [asdict(row) for row in rows],
    }


def table(record: dict[str, object]) -> str:
    """Markdown: what is true, and a row a size of pilot and width."""
    lines = [
        f"Synthetic truth: restricted mean to {LIMIT:g} is {record['true_mean']:.3f};"
        f" {record['pilots']} pilots a row, {record['experiments']} experiments of each plan.",
        "",
        "| trials of the pilot | width asked for | trials planned (mean) | width got (mean)"
        " | “to be safe” was narrow enough | intervals that hold the truth |",
        "| ---: | ---: | ---: | ---: | ---: | ---: |",
    ]
    for row in (Check(**one) for one in record["rows"]):
        lines.append(
            f"| {row.pilot} | {row.width:g} | {row.planned:.0f} | {row.realised:.3f}"
            f" | {row.wide_enough:.0%} | {row.covered:.1%} |"
        )
    return "\n".join(lines)


def recorded() -> dict[str, object]:
    """What was measured last."""
    return json.loads(RESULTS.read_text(encoding="utf-8"))


def main() -> None:
    """Measure, or print the table of what was measured."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--pilots", type=int, default=40)
    parser.add_argument("--experiments", type=int, default=10)
    parser.add_argument("--measure", action="store_true", help=f"and write {RESULTS.name}")
    chosen = parser.parse_args()
    if chosen.measure:
        record = measured(chosen.pilots, chosen.experiments)
        RESULTS.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
    print(table(recorded()))


if __name__ == "__main__":
    main()
