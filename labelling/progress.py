"""How far a study is: what has been judged, by whom, and how fast."""

from __future__ import annotations

from dataclasses import dataclass
from statistics import median

from sqlite_utils import Database

from data.studies import Labeller, items, labellers
from labelling.queue import progress


@dataclass(frozen=True)
class LabellerProgress:
    """One person's part. `median_ms` is of image to press, and None before the first answer."""

    labeller: Labeller
    done: int
    total: int
    judgements: int
    median_ms: float | None
    last_at: str | None


@dataclass(frozen=True)
class StudyProgress:
    """`judged` of `items` items need nothing more from at least one labeller."""

    items: int
    judged: int
    labellers: tuple[LabellerProgress, ...]

    @property
    def open(self) -> int:
        """Items that nobody is through with."""
        return self.items - self.judged


def study_progress(database: Database, study_id: str) -> StudyProgress:
    """The study as it stands, its labellers in the order of their invitations."""
    people = labellers(database, study_id)
    parts = {person.id: progress(database, person.id) for person in people}
    judged = frozenset().union(*(part.finished for part in parts.values()))
    return StudyProgress(
        items=len(items(database, study_id)),
        judged=len(judged),
        labellers=tuple(
            _labeller_progress(database, person, parts[person.id].done, parts[person.id].total)
            for person in people
        ),
    )


def _labeller_progress(
    database: Database, person: Labeller, done: int, total: int
) -> LabellerProgress:
    rows = database.execute(
        "SELECT response_ms, answered_at FROM judgements"
        " WHERE labeller_id = ? AND supersedes IS NULL",
        [person.id],
    ).fetchall()
    times = [response_ms for response_ms, _ in rows if response_ms is not None]
    return LabellerProgress(
        labeller=person,
        done=done,
        total=total,
        judgements=len(rows),
        median_ms=median(times) if times else None,
        last_at=max((answered_at for _, answered_at in rows), default=None),
    )
