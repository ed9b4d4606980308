"""One labeller's part of a study: what is judged, what is held, and what is asked.

The database holds the whole state: the next item follows from the labeller's seed, judgements and
assignments, so that one goes on exactly where one stopped, after a reload or on another device.
"""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

from sqlite_utils import Database

from data import assignments
from data.assignments import COUNTED, PRACTICE, Assignment
from data.judgements import SIDES, Side
from data.studies import StudyItem
from labelling.answers import Answer
from labelling.options import StudyOptions
from labelling.pool import CONTENT, pool


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


class Standing(NamedTuple):
    """The answer that stands about an image, and the judgement that gave it."""

    judgement_id: int
    answer: Answer


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
        self.pool = pool(database, self.person.study_id, self.person.seed)
        self.at = time.time()
        self.mine = assignments.assignments_of(database, labeller_id)
        self.standing: dict[Key, Standing] = {}
        self.undone: dict[Key, int] = {}
        self.last: Judged | None = None
        row = None
        # One by one: all at once they would be most of what an answer takes of memory.
        for row in database.execute(_JUDGEMENTS, [labeller_id]):
            judgement_id, _, side, stimulus, label, repeat, answer, undone = row
            key = (side, stimulus, label, repeat)
            if undone:
                self.standing.pop(key, None)
                self.undone[key] = judgement_id
            else:
                self.undone.pop(key, None)
                self.standing[key] = Standing(judgement_id, ANSWERS[answer])
        if row is not None:
            judgement_id, item_id, side, _, _, repeat, answer, undone = row
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
        given = self.standing.get(_key(item, side, round))
        return given.answer if given else None

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

    def closed_by(self, item: StudyItem, round: int) -> int | None:
        """The newest judgement of an item's images: the one after which it needed nothing more."""
        given = [self.standing.get(_key(item, side, round)) for side in SIDES]
        return max((one.judgement_id for one in given if one), default=None)

    def resolved(self, assignment: Assignment) -> bool:
        """Whether it needs nothing more: its source was rejected in another item."""
        return self.side(self.item(assignment), assignment.round) is None

    # What is held

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

    @cached_property
    def full_items(self) -> frozenset[int]:
        """Items of which all slots are taken."""
        if self.options.overlap is None:
            return frozenset()
        return assignments.full_items(
            self.database, self.person.study_id, self.options.overlap, self.at
        )

    def give_up(self, given_up: Sequence[Assignment]) -> None:
        """Give these up, and renew all other leases."""
        for one in given_up:
            assignments.give_up(self.database, one.id)
        assignments.renew(self.database, self.person.id, self.lease_end)
        self.mine = [
            one._replace(lease_expires=self.lease_end) if one.open else one
            for one in self.mine
            if one not in given_up
        ]
        vars(self).pop("full_items", None)  # to be read anew

    @property
    def lease_end(self) -> float:
        """When a lease that is taken or renewed now runs out."""
        return self.at + self.options.lease_minutes * 60

    # What was given to this labeller

    @property
    def held_items(self) -> set[int]:
        """Items that were given to this labeller, or resolved unseen."""
        return {one.item_id for one in self.mine if one.round == COUNTED}

    @property
    def content(self) -> list[Assignment]:
        """Of these, the items that count as results."""
        return [one for one in self.mine if one.round == COUNTED and self.item(one).kind in CONTENT]

    @property
    def content_shown(self) -> int:
        """How many content items were given to this labeller to see."""
        return sum(one.place is not None for one in self.content)

    @property
    def last_place(self) -> int:
        """The length of this labeller's sequence so far."""
        return max((one.place or 0 for one in self.mine), default=0)

    # Practice

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


def _version(database: Database) -> int:
    """A number that another connection's commit changes."""
    (version,) = database.execute("PRAGMA data_version").fetchone()
    return version
