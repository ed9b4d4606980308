"""Where a labeller is: before the first item, among them, or after the last one."""

from __future__ import annotations

from enum import StrEnum

from sqlite_utils import Database

from data import assignments
from data.database import immediate
from data.judgements import add_event
from labelling.choice import choose, waiting
from labelling.plain_words import require_plain
from labelling.sitting import Sitting


class Stage(StrEnum):
    """What a labeller meets now."""

    INFORMATION = "information"
    INSTRUCTIONS = "instructions"
    PRACTICE = "practice"
    JUDGING = "judging"
    LATER = "later"
    UNQUALIFIED = "unqualified"
    PURPOSE = "purpose"
    END = "end"
    CLOSED = "closed"
    WITHDRAWN = "withdrawn"


def stage(database: Database, labeller_id: int) -> Stage:
    """Where the labeller is now."""
    return stage_of(Sitting(database, labeller_id))


def stage_of(sitting: Sitting) -> Stage:
    """Where somebody is; `LATER` while others hold what is left."""
    before = _before_judging(sitting)
    if before is not None:
        return before
    if sitting.practising:
        return Stage.PRACTICE
    if sitting.open or choose(sitting) is not None:
        return Stage.JUDGING
    if waiting(sitting):
        return Stage.LATER
    if sitting.options.purpose_question and "purpose" not in sitting.person.events:
        return Stage.PURPOSE
    return Stage.END


def may_judge(sitting: Sitting) -> bool:
    """Whether nothing has to come before judging, and nothing forbids it."""
    return _before_judging(sitting) is None


def _before_judging(sitting: Sitting) -> Stage | None:
    person, options = sitting.person, sitting.options
    if "withdrew" in person.events:
        return Stage.WITHDRAWN
    if person.closed:
        return Stage.CLOSED
    if options.information_sheet and "consented" not in person.events:
        return Stage.INFORMATION
    if options.instruction_page and "started" not in person.events:
        return Stage.INSTRUCTIONS
    if not sitting.practising and not sitting.qualified:
        return Stage.UNQUALIFIED
    return None


def agree(database: Database, labeller_id: int) -> None:
    """The labeller has read the information sheet and takes part."""
    add_event(database, labeller_id, "consented")


def start(database: Database, labeller_id: int) -> None:
    """The labeller has read the instructions."""
    add_event(database, labeller_id, "started")


def say_purpose(database: Database, labeller_id: int, text: str) -> None:
    """What the labeller thinks it was for; empty where nothing was said.

    Raises NotPlainError for what is no plain words.
    """
    require_plain(text, field="What it was for", who=f"labeller {labeller_id}")
    add_event(database, labeller_id, "purpose", text)


def withdraw(database: Database, labeller_id: int) -> None:
    """Take a person's judgements out of every result, and give their items back to others.

    The log keeps them under a tombstone; they cannot take part in this study again.
    """
    with immediate(database):
        add_event(database, labeller_id, "withdrew")
        assignments.give_up_all(database, labeller_id)
