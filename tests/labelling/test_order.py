"""The order of a labeller's items: conditions in turn, one source's pictures far apart."""

from __future__ import annotations

from itertools import pairwise

import pytest

from data.studies import StudyItem
from labelling.order import ordered


def _items(sources: int, conditions: int) -> list[StudyItem]:
    """A full grid; `kind` keeps the condition, so that a test can tell which item is whose."""
    return [
        StudyItem(
            id=condition * sources + source,
            study_id="s",
            position=condition * sources + source,
            source_stimulus=f"source {source}",
            perturbed_stimulus=f"perturbed {source} {condition}",
            label=source % 10,
            phrase="",
            search_term="",
            kind=str(condition),
        )
        for condition in range(conditions)
        for source in range(sources)
    ]


def test_the_order_is_a_permutation_that_the_seed_decides():
    given = _items(24, 4)
    one, same, other = ordered(given, 1), ordered(given[::-1], 1), ordered(given, 2)
    assert sorted(item.id for item in one) == sorted(item.id for item in given)
    assert one == same
    assert one != other


def test_the_order_of_a_seed_never_changes():
    """Written down once: a labeller's order may not change under them with a new version."""
    assert [item.id for item in ordered(_items(4, 2), 7)] == [7, 1, 0, 6, 3, 5, 4, 2]


@pytest.mark.parametrize("seed", range(5))
def test_conditions_are_interleaved(seed):
    """Every block of as many items as there are conditions holds each condition once."""
    order = ordered(_items(24, 4), seed)
    for start in range(0, len(order), 4):
        assert {item.kind for item in order[start : start + 4]} == set("0123")


def test_the_conditions_of_a_block_come_in_random_order():
    order = ordered(_items(24, 4), 0)
    blocks = {"".join(item.kind for item in order[start : start + 4]) for start in range(0, 96, 4)}
    assert len(blocks) > 4


@pytest.mark.parametrize("seed", range(5))
def test_items_of_one_source_are_as_far_apart_as_can_be(seed):
    order = ordered(_items(24, 4), seed)
    places: dict[str, list[int]] = {}
    for place, item in enumerate(order):
        places.setdefault(item.source_stimulus, []).append(place)
    assert {b - a for own in places.values() for a, b in pairwise(own)} == {24}


def test_an_incomplete_grid_still_asks_everything_once():
    given = [item for item in _items(9, 4) if item.id % 3]
    assert sorted(item.id for item in ordered(given, 3)) == sorted(item.id for item in given)
