"""Rows of who has which item: leases, and what is finished.

An item has a slot for each person who is to judge it. A slot is taken while somebody's lease on
the item runs, and for good when it is finished; a lease that ran out gives it back. Whoever takes,
keeps or gives up slots does so inside `data.database.immediate`, so that no two see the same free
one.
"""

from __future__ import annotations

from typing import NamedTuple

from sqlite_utils import Database

from data.stamps import now

#: Rounds, and the `repeat` of the judgements made in them.
COUNTED, PRACTICE, REPEATED = 0, 1, 2


class Assignment(NamedTuple):
    """One labeller's hold on one item.

    `place`, from 1, is the item's number in the labeller's own sequence; None where the rejection
    of its source (judgement `closed_by`) resolved it unseen. `lease_expires` is epoch seconds.
    """

    id: int
    item_id: int
    round: int
    place: int | None
    lease_expires: float | None
    finished_at: str | None
    closed_by: int | None

    @property
    def open(self) -> bool:
        """Whether it waits for an answer."""
        return self.finished_at is None


def assignments_of(database: Database, labeller_id: int) -> list[Assignment]:
    """All of one labeller's, by place; those without one come first."""
    rows = database.execute(
        "SELECT id, item_id, round, place, lease_expires, finished_at, closed_by FROM assignments"
        " WHERE labeller_id = ? ORDER BY place",
        [labeller_id],
    )
    return [Assignment(*row) for row in rows]


def full_items(database: Database, study_id: str, slots: int, at: float) -> frozenset[int]:
    """The items of which all `slots` are taken at the time `at` (epoch seconds).

    Hidden repeats and practice take no slot.
    """
    rows = database.execute(
        "SELECT item_id FROM assignments WHERE study_id = ? AND round = 0"
        " AND (finished_at IS NOT NULL OR lease_expires > ?) GROUP BY item_id HAVING count(*) >= ?",
        [study_id, at, slots],
    )
    return frozenset(item for (item,) in rows)


def finished_slots(database: Database, study_id: str) -> dict[int, int]:
    """Item → by how many people it has been resolved; items with none are left out."""
    return dict(
        database.execute(
            "SELECT item_id, count(*) FROM assignments WHERE study_id = ? AND round = 0"
            " AND finished_at IS NOT NULL GROUP BY item_id",
            [study_id],
        ).fetchall()
    )


def slots_taken(database: Database, item_id: int, at: float, *, besides: int) -> int:
    """How many slots of one item others than the labeller `besides` have at the time `at`."""
    (count,) = database.execute(
        "SELECT count(*) FROM assignments WHERE item_id = ? AND round = 0 AND labeller_id <> ?"
        " AND study_id = (SELECT study_id FROM study_items WHERE id = assignments.item_id)"
        " AND (finished_at IS NOT NULL OR lease_expires > ?)",
        [item_id, besides, at],
    ).fetchone()
    return count


def assign(
    database: Database,
    *,
    study_id: str,
    labeller_id: int,
    item_id: int,
    round: int,
    place: int | None,
    lease_expires: float | None,
    closed_by: int | None = None,
) -> Assignment:
    """Gives a labeller an item: leased, or resolved unseen where there is no lease."""
    finished_at = None if lease_expires is not None else now()
    added = database.execute(
        "INSERT INTO assignments (study_id, labeller_id, item_id, round, place, lease_expires,"
        " finished_at, closed_by) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        [study_id, labeller_id, item_id, round, place, lease_expires, finished_at, closed_by],
    )
    return Assignment(added.lastrowid, item_id, round, place, lease_expires, finished_at, closed_by)


def renew(database: Database, labeller_id: int, lease_expires: float) -> None:
    """Lets all of a labeller's leases run until `lease_expires`."""
    database.execute(
        "UPDATE assignments SET lease_expires = ? WHERE labeller_id = ? AND finished_at IS NULL",
        [lease_expires, labeller_id],
    )


def finish(database: Database, assignment_id: int) -> None:
    """The item needs nothing more from this labeller."""
    database.execute("UPDATE assignments SET finished_at = ? WHERE id = ?", [now(), assignment_id])


def reopen(database: Database, assignment_id: int, lease_expires: float) -> None:
    """A finished item is asked again: its last answer was undone."""
    database.execute(
        "UPDATE assignments SET finished_at = NULL, lease_expires = ? WHERE id = ?",
        [lease_expires, assignment_id],
    )


def give_up(database: Database, assignment_id: int) -> None:
    """The labeller no longer has the item."""
    database.execute("DELETE FROM assignments WHERE id = ?", [assignment_id])


def give_up_closed_by(database: Database, judgement_id: int) -> None:
    """What a rejection resolved unseen is open again: the rejection was undone."""
    database.execute("DELETE FROM assignments WHERE closed_by = ?", [judgement_id])


def give_up_all(database: Database, labeller_id: int) -> None:
    """All slots of a labeller who withdrew are free again, the finished ones too."""
    database.execute("DELETE FROM assignments WHERE labeller_id = ?", [labeller_id])
