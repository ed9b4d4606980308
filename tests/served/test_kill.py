"""A tenth of the kills of `make soak`. The labellers are synthetic."""

from __future__ import annotations

from pathlib import Path

from tests.served.kills import killed_and_killed


def test_killed_at_random_moments_nothing_acknowledged_is_lost(tmp_path: Path) -> None:
    assert killed_and_killed(tmp_path / "home", kills=5, judgements=50) >= 50
