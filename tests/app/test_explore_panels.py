"""What the panels after a search say."""

from __future__ import annotations

import pytest

from app.runner.live import Guess, Transfer
from app.widgets.explore_panels import fooled_too


@pytest.mark.parametrize(
    ("source_read_as", "fooled", "said"),
    [(7, True, "yes"), (7, False, "no"), (1, True, "wrong before"), (1, False, "wrong before")],
)
def test_a_classifier_that_was_wrong_before_is_not_called_fooled(
    source_read_as: int, fooled: bool, said: str
) -> None:
    told = Transfer("other", (Guess(source_read_as, 0.9),), (Guess(1, 0.9),), fooled)
    assert fooled_too(7, told) == said
