"""Numbers as people read them."""

from __future__ import annotations

import pytest

from app.figures import duration, figures


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
    ("seconds", "text"),
    [(0.4, "0 s"), (59.4, "59 s"), (59.6, "1 min 00 s"), (185, "3 min 05 s"), (7800, "2 h 10 min")],
)
def test_durations(seconds: float, text: str) -> None:
    assert duration(seconds) == text
