"""One labeller's part of a study: what is judged, what is held, and what comes next.

The database holds the whole state: the next item follows from the labeller's seed, judgements and
assignments, so that one goes on exactly where one stopped, after a reload or on another device.
"""

from __future__ import annotations

import json
import random
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from math import floor
from typing import NamedTuple

from sqlite_utils import Database

from data import assignments
from data.assignments import COUNTED, PRACTICE, REPEATED, Assignment
from data.studies import Side, StudyItem, items
from labelling.answers import Answer
from labelling.options import StudyOptions
from labelling.order import ordered, shuffled

#: Items whose judgements are results; the overlap is about these.
CONTENT = frozenset({"pair", "strength", "plane", "outside"})
#: Items that check the labeller, by the option that says how many: everybody gets their share.
CONTROLS = {"gold": "gold_share", "false-label": "false_label_share", "catch": "catch_share"}
PRACTICE_KIND = "practice"

#: So many items lie between an item and its hidden repeat; fewer when nothing else is left.
REPEAT_GAP, LAST_GAP = 10, 2
#: Held at a time: the item on the screen, and the one that is loaded ahead.
HELD = 2


@dataclass(frozen=True)
class Person:
    """Who labels, in which study, and what they did besides judging."""

    id: int
    study_id: str
    seed: int
    closed: bool
    options: StudyOptions
    events: frozenset[str]


class Judged(NamedTuple):
    """A judgement, as far as it decides what comes next."""

    id: int
    item_id: int
    side: Side
    round: int
    answer: Answer
    undone: bool


class Pool(NamedTuple):
    """A study's items: in this labeller's order, and by what they are for."""

    by_id: dict[int, StudyItem]
    content: list[StudyItem]
    content_ids: frozenset[int]
    controls: dict[str, list[StudyItem]]
    practice: list[StudyItem]


#: By number: an enumeration's own look-up is slow, and these are looked up for every row.
ANSWERS = {int(answer): answer for answer in Answer}

Key = tuple[Side, str | None, int, int]


