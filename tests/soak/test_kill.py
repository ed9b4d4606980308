"""`kill -9` of the server at random moments during 500 judgements, 50 times. All are synthetic."""

from __future__ import annotations

from pathlib import Path

from tests.served.kills import killed_and_killed


def test_killed_fifty_times_during_500_judgements_nothing_acknowledged_is_lost(
    tmp_path: Path,
) -> None:
    assert killed_and_killed(tmp_path / "home", kills=50, judgements=500) >= 500
