"""docs/maps.md: its tables are those of the commands, and the meshes that ship are recognised."""

from __future__ import annotations

from pathlib import Path

from benchmarks import maps, maps_page, meshes, surface_coverage
from engine.spaces.made_meshes import FOLDER, MADE
from labelling.intervals import LEVEL, wilson

ROOT = Path(__file__).resolve().parents[3]
DOCUMENT = (ROOT / "docs" / "maps.md").read_text(encoding="utf-8")


def test_the_tables_are_those_of_what_was_measured():
    assert meshes.table(meshes.recorded()) in DOCUMENT
    assert maps.table(maps.recorded()) in DOCUMENT
    assert maps_page.table(maps.recorded_page()) in DOCUMENT
    assert maps.load_told() in DOCUMENT
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


def test_the_bars_are_met_wherever_the_document_calls_them_met_and_on_a_quiet_machine_everywhere():
    """A loaded machine is slower than any bar foresees: then the document says so in the row."""
    rows = {row.what: row for row in maps.recorded()}
    held = [rows[what] for what in maps.HELD]
    for row in held:
        assert (maps.said(row) == "met") == (row.ratio >= 20)
    page = maps.recorded_page()
    assert {(row.classifiers, row.what) for row in page} >= {
        (count, f"start let go → boxes drawn, {method}")
        for count in (1, 2)
        for method in maps_page.METHODS
    }
    assert sum(row.what.startswith("Compute") for row in page) == 2
    if maps.quiet():
        assert all(row.ratio >= 20 for row in held)
        assert all(row.median < maps_page.bar(row) for row in page)