class Sitting:
    """The state at one moment. What changes it happens inside one `immediate` transaction."""

    def __init__(self, database: Database, labeller_id: int) -> None:
        self.database = database
        self._version = _version(database)
        self.person = _person(database, labeller_id)
        self.options = self.person.options
        self.pool = _pool(database, self.person)
        self.at = time.time()
        self.mine = assignments.assignments_of(database, labeller_id)
        self.answers: dict[Key, Answer] = {}
        self.undone: dict[Key, int] = {}
        rows = database.execute(_JUDGEMENTS, [labeller_id]).fetchall()
        for judgement_id, _, side, stimulus, label, repeat, answer, undone in rows:
            key = (side, stimulus, label, repeat)
            if undone:
                self.answers.pop(key, None)
                self.undone[key] = judgement_id
            else:
                self.undone.pop(key, None)
                self.answers[key] = ANSWERS[answer]
        self.last: Judged | None = None
        if rows:
            judgement_id, item_id, side, _, _, repeat, answer, undone = rows[-1]
            self.last = Judged(judgement_id, item_id, side, repeat, ANSWERS[answer], bool(undone))

    def true(self) -> bool:
        """Whether nobody has written anything since this was read."""
        return self._version == _version(self.database)

    # What is asked

    def item(self, assignment: Assignment) -> StudyItem:
        """The item of an assignment."""
        return self.pool.by_id[assignment.item_id]

    def answer(self, item: StudyItem, side: Side, round: int) -> Answer | None:
        """This labeller's answer that stands."""
        return self.answers.get(_key(item, side, round))

    def side(self, item: StudyItem, round: int) -> Side | None:
        """The side to ask; None when the item needs nothing more.

        A source that was not judged to show the label closes all its items.
        """
        source = self.answer(item, "source", round)
        if source is None:
            return "source"
        if source is not Answer.LABEL or item.perturbed_stimulus is None:
            return None
        return "perturbed" if self.answer(item, "perturbed", round) is None else None

    @property
    def open(self) -> list[Assignment]:
        """What this labeller holds, by place: the first is the item to ask."""
        return [one for one in self.mine if one.open]

    @property
    def current(self) -> Assignment | None:
        """The item to ask; None where nothing is held, or another has its slot meanwhile."""
        held = self.open
        return held[0] if held and not self.lost(held[0]) else None

    def lost(self, assignment: Assignment) -> bool:
        """Whether the lease ran out, and others have taken all of the item's slots."""
        expired = assignment.lease_expires is not None and assignment.lease_expires <= self.at
        return expired and assignment.round == COUNTED and not self.free(self.item(assignment))

    def free(self, item: StudyItem) -> bool:
        """Whether the item has a slot that no other labeller has."""
        if self.options.overlap is None or item.kind not in CONTENT:
            return True
        others = assignments.slots_taken(self.database, item.id, self.at, besides=self.person.id)
        return others < self.options.overlap

    # What comes next

    def settled(self) -> bool:
        """Whether enough is held, on leases that run for a while yet."""
        held = self.open
        soon = self.at + self.options.lease_minutes * 30
        return len(held) >= HELD and all(
            (one.lease_expires or 0) > soon and not self.resolved(one) for one in held
        )

    def resolved(self, assignment: Assignment) -> bool:
        """Whether it needs nothing more: its source was rejected in another item."""
        return self.side(self.item(assignment), assignment.round) is None

    def settle(self) -> None:
        """Renew what is held, give up what others have taken, and take what comes next."""
        given_up = [one for one in self.open if self.lost(one) or self.resolved(one)]
        for assignment in given_up:
            assignments.give_up(self.database, assignment.id)
        assignments.renew(self.database, self.person.id, self.lease_end)
        self.mine = [
            one._replace(lease_expires=self.lease_end) if one.open else one
            for one in self.mine
            if one not in given_up
        ]
        self.__dict__.pop("_full_items", None)
        while len(self.open) < HELD and (chosen := self.choose()) is not None:
            item, round = chosen
            unseen = self.side(item, round) is None
            taken = assignments.assign(
                self.database,
                study_id=self.person.study_id,
                labeller_id=self.person.id,
                item_id=item.id,
                round=round,
                place=None if unseen else self.last_place + 1,
                lease_expires=None if unseen else self.lease_end,
            )
            self.mine.append(taken)

    def choose(self) -> tuple[StudyItem, int] | None:
        """The item after those that are held, and its round; None when there is none for now."""
        if self.practising:
            held = {one.item_id for one in self.mine}
            left = (item for item in self.pool.practice if item.id not in held)
            return next(((item, PRACTICE) for item in left), None)
        if not self.qualified:
            return None
        content = next(self.available(), None)
        repeat = self._repeat_due(REPEAT_GAP if content else LAST_GAP)
        if repeat is not None:
            return repeat, REPEATED
        control = self._control_due()
        if control is not None:
            return control, COUNTED
        return (content, COUNTED) if content else None

    def available(self) -> Iterator[StudyItem]:
        """Content items that this labeller may take, in order; of one source, no more than the cap.

        The first is of another source than the item on the screen, if there is any: whoever rejects
        a source is not to meet it loaded already.
        """
        room, cap = self._room, self.options.source_cap
        seen: Counter[str] = Counter()
        if cap:
            seen.update(self.item(one).source_stimulus for one in self.mine if one.place)
        gone = self._held_items | self._full_items
        here = self.item(self.open[0]).source_stimulus if self.open else None
        put_back: list[StudyItem] = []
        for item in self.pool.content:
            if room <= 0:
                return
            if item.id in gone:
                continue
            if cap and seen[item.source_stimulus] >= cap:
                continue
            if here is not None and item.source_stimulus == here:
                put_back.append(item)
                continue
            here = None
            seen[item.source_stimulus] += 1
            room -= 1
            yield item
        yield from put_back[:room]

    def _count_available(self) -> int:
        """How many items `available` has."""
        if self.options.source_cap:
            return sum(1 for _ in self.available())
        return min(self._room, len(self.pool.content_ids - self._held_items - self._full_items))

    @property
    def _room(self) -> int:
        """How many more content items this labeller may be given."""
        limit = self.options.items_per_person
        return len(self.pool.content) if limit is None else max(0, limit - self.content_shown)

    @property
    def _held_items(self) -> set[int]:
        """Items that were given to this labeller, or resolved unseen."""
        return {one.item_id for one in self.mine if one.round == COUNTED}

    def waiting(self) -> bool:
        """Whether others hold, unfinished, what this labeller could judge if they gave it up."""
        if self.options.overlap is None or next(self.available(), None) is not None:
            return False
        limit = self.options.items_per_person
        if limit is not None and self.content_shown >= limit:
            return False
        done = assignments.finished_slots(self.database, self.person.study_id)
        held = self._held_items
        return any(
            item.id not in held and done.get(item.id, 0) < self.options.overlap
            for item in self.pool.content
            if item.id in self._full_items
        )

    def _repeat_due(self, gap: int) -> StudyItem | None:
        given = {one.item_id for one in self.mine if one.round == REPEATED}
        if self.expected("repeat_share", self.content_shown) <= len(given):
            return None
        candidates = [
            one.item_id
            for one in self._content
            if one.place and not one.open and one.item_id not in given
            if self.last_place - one.place >= gap
        ]
        draw = {one: random.Random(f"{self.person.seed} {one}").random() for one in candidates}
        return self.pool.by_id[min(candidates, key=draw.__getitem__)] if candidates else None

    def _control_due(self) -> StudyItem | None:
        held = self._held_items
        for kind, share in CONTROLS.items():
            controls = self.pool.controls[kind]
            given = sum(item.id in held for item in controls)
            if given < min(self.expected(share, self.content_shown), len(controls)):
                return next(item for item in controls if item.id not in held)
        return None

    def expected(self, share: str, content: int) -> int:
        """How many controls of a kind go with so many content items; rounded at random a person."""
        draw = random.Random(f"{self.person.seed} {share}").random()
        return floor(content * getattr(self.options, share) + draw)

    # How far it is

    @property
    def practising(self) -> bool:
        """Whether practice is not over."""
        done = sum(not one.open for one in self.mine if one.round == PRACTICE)
        return done < len(self.pool.practice)

    @property
    def qualified(self) -> bool:
        """Whether enough of the practice was answered as it should be; so without practice."""
        practice = self.pool.practice
        right = sum(self.right(item, PRACTICE) for item in practice)
        return right >= self.options.qualification * len(practice)

    def right(self, item: StudyItem, round: int) -> bool:
        """Whether an item of known answer was answered so, on each side that says one."""
        return all(
            self.answer(item, side, round) in answers
            for side, answers in item.details.get("expected", {}).items()
        )

    @property
    def content_shown(self) -> int:
        """How many content items were given to this labeller to see."""
        return sum(one.place is not None for one in self._content)

    @property
    def last_place(self) -> int:
        """The length of this labeller's sequence so far."""
        return max((one.place or 0 for one in self.mine), default=0)

    def counts(self) -> tuple[int, int]:
        """(done, of how many) of this labeller's own items, or of the practice.

        What a rejected source resolves unseen is in neither, so the total may shrink; and with an
        overlap it is what would be left if everybody else stopped now.
        """
        if self.practising:
            done = sum(not one.open for one in self.mine if one.round == PRACTICE)
            return done, len(self.pool.practice)
        shown = [one for one in self.mine if one.place and one.round != PRACTICE]
        content = self.content_shown + self._count_available()
        total = content + self._capped_controls(content) + self._capped_repeats(content)
        return sum(not one.open for one in shown), max(total, len(shown))

    def _capped_controls(self, content: int) -> int:
        return sum(
            min(self.expected(share, content), len(self.pool.controls[kind]))
            for kind, share in CONTROLS.items()
        )

    def _capped_repeats(self, content: int) -> int:
        return min(self.expected("repeat_share", content), max(0, content - LAST_GAP))

    @property
    def lease_end(self) -> float:
        """When a lease that is taken or renewed now runs out."""
        return self.at + self.options.lease_minutes * 60

    @property
    def _content(self) -> list[Assignment]:
        return [one for one in self.mine if one.round == COUNTED and self.item(one).kind in CONTENT]

    @cached_property
    def _full_items(self) -> frozenset[int]:
        """Items of which all slots are taken."""
        if self.options.overlap is None:
            return frozenset()
        return assignments.full_items(
            self.database, self.person.study_id, self.options.overlap, self.at
        )


