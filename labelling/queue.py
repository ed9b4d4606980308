"""What a labeller is asked next, and whether an answer is the answer to that.

The database holds the whole state: the next task follows from a labeller's seed and judgements, so
that one goes on exactly where one stopped, after a reload or on another device.
"""

from __future__ import annotations

import random
from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

from sqlite_utils import Database

from data.studies import Side, StudyItem, add_judgement, items
from labelling.answers import Answer


@dataclass(frozen=True)
class Task:
    """One question to one labeller.

    `number` is the item's place in this labeller's order, from 1: a name for it that tells nothing.
    `perturbed_stimulus` is None until its side is asked, so that whoever has a Task can pass on no
    image before its time. `source_answer` is None exactly when the source is asked. `done` of
    `total` items need nothing more. `ahead` is the number and the source of the item after this
    one, to be loaded early.
    """

    item_id: int
    number: int
    side: Side
    source_stimulus: str
    source_answer: Answer | None
    perturbed_stimulus: str | None
    phrase: str
    search_term: str
    gloss: str | None
    done: int
    total: int
    ahead: tuple[int, str] | None


@dataclass(frozen=True)
class Progress:
    """How far a labeller is: the ids of the items that need nothing more, and of how many."""

    finished: frozenset[int]
    total: int

    @property
    def done(self) -> int:
        """How many items need nothing more."""
        return len(self.finished)


class _Place(NamedTuple):
    """An item in a labeller's order, with that labeller's answers that stand."""

    number: int
    item: StudyItem
    source_answer: Answer | None
    perturbed_answer: Answer | None

    @property
    def side(self) -> Side | None:
        """The side to ask; None when the item needs nothing more.

        A source that was not judged to show the label closes all its items.
        """
        if self.source_answer is None:
            return "source"
        if self.source_answer is not Answer.LABEL or self.item.perturbed_stimulus is None:
            return None
        return "perturbed" if self.perturbed_answer is None else None


def next_task(database: Database, labeller_id: int) -> Task | None:
    """The labeller's current task; None when all is judged, or the study is closed."""
    places = _places(database, labeller_id)
    unfinished = [place for place in places if place.side is not None]
    if not unfinished:
        return None
    here = unfinished[0]
    item = here.item
    others = (place for place in unfinished if place.item.source_stimulus != item.source_stimulus)
    after = next(others, None)
    return Task(
        item_id=item.id,
        number=here.number,
        side=here.side,
        source_stimulus=item.source_stimulus,
        source_answer=here.source_answer,
        perturbed_stimulus=item.perturbed_stimulus if here.side == "perturbed" else None,
        phrase=item.phrase,
        search_term=item.search_term,
        gloss=item.gloss,
        done=len(places) - len(unfinished),
        total=len(places),
        ahead=(after.number, after.item.source_stimulus) if after else None,
    )


def record(
    database: Database,
    labeller_id: int,
    item_id: int,
    side: Side,
    answer: Answer,
    *,
    response_ms: float | None = None,
    shown_at: str | None = None,
) -> bool:
    """Store the answer to the labeller's current task; True once it is on the disk.

    False, and nothing stored, for any other item or side: an answer that comes twice, too late or
    from another window is an answer to what is no longer asked. Only the same labeller's answers
    move the task, so of two that come at the same moment the database's unique index lets one in.

    `response_ms`: milliseconds from image to press, measured in the browser. `shown_at`: when the
    server first sent the task, ISO-8601 UTC. `database` must be open with `durable=True`; raises
    DatabaseError when it cannot be written.
    """
    task = next_task(database, labeller_id)
    if task is None or (task.item_id, task.side) != (item_id, side):
        return False
    return add_judgement(
        database,
        labeller_id=labeller_id,
        item_id=item_id,
        side=side,
        answer=int(answer),
        response_ms=response_ms,
        shown_at=shown_at,
    )


def progress(database: Database, labeller_id: int) -> Progress:
    """How far a labeller is; an item of a rejected source is finished."""
    places = _places(database, labeller_id, closed_too=True)
    finished = frozenset(place.item.id for place in places if place.side is None)
    return Progress(finished, len(places))


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


def _permutation(count: int, draws: random.Random) -> list[int]:
    """0 … count − 1 in random order, by `random()` alone."""
    return [place for _, place in sorted((draws.random(), place) for place in range(count))]


_LABELLER = """
SELECT study_id, order_seed, closed_at IS NOT NULL,
    (SELECT count(*) FROM study_items WHERE study_items.study_id = labellers.study_id)
FROM labellers JOIN studies ON studies.id = study_id WHERE labellers.id = ?
"""

#: In two parts, since there is an index for each. A row comes after the one that it supersedes.
_ANSWERS = """
SELECT id, side, stimulus, label, answer FROM judgements
WHERE labeller_id = :labeller AND repeat = 0 AND supersedes IS NULL
UNION ALL
SELECT id, side, stimulus, label, answer FROM judgements
WHERE labeller_id = :labeller AND repeat = 0 AND supersedes IS NOT NULL
ORDER BY id
"""


def _places(database: Database, labeller_id: int, *, closed_too: bool = False) -> list[_Place]:
    """A labeller's items in order; none for a closed study, unless `closed_too`."""
    study_id, seed, closed, count = database.execute(_LABELLER, [labeller_id]).fetchone()
    if closed and not closed_too:
        return []
    rows = database.execute(_ANSWERS, {"labeller": labeller_id})
    answers = {tuple(image): Answer(answer) for _, *image, answer in rows}
    return [
        _Place(
            number,
            item,
            answers.get(("source", item.source_stimulus, item.label)),
            answers.get(("perturbed", item.perturbed_stimulus, item.label)),
        )
        for number, item in enumerate(_order(database, study_id, seed, count), start=1)
    ]


#: Orders worked out already, by study, seed and number of items: a study only ever gains items.
_orders: dict[tuple[str, int, int], list[StudyItem]] = {}
_ORDERS_KEPT = 500


def _order(database: Database, study_id: str, seed: int, count: int) -> list[StudyItem]:
    """`ordered` for a study's items, remembered: it is wanted twice an answer."""
    key = (study_id, seed, count)
    if key not in _orders:
        if len(_orders) >= _ORDERS_KEPT:
            _orders.clear()
        _orders[key] = ordered(items(database, study_id), seed)
    return _orders[key]
