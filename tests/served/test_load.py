"""Half a minute of what `make soak` does for ten. How long it takes is printed, not judged."""

from __future__ import annotations

from pathlib import Path

from tests.served.load import PEOPLE, under_load


def test_fifty_at_once_lose_nothing_and_nothing_comes_twice(tmp_path: Path) -> None:
    load = under_load(tmp_path / "home", seconds=30)
    print(load)
    assert load.judgements > 5 * PEOPLE
