"""Which item comes next for a labeller, and how many there are still to come."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator
from math import floor

from data import assignments
from data.assignments import COUNTED, PRACTICE, REPEATED, Assignment
from data.studies import StudyItem
from labelling.pool import CONTROLS
from labelling.sitting import Sitting

#: So many items lie between an item and its hidden repeat; fewer when nothing else is left.
REPEAT_GAP, LAST_GAP = 10, 2


def choose(sitting: Sitting) -> tuple[StudyItem, int] | None:
    """The item after those that are held, and its round; None when there is none for now."""
    if sitting.practising:
        held = {one.item_id for one in sitting.mine}
        left = (item for item in sitting.pool.practice if item.id not in held)
        return next(((item, PRACTICE) for item in left), None)
    if not sitting.qualified:
        return None
    content = next(available(sitting), None)
    repeat = _repeat_due(sitting, REPEAT_GAP if content else LAST_GAP)
    if repeat is not None:
        return repeat, REPEATED
    control = _control_due(sitting)
    if control is not None:
        return control, COUNTED
    return (content, COUNTED) if content else None


def available(sitting: Sitting) -> Iterator[StudyItem]:
    """Content items that this labeller may take, in order; of one source, no more than the cap.

    The first is of another source than the item on the screen, if there is any: whoever rejects
    a source is not to meet it loaded already.
    """
    room, cap = _room(sitting), _Cap(sitting)
    gone = sitting.held_items | sitting.full_items
    held = sitting.open
    here = sitting.item(held[0]).source_stimulus if held else None
    put_back: list[StudyItem] = []
    for item in sitting.pool.content:
        if room <= 0:
            return
        if item.id in gone or not cap.allows(item):
            continue
        if here is not None and item.source_stimulus == here:
            put_back.append(item)
            continue
        here = None
        cap.note(item)
        room -= 1
        yield item
    for item in put_back:
        if room > 0 and cap.allows(item):
            cap.note(item)
            room -= 1
            yield item


def waiting(sitting: Sitting) -> bool:
    """Whether others hold, unfinished, what this labeller could judge if they gave it up."""
    overlap = sitting.options.overlap
    if overlap is None or next(available(sitting), None) is not None:
        return False
    limit = sitting.options.items_per_person
    if limit is not None and sitting.content_shown >= limit:
        return False
    done = assignments.finished_slots(sitting.database, sitting.person.study_id)
    held, cap = sitting.held_items, _Cap(sitting)
    return any(
        item.id not in held and done.get(item.id, 0) < overlap and cap.allows(item)
        for item in sitting.pool.content
        if item.id in sitting.full_items
    )


def counts(sitting: Sitting) -> tuple[int, int]:
    """(done, of how many) of this labeller's own items, or of the practice.

    What a rejected source resolves unseen is in neither, so the total may shrink; so it may where a
    cap on one source leaves no room for what was due. With an overlap it is what would be left if
    everybody else stopped now.
    """
    if sitting.practising:
        done = sum(not one.open for one in sitting.mine if one.round == PRACTICE)
        return done, len(sitting.pool.practice)
    shown = [one for one in sitting.mine if one.place and one.round != PRACTICE]
    left, cap = _count_available(sitting), _Cap(sitting)
    content = sitting.content_shown + left
    more = left + _controls_left(sitting, content, cap) + _repeats_left(sitting, content, cap)
    more = min(more, cap.room(sitting)) if cap.most else more
    return sum(not one.open for one in shown), len(shown) + more


class _Cap:
    """How often one labeller is shown each source, and whether once more is too often.

    Whatever shows the source counts: content, controls, hidden repeats.
    """

    def __init__(self, sitting: Sitting) -> None:
        self.most = sitting.options.source_cap
        self._seen: Counter[str] = Counter()
        if self.most:
            self._seen.update(
                sitting.item(one).source_stimulus for one in sitting.mine if one.place
            )

    def allows(self, item: StudyItem) -> bool:
        return self.most is None or self._seen[item.source_stimulus] < self.most

    def note(self, item: StudyItem) -> None:
        """It will be shown."""
        self._seen[item.source_stimulus] += 1

    def room(self, sitting: Sitting) -> int:
        """How many more items can be shown before every source is at the cap."""
        sources = {item.source_stimulus for item in sitting.pool.by_id.values()}
        return sum(max(0, (self.most or 0) - self._seen[source]) for source in sources)


def _room(sitting: Sitting) -> int:
    """How many more content items this labeller may be given."""
    limit = sitting.options.items_per_person
    if limit is None:
        return len(sitting.pool.content)
    return max(0, limit - sitting.content_shown)


def _count_available(sitting: Sitting) -> int:
    """How many items `available` has."""
    if sitting.options.source_cap:
        return sum(1 for _ in available(sitting))
    left = sitting.pool.content_ids - sitting.held_items - sitting.full_items
    return min(_room(sitting), len(left))


# Hidden repeats


def _repeat_due(sitting: Sitting, gap: int) -> StudyItem | None:
    given = _repeated(sitting)
    if _expected(sitting, "repeat_share", sitting.content_shown) <= len(given):
        return None
    candidates = [one.item_id for one in _repeatable(sitting, given, gap, _Cap(sitting))]
    draw = {one: random.Random(f"{sitting.person.seed} {one}").random() for one in candidates}
    return sitting.pool.by_id[min(candidates, key=draw.__getitem__)] if candidates else None


def _repeated(sitting: Sitting) -> set[int]:
    return {one.item_id for one in sitting.mine if one.round == REPEATED}


def _repeatable(sitting: Sitting, given: set[int], gap: int, cap: _Cap) -> list[Assignment]:
    """What may be asked once more: judged so many items ago, and the source not too often seen."""
    last = sitting.last_place
    return [
        one
        for one in sitting.content
        if one.place and not one.open and one.item_id not in given
        if last - one.place >= gap and cap.allows(sitting.item(one))
    ]


def _repeats_left(sitting: Sitting, content: int, cap: _Cap) -> int:
    given = _repeated(sitting)
    wanted = min(_expected(sitting, "repeat_share", content), max(0, content - LAST_GAP))
    left = max(0, wanted - len(given))
    if not left or not cap.most:
        return left
    to_come = content - sitting.content_shown
    return min(left, len(_repeatable(sitting, given, LAST_GAP, cap)) + to_come)


# Controls


def _control_due(sitting: Sitting) -> StudyItem | None:
    held, cap = sitting.held_items, _Cap(sitting)
    for kind, share in CONTROLS.items():
        controls = sitting.pool.controls[kind]
        given = sum(item.id in held for item in controls)
        if given < min(_expected(sitting, share, sitting.content_shown), len(controls)):
            left = (item for item in controls if item.id not in held and cap.allows(item))
            if (due := next(left, None)) is not None:
                return due
    return None


def _controls_left(sitting: Sitting, content: int, cap: _Cap) -> int:
    held, count = sitting.held_items, 0
    for kind, share in CONTROLS.items():
        controls = sitting.pool.controls[kind]
        given = sum(item.id in held for item in controls)
        left = sum(item.id not in held and cap.allows(item) for item in controls)
        count += max(0, min(_expected(sitting, share, content) - given, left))
    return count


def _expected(sitting: Sitting, share: str, content: int) -> int:
    """How many controls of a kind go with so many content items; rounded at random a person."""
    draw = random.Random(f"{sitting.person.seed} {share}").random()
    return floor(content * getattr(sitting.options, share) + draw)
