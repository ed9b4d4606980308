"""A selection that stays small, stays even, and has the newest item."""

from __future__ import annotations

from itertools import pairwise

import pytest

from app.runner.thinned import Thinned


@pytest.mark.parametrize("most", [2, 3, 10, 64])
@pytest.mark.parametrize("count", [0, 1, 2, 9, 10, 11, 63, 64, 65, 1000, 10_000])
def test_at_most_so_many_at_even_intervals_and_the_newest(most: int, count: int) -> None:
    thinned = Thinned[int](most)
    for item in range(count):
        thinned.add(item)
    items = thinned.items()
    assert len(items) <= most
    assert items[:1] == list(range(min(count, 1)))
    assert items[-1:] == ([count - 1] if count else [])
    intervals = [after - before for before, after in pairwise(items)]
    assert len(set(intervals[:-1])) <= 1
    assert all(last <= usual for last, usual in zip(intervals[-1:], intervals[:1], strict=True))


def test_everything_is_kept_while_it_fits() -> None:
    thinned = Thinned[str](5)
    for item in "abcd":
        thinned.add(item)
    assert thinned.items() == list("abcd")
