"""Numbers as people read them."""

from __future__ import annotations

import pytest

from app.figures import duration, figures, share_in_percent


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (None, "–"),
        (0.0, "0.00"),
        (1, "1.00"),
        (0.93, "0.930"),
        (-7.534, "−7.53"),
        (36.07, "36.1"),
        (141.4, "141"),
        (999.4, "999"),
        (999.6, "1000"),
        (12345.6, "12346"),
    ],
)
def test_three_significant_digits(number: float | None, text: str) -> None:
    assert figures(number) == text


@pytest.mark.parametrize(
    ("share", "text"),
    [(0.1234, "12.3 %"), (1.0, "100 %"), (2e-5, "0.00200 %"), (3e-13, "0.00 %"), (0.0, "0.00 %")],
)
def test_a_share_of_next_to_nothing_is_nothing(share: float, text: str) -> None:
    assert share_in_percent(share) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.4, "0 s"), (59.4, "59 s"), (59.6, "1 min 00 s"), (185, "3 min 05 s"), (7800, "2 h 10 min")],
)
def test_durations(seconds: float, text: str) -> None:
    assert duration(seconds) == text