def _key(item: StudyItem, side: Side, round: int) -> Key:
    stimulus = item.source_stimulus if side == "source" else item.perturbed_stimulus
    return (side, stimulus, item.label, round)


_PERSON = """
SELECT study_id, order_seed, closed_at IS NOT NULL, options,
    (SELECT json_group_array(kind) FROM labeller_events WHERE labeller_id = labellers.id)
FROM labellers JOIN studies ON studies.id = study_id WHERE labellers.id = ?
"""

#: A row comes after the one that it supersedes.
_JUDGEMENTS = """
SELECT id, item_id, side, stimulus, label, repeat, answer, retractions.judgement_id IS NOT NULL
FROM judgements LEFT JOIN retractions ON retractions.judgement_id = judgements.id
WHERE labeller_id = ? ORDER BY id
"""


def _person(database: Database, labeller_id: int) -> Person:
    row = database.execute(_PERSON, [labeller_id]).fetchone()
    study_id, seed, closed, options, events = row
    return Person(
        id=labeller_id,
        study_id=study_id,
        seed=seed,
        closed=bool(closed),
        options=StudyOptions.of(json.loads(options)),
        events=frozenset(json.loads(events)),
    )


#: Items by study and their number, and pools by the seed too: a study only ever gains items. The
#: items are the same objects in all of its pools.
_items: dict[tuple[str, int], list[StudyItem]] = {}
_pools: dict[tuple[str, int, int], Pool] = {}
_ITEMS_KEPT, _POOLS_KEPT = 20, 500


def _pool(database: Database, person: Person) -> Pool:
    """The study's items for this person, remembered: they are wanted twice an answer."""
    (count,) = database.execute(
        "SELECT count(*) FROM study_items WHERE study_id = ?", [person.study_id]
    ).fetchone()
    key = (person.study_id, person.seed, count)
    if key not in _pools:
        if len(_pools) >= _POOLS_KEPT:
            _pools.clear()
        asked = _items_of(database, person.study_id, count)
        content = ordered((item for item in asked if item.kind in CONTENT), person.seed)
        _pools[key] = Pool(
            by_id={item.id: item for item in asked},
            content=content,
            content_ids=frozenset(item.id for item in content),
            controls={
                kind: shuffled((item for item in asked if item.kind == kind), person.seed)
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


def _version(database: Database) -> int:
    """A number that another connection's commit changes."""
    (version,) = database.execute("PRAGMA data_version").fetchone()
    return version
