"""What the panels after a search say."""

from __future__ import annotations

import pytest

from app.runner.live import Guess, Transfer
from app.widgets.explore_panels import fooled_too, needed_points


@pytest.mark.parametrize(
    ("source_read_as", "fooled", "said"),
    [(7, True, "yes"), (7, False, "no"), (1, True, "wrong before"), (1, False, "wrong before")],
)
def test_a_classifier_that_was_wrong_before_is_not_called_fooled(
    source_read_as: int, fooled: bool, said: str
) -> None:
    told = Transfer("other", (Guess(source_read_as, 0.9),), (Guess(1, 0.9),), fooled)
    assert fooled_too(7, told) == said


@pytest.mark.parametrize(
    ("needed", "count", "said"),
    [
        (["z"], 1, "**z**"),
        (["z", "fc"], 3, "**z** or **fc**"),
        (["z", "fc", "conv"], 3, "any single one of the points"),
    ],
)
def test_points_that_are_needed_are_named_but_not_all_of_them(
    needed: list[str], count: int, said: str
) -> None:
    assert needed_points(needed, count) == said
