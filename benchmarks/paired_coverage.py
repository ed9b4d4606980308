"""How often the interval of a paired comparison holds the truth, and how often tests are wrong.

    python -m benchmarks.paired_coverage [--repetitions 500] [--draws 500] [--measure]

Synthetic data with a known truth: two classifiers whose magnitudes on one source share its
difficulty (log-normal), counted up to M_max. No search ran and nobody judged anything. Some minutes
on one core; without `--measure` the table of what was measured last is printed.
"""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.stats import norm

from labelling.estimands import RAW
from labelling.paired import SIGNIFICANT, comparisons

ROOT = Path(__file__).parents[1]
RESULTS = ROOT / "docs" / "benchmarks" / "paired_coverage.json"
#: Sources and trials of each, and by how much the medians differ.
SIZES, SHIFTS = ((8, 1), (20, 1), (60, 1), (240, 1), (20, 5)), (0.0, 0.4)
#: Spread of the logarithm that a source's trials share, and that each has of its own.
SHARED, OWN = 0.3, 0.3
LIMIT, MEDIAN = 4.5, 3.0


def true_mean(median: float, limit: float = LIMIT) -> float:
    """E[min(X, limit)] of a log-normal X."""
    spread, centre = np.hypot(SHARED, OWN), np.log(median)
    place = (np.log(limit) - centre) / spread
    below = np.exp(centre + spread**2 / 2) * norm.cdf(place - spread)
    return float(below + limit * (1 - norm.cdf(place)))


def drawn(sources: int, seed: int, shift: float, trials: int = 1) -> pd.DataFrame:
    """A trial table of two classifiers, the first with a median larger by `shift`."""
    generator = np.random.default_rng(seed)
    n = sources * trials
    common = np.tile(generator.normal(size=sources), trials)
    parts = []
    for number, (name, median) in enumerate([("one", MEDIAN + shift), ("other", MEDIAN)], start=1):
        magnitude = median * np.exp(SHARED * common + OWN * generator.normal(size=n))
        parts.append(
            pd.DataFrame(
                {
                    "experiment_id": "synthetic",
                    "condition_id": number,
                    "classifier": name,
                    "subset": "all",
                    "search": "relaxation",
                    "schedule_name": "imagenet",
                    "trial_index": np.arange(n),
                    "source_id": [f"source-{index % sources}" for index in range(n)],
                    "label": 7,
                    "target": 3.0,
                    "outcome": "found",
                    "magnitude": magnitude,
                    "bound": magnitude,
                    "steps": 1,
                    "source_judgement": "missing",
                    "perturbed_judgement": "missing",
                }
            )
        )
    return pd.concat(parts, ignore_index=True)


@dataclass(frozen=True)
class Coverage:
    """Shares of the repetitions in which the interval held the truth, and each test rejected."""

    sources: int
    trials: int
    shift: float
    interval: float
    wilcoxon: float
    sign: float


def coverage(
    sources: int, shift: float, *, trials: int = 1, repetitions: int, draws: int
) -> Coverage:
    """Repeat the comparison on fresh data of this size."""
    truth = true_mean(MEDIAN + shift) - true_mean(MEDIAN)
    hits = wilcoxon = sign = 0
    for seed in range(repetitions):
        table = drawn(sources, seed, shift, trials)
        rows = comparisons(table, RAW, "classifier", LIMIT, draws=draws, seed=seed)
        (row,) = rows.itertuples()
        hits += row.low <= truth <= row.high
        wilcoxon += row.wilcoxon_holm < SIGNIFICANT
        sign += row.sign_holm < SIGNIFICANT
    shares = (float(count / repetitions) for count in (hits, wilcoxon, sign))
    return Coverage(sources, trials, shift, *shares)


def measured(repetitions: int, draws: int) -> dict[str, object]:
    """The record of all rows, and how much was drawn."""
    rows = [
        coverage(sources, shift, trials=trials, repetitions=repetitions, draws=draws)
        for sources, trials in SIZES
        for shift in SHIFTS
    ]
    return {
        "repetitions": repetitions,
        "draws": draws,
        "rows": [asdict(row) for row in rows],
    }


def table(record: dict[str, object]) -> str:
    """Markdown: a row a size and shift."""
    lines = [
        "| sources | trials a source | true shift | interval holds it | Wilcoxon rejects | sign |",
        "|---|---|---|---|---|---|",
    ]
    for one in (Coverage(**row) for row in record["rows"]):
        lines.append(
            f"| {one.sources} | {one.trials} | {one.shift} | {one.interval:.1%}"
            f" | {one.wilcoxon:.1%} | {one.sign:.1%} |"
        )
    return "\n".join(lines)


def recorded() -> dict[str, object]:
    """What was measured last."""
    return json.loads(RESULTS.read_text(encoding="utf-8"))


def main() -> None:
    """Measure, or print the table of what was measured."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repetitions", type=int, default=500)
    parser.add_argument("--draws", type=int, default=500)
    parser.add_argument("--measure", action="store_true", help=f"and write {RESULTS.name}")
    arguments = parser.parse_args()
    if arguments.measure:
        record = measured(arguments.repetitions, arguments.draws)
        RESULTS.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
    print(table(recorded()))


if __name__ == "__main__":
    main()
