"""Half a minute of what `make soak` does for ten, and a bar that a slow, busy machine passes."""

from __future__ import annotations

from pathlib import Path

from tests.served.load import PEOPLE, under_load

#: Milliseconds; or so many times what one waits who is alone there, where the machine is slow.
BAR_MS, TIMES_ALONE = 1000, 20
#: MB from the middle third of the time to the last one: 50 kB for each of its 400 answers. By then
#: caches still fill; `make soak` waits until they are full.
BOUND = 20


def test_fifty_at_once_lose_nothing_and_nothing_comes_twice(tmp_path: Path) -> None:
    load = under_load(tmp_path / "home", seconds=30)
    print(load)
    assert load.judgements > 5 * PEOPLE
    assert load.percentile(95) < max(BAR_MS, TIMES_ALONE * load.alone)
    assert load.growth < BOUND
