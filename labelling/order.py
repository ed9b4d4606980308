"""The order in which one labeller meets a study's items: seeded, conditions interleaved."""

from __future__ import annotations

import random
from collections.abc import Iterable

from data.studies import StudyItem


def ordered(asked: Iterable[StudyItem], seed: int) -> list[StudyItem]:
    """A labeller's order: rounds that each show a source once, sources shuffled.

    So two items of one source lie as far apart as the study allows, and every source is judged
    before any comes back. A source's items come in the order of the conditions that made them
    (`labelling.studies`), each source beginning at a place drawn in blocks: where every condition
    has an item of every source, a block of as many items as there are conditions holds each once.

    The same seed and items give the same order on every machine: only `random()` is drawn, which
    Python promises never to change.
    """
    by_source: dict[tuple[str, int], list[StudyItem]] = {}
    for item in sorted(asked, key=lambda item: item.position):
        by_source.setdefault((item.source_stimulus, item.label), []).append(item)
    draws = random.Random(seed)
    sources = list(by_source.values())
    sources = [sources[place] for place in _permutation(len(sources), draws)]
    rounds = max(map(len, sources), default=0)
    starts: list[int] = []
    while len(starts) < len(sources):
        starts += _permutation(rounds, draws)
    return [
        source[(start + turn) % len(source)]
        for turn in range(rounds)
        for source, start in zip(sources, starts, strict=False)
        if turn < len(source)
    ]


def shuffled(asked: Iterable[StudyItem], seed: int) -> list[StudyItem]:
    """The items in an order that the seed draws."""
    items = sorted(asked, key=lambda item: item.position)
    return [items[place] for place in _permutation(len(items), random.Random(seed))]


def _permutation(count: int, draws: random.Random) -> list[int]:
    """0 … count − 1 in random order, by `random()` alone."""
    return [place for _, place in sorted((draws.random(), place) for place in range(count))]
