"""Fifty people labelling at once for ten minutes, on four cores. All are synthetic."""

from __future__ import annotations

from pathlib import Path

from tests.served.load import under_load

SECONDS = 600
BAR_MS = 300
#: MB a 1000 judgements: 50 people need a whole day for a gigabyte.
FLAT = 1.0


def test_the_next_image_comes_at_once_and_memory_stays_flat(tmp_path: Path) -> None:
    load = under_load(tmp_path / "home", seconds=SECONDS)
    print(load)
    assert load.percentile(95) < BAR_MS
    assert load.growth < FLAT
