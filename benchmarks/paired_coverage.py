"""How often the interval of a paired comparison holds the truth, and how often tests are wrong.

    python -m benchmarks.paired_coverage [--repetitions 2000]

Synthetic data with a known truth: two classifiers whose magnitudes on one source share its
difficulty (log-normal), counted up to M_max. No search ran and nobody judged anything.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.stats import norm

from labelling.estimands import RAW
from labelling.paired import SIGNIFICANT, comparisons

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
    return Coverage(*(float(count / repetitions) for count in (hits, wilcoxon, sign)))


def main() -> None:
    """A line a case."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repetitions", type=int, default=2000)
    parser.add_argument("--draws", type=int, default=1000)
    arguments = parser.parse_args()
    print(
        "| sources | trials a source | true shift | interval holds it | Wilcoxon rejects | sign |"
    )
    print("|---|---|---|---|---|---|")
    for sources, trials in [(8, 1), (20, 1), (60, 1), (240, 1), (20, 5)]:
        for shift in (0.0, 0.4):
            one = coverage(
                sources,
                shift,
                trials=trials,
                repetitions=arguments.repetitions,
                draws=arguments.draws,
            )
            print(
                f"| {sources} | {trials} | {shift} | {one.interval:.1%} | {one.wilcoxon:.1%}"
                f" | {one.sign:.1%} |",
                flush=True,
            )


if __name__ == "__main__":
    main()
