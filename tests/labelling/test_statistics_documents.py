"""The tables of docs/planning.md and docs/results-statistics.md are those that were measured."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from benchmarks import paired_coverage, planning

DOCS = Path(__file__).resolve().parents[2] / "docs"


@pytest.mark.parametrize(
    ("document", "benchmark"),
    [("planning.md", planning), ("results-statistics.md", paired_coverage)],
    ids=["planning", "paired coverage"],
)
def test_the_table_is_that_of_the_record(document: str, benchmark) -> None:
    text = (DOCS / document).read_text(encoding="utf-8")
    name = benchmark.__name__
    assert benchmark.table(benchmark.recorded()) in text, f"Put in what python -m {name} prints."
    assert f"python -m {name}" in text


def test_what_is_said_of_the_table_is_so() -> None:
    text = (DOCS / "results-statistics.md").read_text(encoding="utf-8")
    rows = paired_coverage.recorded()["rows"]
    held = [100 * row["interval"] for row in rows]
    [said] = re.findall(r"holds the truth in (\d+) to (\d+) % of them", text)
    assert tuple(map(int, said)) == (round(min(held)), round(max(held)))
    rejected = [100 * row["wilcoxon"] for row in rows if row["shift"] == 0]
    [said] = re.findall(r"the tests reject in (\d+) to (\d+) % of the repetitions", text)
    assert tuple(map(int, said)) == (round(min(rejected)), round(max(rejected)))


def test_a_planned_experiment_is_as_wide_as_was_asked_for() -> None:
    for row in planning.recorded()["rows"]:
        assert row["realised"] == pytest.approx(row["width"], rel=0.1)
        assert row["covered"] > 0.9
