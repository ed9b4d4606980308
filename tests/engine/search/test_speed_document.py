"""docs/speed.md and docs/minimum-norm.md: tables as the commands recorded them, and their bars."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from benchmarks import explore_live, memory, processor_settings, rounding_reach, search_speed
from engine.search.margin import ROUNDING_REACH

DOCS = Path(__file__).resolve().parents[3] / "docs"
SPEED = (DOCS / "speed.md").read_text(encoding="utf-8")
MINIMUM_NORM = (DOCS / "minimum-norm.md").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    "benchmark", [explore_live, memory, processor_settings, rounding_reach, search_speed]
)
def test_the_tables_of_speed_are_those_of_what_was_measured(benchmark) -> None:
    assert benchmark.table(benchmark.recorded()) in SPEED


@pytest.mark.parametrize(
    ("points", "gradients", "times"),
    [("all", "float32", 1.4), ("last four", "float32", 2.5), ("all", "bfloat16", 1.8)],
)
def test_biggan_is_so_many_times_as_fast_as_the_plain_loop(points, gradients, times) -> None:
    [row] = [
        row
        for row in search_speed.recorded()
        if (row.pair, row.subset, row.gradients) == ("biggan-deep-128", points, gradients)
    ]
    assert row.ratio >= times


def test_explore_is_live() -> None:
    for row in explore_live.recorded().values():
        assert row["first picture, worst"] < explore_live.FIRST_BAR
        assert row["a step"] < explore_live.STEP_BAR


def test_rounding_stayed_far_within_its_reach_and_nothing_was_missed() -> None:
    for row in rounding_reach.recorded():
        assert row.largest_shift < ROUNDING_REACH / 2
        assert row.missed == 0


def test_the_minimum_norm_search_meets_its_bars_in_every_cell() -> None:
    cells = pd.read_csv(DOCS / "minimum_norm" / "cells.csv").query("run == 'minimum-norm'")
    assert len(cells) == 12
    assert (cells["success"] >= 0.99).all()
    assert (cells["most_gradients"] <= 300).all()
    against = pd.read_csv(DOCS / "minimum_norm" / "against_relaxation.csv")
    assert len(against) == 12
    assert (against[["ratio_imagenet", "ratio_mnist"]] <= 0.5).all(axis=None)


def test_the_tables_of_the_minimum_norm_search_are_those_of_its_run() -> None:
    for row in pd.read_csv(DOCS / "minimum_norm" / "against_relaxation.csv").itertuples():
        medians = f"{row.minimum_norm:.3g} | {row.imagenet:.3g} | {row.ratio_imagenet:.1%}"
        line = f"| {row.subset} | {row.classifier} | {medians} |"
        assert f"{line} {row.mnist:.3g} | {row.ratio_mnist:.1%} |" in MINIMUM_NORM
    compared = pd.read_csv(DOCS / "minimum_norm" / "comparisons.csv")
    for row in compared[compared["run"] == "minimum-norm"].itertuples():
        figures = f"{row.n} | {row.ratio:.2f} | [{row.low:.2f}, {row.high:.2f}]"
        assert f"| {row.numerator} | {row.denominator} | {figures} |" in MINIMUM_NORM
    assert (DOCS / "minimum_norm" / "spread.md").read_text(encoding="utf-8") in MINIMUM_NORM
