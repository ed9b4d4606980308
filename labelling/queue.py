"""What a labeller is asked next, and whether an answer is the answer to that."""

from __future__ import annotations

from dataclasses import dataclass

from sqlite_utils import Database

from data import assignments
from data.assignments import COUNTED, PRACTICE, REPEATED
from data.database import immediate
from data.judgements import Side, add_comment, add_judgement, newest_comment, retract
from labelling.answers import Answer
from labelling.choice import counts
from labelling.holding import settle, settled
from labelling.plain_words import require_plain
from labelling.sitting import Sitting
from labelling.stages import Stage, may_judge, stage_of

LONGEST_COMMENT = 2000


@dataclass(frozen=True)
class Task:
    """One question to one labeller.

    `number` is the item's place in this labeller's own sequence, from 1: a name for it that tells
    nothing. `perturbed_stimulus` is None until its side is asked, so that whoever has a Task can
    pass on no image before its time. `source_answer` is None exactly when the source is asked.
    `done` of `total` items need nothing more. `ahead` is the item after this one, to be loaded
    early: its id, its number and its source. `undo`: the last answer may be taken back. `rest`: a
    break is due before this item. An answer earlier than `exposure_ms` is none.
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
    ahead: tuple[int, int, str] | None
    practice: bool
    undo: bool
    rest: bool
    exposure_ms: int
    comment: str | None


def next_task(database: Database, labeller_id: int) -> Task | None:
    """The labeller's current task, held for them; None where nothing is to be judged now.

    Items are held by leases, taken inside one transaction that has the write lock from its start:
    no two labellers get the same slot, and what somebody left comes back when the lease runs out.
    """
    sitting = Sitting(database, labeller_id)
    if not may_judge(sitting):
        return None
    if not settled(sitting):
        with immediate(database):
            if not sitting.true():
                sitting = Sitting(database, labeller_id)
            settle(sitting)
    current = sitting.current
    return None if current is None else _task(sitting, current)


def record(
    database: Database,
    labeller_id: int,
    item_id: int,
    side: Side,
    answer: Answer,
    *,
    number: int | None = None,
    response_ms: float | None = None,
    hidden_ms: float | None = None,
    searches: int = 0,
    shown_at: str | None = None,
) -> bool:
    """Store the answer to the labeller's current task; True once it is on the disk.

    False, and nothing stored, for any other item, side or `number`: an answer that comes twice, too
    late or from another window is an answer to what is no longer asked; so is one after the lease
    ran out and others took the item's slots.

    `response_ms`: milliseconds from image to press, measured in the browser, `hidden_ms` of them
    with its tab hidden; `searches`: how often the image search was opened. `shown_at`: when the
    server first sent the task, ISO-8601 UTC. `database` must be open with `durable=True`; raises
    DatabaseError when it cannot be written.
    """
    with immediate(database):
        sitting = Sitting(database, labeller_id)
        current = sitting.current
        if current is None or not may_judge(sitting):
            return False
        item = sitting.item(current)
        asked = sitting.side(item, current.round)
        if (item.id, asked) != (item_id, side) or number not in (None, current.place):
            return False
        stimulus = item.source_stimulus if side == "source" else item.perturbed_stimulus
        judgement_id = add_judgement(
            database,
            labeller_id=labeller_id,
            item_id=item_id,
            side=side,
            answer=int(answer),
            response_ms=response_ms,
            hidden_ms=hidden_ms,
            searches=searches,
            shown_at=shown_at,
            repeat=current.round,
            supersedes=sitting.undone.get((side, stimulus, item.label, current.round)),
        )
        if judgement_id is None:
            return False
        rejected = side == "source" and answer is not Answer.LABEL
        if rejected or side == "perturbed" or item.perturbed_stimulus is None:
            assignments.finish(database, current.id)
        if rejected and current.round == COUNTED:
            _resolve_pairs(sitting, item_id, judgement_id)
    return True


def undo(database: Database, labeller_id: int) -> bool:
    """Take the last answer back: its item is asked again, and the next answer supersedes it.

    False, and nothing done, where the last answer has revealed the perturbed image, is undone
    already, or there is none; and once the labeller has said what the study was for, after which
    the debrief tells it. The judgement stays in the log.
    """
    with immediate(database):
        sitting = Sitting(database, labeller_id)
        if not _undoable(sitting):
            return False
        last = sitting.last
        assert last is not None
        retract(database, last.id)
        assignments.give_up_closed_by(database, last.id)
        (its,) = (one for one in sitting.mine if _asked_for(sitting, one))
        assignments.reopen(database, its.id, sitting.lease_end)
    return True


def may_undo(database: Database, labeller_id: int) -> bool:
    """Whether `undo` would take an answer back now."""
    return _undoable(Sitting(database, labeller_id))


def came_too_late(database: Database, labeller_id: int, item_id: int, number: int) -> bool:
    """Whether an answer was refused because its time is over, rather than given already.

    So it is where the study has ended, and where the lease ran out and others took the item.
    """
    sitting = Sitting(database, labeller_id)
    its = (one for one in sitting.mine if one.item_id == item_id and one.place in (number, None))
    return sitting.person.closed or all(one.open and sitting.lost(one) for one in its)


def comment(database: Database, labeller_id: int, number: int, text: str) -> bool:
    """Store what somebody wrote about the item of that number; an empty text takes it back.

    False for a number that is not theirs, and for more than `LONGEST_COMMENT` characters. Raises
    NotPlainError for what is no plain words.
    """
    if len(text) > LONGEST_COMMENT:
        return False
    require_plain(text, field="A comment", who=f"labeller {labeller_id}")
    with immediate(database):
        mine = assignments.assignments_of(database, labeller_id)
        items = [one.item_id for one in mine if one.place == number]
        for item_id in items:
            add_comment(database, labeller_id, item_id, text)
    return bool(items)


def _task(sitting: Sitting, current: assignments.Assignment) -> Task | None:
    item = sitting.item(current)
    side = sitting.side(item, current.round)
    assert side is not None and current.place is not None
    done, total = counts(sitting)
    source = item.source_stimulus
    # Not one of the same source: rejecting it would resolve that one too.
    others = (one for one in sitting.open if sitting.item(one).source_stimulus != source)
    ahead = next(others, None)
    pause = sitting.options.break_every
    return Task(
        item_id=item.id,
        number=current.place,
        side=side,
        source_stimulus=item.source_stimulus,
        source_answer=sitting.answer(item, "source", current.round),
        perturbed_stimulus=item.perturbed_stimulus if side == "perturbed" else None,
        phrase=item.phrase,
        search_term=item.search_term,
        gloss=item.gloss,
        done=done,
        total=total,
        ahead=(ahead.item_id, ahead.place or 0, sitting.item(ahead).source_stimulus)
        if ahead
        else None,
        practice=current.round == PRACTICE,
        undo=_undoable(sitting),
        rest=bool(pause and done and done % pause == 0 and not _begun(sitting, current)),
        exposure_ms=sitting.options.exposure_ms,
        # What one wrote the first time would say that this is a repeat.
        comment=None
        if current.round == REPEATED
        else newest_comment(sitting.database, sitting.person.id, item.id),
    )


def _begun(sitting: Sitting, current: assignments.Assignment) -> bool:
    """Whether the item that is asked has been answered in part."""
    last = sitting.last
    return last is not None and not last.undone and _asked_for(sitting, current)


def _resolve_pairs(sitting: Sitting, item_id: int, judgement_id: int) -> None:
    """A rejected source resolves its pairs for this labeller, unseen, where a slot is free."""
    rejected = sitting.pool.by_id[item_id]
    mine = {one.item_id: one for one in sitting.mine if one.round == COUNTED}
    for item in sitting.pool.content:
        same = (item.source_stimulus, item.label) == (rejected.source_stimulus, rejected.label)
        held = mine.get(item.id)
        if not same or item.id == item_id or (held is not None and not held.open):
            continue
        if held is not None:
            if sitting.lost(held):
                continue
            assignments.give_up(sitting.database, held.id)
        elif not sitting.free(item):
            continue
        assignments.assign(
            sitting.database,
            study_id=sitting.person.study_id,
            labeller_id=sitting.person.id,
            item_id=item.id,
            round=COUNTED,
            place=None,
            lease_expires=None,
            closed_by=judgement_id,
        )


def _undoable(sitting: Sitting) -> bool:
    last = sitting.last
    if last is None or last.undone or "purpose" in sitting.person.events:
        return False
    if stage_of(sitting) in _TOO_LATE:
        return False
    if not any(_asked_for(sitting, one) for one in sitting.mine):
        return False
    item = sitting.pool.by_id[last.item_id]
    reveals = last.answer is Answer.LABEL and item.perturbed_stimulus is not None
    return last.side == "perturbed" or not reveals


#: One cannot go back from here.
_TOO_LATE = {Stage.WITHDRAWN, Stage.CLOSED, Stage.UNQUALIFIED}


def _asked_for(sitting: Sitting, one: assignments.Assignment) -> bool:
    """Whether the last judgement was asked for by this assignment."""
    last = sitting.last
    return last is not None and (one.item_id, one.round) == (last.item_id, last.round)
