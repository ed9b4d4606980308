"""How far a study is: what has been judged, by whom, and how fast."""

from __future__ import annotations

from dataclasses import dataclass
from statistics import median

from sqlite_utils import Database

from data.assignments import COUNTED, finished_slots
from data.labellers import Labeller, labellers
from data.studies import items
from labelling.choice import counts
from labelling.options import options_of
from labelling.pool import CONTENT
from labelling.sitting import Sitting
from labelling.stages import Stage, stage_of


@dataclass(frozen=True)
class Progress:
    """How far one labeller is: the items that need nothing more, and done of how many shown."""

    finished: frozenset[int]
    done: int
    total: int
    stage: Stage


@dataclass(frozen=True)
class LabellerProgress:
    """One person's part. `median_ms` is of image to press, and None before the first answer."""

    labeller: Labeller
    stage: Stage
    done: int
    total: int
    judgements: int
    median_ms: float | None
    last_at: str | None


@dataclass(frozen=True)
class StudyProgress:
    """`judged` of `items` items need nothing more.

    With an overlap: resolved by so many people. Without one, where everybody judges everything: by
    at least one. `resolved` of `wanted` is the same counted in people: None without an overlap.
    """

    items: int
    judged: int
    resolved: int
    wanted: int | None
    labellers: tuple[LabellerProgress, ...]

    @property
    def open(self) -> int:
        """Items that need more people."""
        return self.items - self.judged


def progress(database: Database, labeller_id: int) -> Progress:
    """How far a labeller is; an item of a rejected source is finished."""
    sitting = Sitting(database, labeller_id)
    done, total = counts(sitting)
    finished = (one.item_id for one in sitting.mine if one.round == COUNTED and not one.open)
    return Progress(frozenset(finished), done, total, stage_of(sitting))


def study_progress(database: Database, study_id: str) -> StudyProgress:
    """The study as it stands, its labellers in the order of their invitations."""
    overlap = options_of(database, study_id).overlap
    content = {item.id for item in items(database, study_id) if item.kind in CONTENT}
    slots = finished_slots(database, study_id)
    resolved = {item: count for item, count in slots.items() if item in content}
    return StudyProgress(
        items=len(content),
        judged=sum(count >= (overlap or 1) for count in resolved.values()),
        resolved=sum(resolved.values()),
        wanted=len(content) * overlap if overlap else None,
        labellers=tuple(
            _labeller_progress(database, person) for person in labellers(database, study_id)
        ),
    )


def _labeller_progress(database: Database, person: Labeller) -> LabellerProgress:
    part = progress(database, person.id)
    rows = database.execute(
        "SELECT response_ms, answered_at FROM standing_judgements WHERE labeller_id = ?",
        [person.id],
    ).fetchall()
    times = [response_ms for response_ms, _ in rows if response_ms is not None]
    return LabellerProgress(
        labeller=person,
        stage=part.stage,
        done=part.done,
        total=part.total,
        judgements=len(rows),
        median_ms=median(times) if times else None,
        last_at=max((answered_at for _, answered_at in rows), default=None),
    )
