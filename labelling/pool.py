"""A study's items as one labeller meets them: in their own order, and by what they are for."""

from __future__ import annotations

from typing import NamedTuple

from sqlite_utils import Database

from data.studies import StudyItem, items
from labelling.order import ordered, shuffled

#: Items whose judgements are results; the overlap is about these.
CONTENT = frozenset({"pair", "strength", "plane", "outside"})
#: Items that check the labeller, by the option that says how many: everybody gets their share.
CONTROLS = {"gold": "gold_share", "false-label": "false_label_share", "catch": "catch_share"}
PRACTICE_KIND = "practice"


class Pool(NamedTuple):
    """A study's items; `content` and each list of `controls` in this labeller's order."""

    by_id: dict[int, StudyItem]
    content: list[StudyItem]
    content_ids: frozenset[int]
    controls: dict[str, list[StudyItem]]
    practice: list[StudyItem]


#: Items by study and their number, and pools by the seed too: a study only ever gains items. The
#: items are the same objects in all of its pools.
_items: dict[tuple[str, int], list[StudyItem]] = {}
_pools: dict[tuple[str, int, int], Pool] = {}
_ITEMS_KEPT, _POOLS_KEPT = 20, 500


def pool(database: Database, study_id: str, seed: int) -> Pool:
    """The study's items in the order of that seed; remembered, being wanted twice an answer."""
    (count,) = database.execute(
        "SELECT count(*) FROM study_items WHERE study_id = ?", [study_id]
    ).fetchone()
    key = (study_id, seed, count)
    if key not in _pools:
        if len(_pools) >= _POOLS_KEPT:
            _pools.clear()
        asked = _items_of(database, study_id, count)
        content = ordered((item for item in asked if item.kind in CONTENT), seed)
        _pools[key] = Pool(
            by_id={item.id: item for item in asked},
            content=content,
            content_ids=frozenset(item.id for item in content),
            controls={
                kind: shuffled((item for item in asked if item.kind == kind), seed)
                for kind in CONTROLS
            },
            practice=[item for item in asked if item.kind == PRACTICE_KIND],
        )
    return _pools[key]


def _items_of(database: Database, study_id: str, count: int) -> list[StudyItem]:
    if (study_id, count) not in _items:
        if len(_items) >= _ITEMS_KEPT:
            _items.clear()
        _items[study_id, count] = items(database, study_id)
    return _items[study_id, count]
