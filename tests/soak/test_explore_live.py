"""Explore is live: digits in the browser, and at 128 pixels a BigGAN with a ResNet50."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page

from benchmarks.explore_live import FILE, FIRST_BAR, PAGE, STEP_BAR, Watched, measure, summary
from tests.browser.test_explore import LONG, pictures_as_they_come, searching, started

SEARCHES = 3


def test_the_picture_of_digits_moves_twice_a_second(visit: Callable[[str], Page]) -> None:
    page = visit(LONG)
    started(page)
    searching(page)
    [first, *others] = [at for at, _ in pictures_as_they_come(page, 9)]
    assert len(others) / (others[-1] - first) * 1000 >= 2


@pytest.fixture(scope="module")
def watched(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[Watched]]:
    """Searches with everything loaded, seen in the live file and in the page."""
    from data.home import home

    folder: Path = tmp_path_factory.mktemp("home")
    _, rows = measure(home(folder), SEARCHES)
    for name, searches in rows.items():
        print(name, summary(searches))
    return rows


@pytest.mark.parametrize("seen_in", [FILE, PAGE])
def test_the_first_perturbed_picture_comes_in_time(
    watched: dict[str, list[Watched]], seen_in: str
) -> None:
    assert max(one.first for one in watched[seen_in]) < FIRST_BAR


@pytest.mark.parametrize("seen_in", [FILE, PAGE])
def test_a_step_comes_in_time(watched: dict[str, list[Watched]], seen_in: str) -> None:
    """Every whole step takes less than the bar, and so does the usual wait for the next one.

    The page looks at its own moments, of which a wait there is one, two or three.
    """
    seen = summary(watched[seen_in])
    assert seen["a step"] < STEP_BAR
    if seen_in == FILE:
        assert seen["gap, median"] < STEP_BAR
