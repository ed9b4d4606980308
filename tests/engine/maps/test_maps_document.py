"""docs/maps.md: its tables are those of the commands, and the meshes that ship are recognised."""

from __future__ import annotations

from pathlib import Path

from benchmarks import maps, meshes, surface_coverage
from engine.spaces.made_meshes import FOLDER, MADE
from labelling.intervals import LEVEL, wilson

ROOT = Path(__file__).resolve().parents[3]
DOCUMENT = (ROOT / "docs" / "maps.md").read_text(encoding="utf-8")


def test_the_tables_are_those_of_what_was_measured():
    assert meshes.table(meshes.recorded()) in DOCUMENT
    assert maps.table(maps.recorded()) in DOCUMENT
    assert surface_coverage.table(surface_coverage.recorded()) in DOCUMENT


def test_every_mesh_that_ships_was_named_first_at_many_views():
    rows = {row.mesh: row for row in meshes.recorded()}
    assert {mesh.name for mesh in MADE} == {file.stem for file in FOLDER.glob("*.ply")}
    for mesh in MADE:
        assert rows[mesh.name].ships
        assert rows[mesh.name].best > 0.75 and rows[mesh.name].first > 0.25


def test_the_interval_of_the_failing_share_holds_the_true_one_as_often_as_it_says():
    for row in surface_coverage.recorded():
        assert row.runs >= 300 and row.held / row.runs >= 0.93
        assert wilson(row.held / row.runs, row.runs)[1] >= LEVEL
