"""docs/regions.md: its tables are those of benchmarks/regions.py, and the bar is met in them."""

from __future__ import annotations

from pathlib import Path

from benchmarks.regions import growth_table, ratio_table, recorded

ROOT = Path(__file__).resolve().parents[3]
DOCUMENT = (ROOT / "docs" / "regions.md").read_text(encoding="utf-8")


def test_the_tables_are_those_of_what_was_measured():
    growth, ratios = recorded()
    assert growth_table(growth) in DOCUMENT
    assert ratio_table(ratios) in DOCUMENT


def test_refined_has_at_least_the_volume_for_a_tenth_of_the_scores_on_every_network():
    growth, _ = recorded()
    for row in growth:
        assert row.refined >= row.oir_b
        assert row.refined_asked <= row.oir_b_asked / 10
