"""docs/results-speed.md: its table is all of what the benchmark measured, and nothing else."""

from __future__ import annotations

import re

import pytest

from benchmarks.results_in_browser import PARTS, VIEWS
from benchmarks.results_speed import DOCUMENT, MOST_MEGABYTES, recorded, table, written_into

TEXT = DOCUMENT.read_text(encoding="utf-8")


def test_the_table_is_that_of_what_was_measured() -> None:
    assert table(*recorded()) in TEXT
    assert len(re.findall(r"^\| .* \| [0-9.]+ \|", TEXT, re.MULTILINE)) == len(recorded()[0])


@pytest.mark.parametrize("name", [*VIEWS, *PARTS])
def test_every_view_is_measured_here_and_in_the_browser(name: str) -> None:
    timings, _ = recorded()
    lines = [one.what for one in timings]
    assert f"{name}, nothing read yet" in lines and f"browser: {name}, from its address" in lines
    for change in ("unanimous", "unclear as missing", "one labeller", "three labellers"):
        assert f"{name}: {change}" in lines
    assert f"browser: {name}, rule: unanimous" in lines


def test_what_misses_its_bar_says_so() -> None:
    timings, machine = recorded()
    said = [line for line in table(timings, machine).splitlines() if "**over**" in line]
    assert len(said) == sum(not one.met for one in timings)
    assert max(one.megabytes for one in timings) < MOST_MEGABYTES


def test_a_new_table_takes_the_place_of_the_old_one() -> None:
    changed = written_into(TEXT, "a table")
    assert "a table" in changed and table(*recorded()) not in changed
    assert written_into(changed, table(*recorded())) == TEXT
    with pytest.raises(ValueError, match="no place for the table"):
        written_into("nothing", "a table")
