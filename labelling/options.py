"""What a study is told when it is made: who judges what, how much of it, and what is left out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import Any, get_type_hints

from sqlite_utils import Database

from data import studies
from labelling.wording import LANGUAGES

RULES = ("majority", "unanimous", "any")
LARGEST_SHARE = 0.5


class StudyError(ValueError):
    """A study cannot be made; the message is one sentence for the researcher."""


@dataclass(frozen=True)
class ExclusionRules:
    """Whose judgements are left out; fixed before the first one. None: no such rule.

    `gold`, `false_label`, `catch`: the smallest share answered rightly; `repeats`: the smallest
    share of hidden repeats answered as before; all in [0, 1]. `fastest_ms`: the smallest median
    time from image to press.
    """

    gold: float | None = None
    false_label: float | None = None
    catch: float | None = None
    repeats: float | None = None
    fastest_ms: float | None = None


@dataclass(frozen=True)
class StudyOptions:
    """One study's rules, stored with it.

    information_sheet, instruction_page, purpose_question
        Labellers read the information sheet and consent, and the instructions, before the first
        item, and say what they think it was for after the last. `information`, `instructions`,
        `debrief`: texts in place of those that ship, in Markdown.
    exhausted_sources
        Ask about sources that only exhausted trials have, too.
    overlap
        By how many people each item is judged; None: by everybody.
    items_per_person, source_cap
        At most so many items for one person, and so many of one source, hidden repeats, false
        labels and catch pairs included: a cap of 1 leaves no room for repeats. None: no limit.
    repeat_share, gold_share, false_label_share, catch_share
        For each 100 items that count, 100 times so many hidden repeats (the same person, later),
        items of known answer, images asked about under another label, and pairs of one image
        twice; each in [0, 0.5]. Everybody gets their share, whatever the overlap, as far as
        `source_cap` has room.
    strength_items
        So many found pictures are shown once more, each with its perturbation at a strength drawn
        evenly from 0.25 to 1.5: at what magnitude do people stop agreeing?
    practice_items, qualification
        So many gold items come first, and this share of them, in [0, 1], has to be right to go on.
    break_every
        A break is offered after so many items.
    exposure_ms
        An image is on the screen for so long before an answer counts.
    lease_minutes
        An item that somebody left unanswered goes to others after so long.
    """

    exhausted_sources: bool = True
    language: str = "en"
    information_sheet: bool = True
    information: str = ""
    instruction_page: bool = True
    instructions: str = ""
    debrief: str = ""
    purpose_question: bool = True
    overlap: int | None = None
    items_per_person: int | None = None
    source_cap: int | None = None
    repeat_share: float = 0.0
    gold_share: float = 0.0
    false_label_share: float = 0.0
    catch_share: float = 0.0
    strength_items: int = 0
    practice_items: int = 0
    qualification: float = 0.0
    break_every: int | None = None
    exposure_ms: int = 250
    lease_minutes: float = 15.0
    rule: str = "majority"
    exclusion: ExclusionRules = field(default_factory=ExclusionRules)

    def __post_init__(self) -> None:
        """Raises StudyError for what makes no sense, with what does."""
        _check_types(self)
        _check_types(self.exclusion)
        if self.language not in LANGUAGES:
            raise StudyError(
                f"There is no language {self.language!r}: choose one of {', '.join(LANGUAGES)}."
            )
        if self.rule not in RULES:
            raise StudyError(f"There is no rule {self.rule!r}: choose one of {', '.join(RULES)}.")
        for name, low, high, unit in _RANGES:
            value = getattr(self, name)
            if value is not None and not low <= value <= high:
                raise StudyError(f"{unit} must be from {low:g} to {high:g}, not {value:g}.")
        for name in EXCLUSIONS:
            value = getattr(self.exclusion, name)
            high = float("inf") if name == "fastest_ms" else 1.0
            if value is not None and not 0 <= value <= high:
                raise StudyError(f"The exclusion rule {name} must be from 0 to {high:g}.")

    @classmethod
    def of(cls, stored: Mapping[str, Any]) -> StudyOptions:
        """The options that a study stored; what an earlier version did not know has its default."""
        known = _BEFORE | {name: value for name, value in stored.items() if name in OPTIONS}
        rules = stored.get("exclusion", {})
        if isinstance(rules, Mapping):
            rules = ExclusionRules(**{name: rules[name] for name in EXCLUSIONS if name in rules})
        return cls(**known | {"exclusion": rules})

    def as_json(self) -> dict[str, Any]:
        """What is stored."""
        return asdict(self)


def _check_types(options: StudyOptions | ExclusionRules) -> None:
    """Raises StudyError for a value of another type: a file may hold any."""
    for name, hint in _HINTS[type(options)].items():
        value = getattr(options, name)
        if isinstance(value, bool):
            fits = hint is bool
        else:  # a whole number is a number, too
            fits = isinstance(value, hint) or (isinstance(value, int) and isinstance(0.0, hint))
        if not fits:
            wanted = _TYPES[getattr(hint, "__args__", (hint,))[0]]
            raise StudyError(f"The option {name} must be {wanted}, not {value!r}.")


_TYPES = {
    bool: "true or false",
    str: "text",
    int: "a whole number",
    float: "a number",
    ExclusionRules: "a table of rules",
}
#: Read once: options are made anew for every answer.
_HINTS = {one: get_type_hints(one) for one in (StudyOptions, ExclusionRules)}
#: Studies of before there were such pages go on without.
_BEFORE = dict.fromkeys(("information_sheet", "instruction_page", "purpose_question"), False)
OPTIONS = tuple(one.name for one in fields(StudyOptions))
EXCLUSIONS = tuple(one.name for one in fields(ExclusionRules))

#: Field, smallest and largest value, and its name in a sentence.
_RANGES = (
    ("overlap", 1, 1000, "The overlap"),
    ("items_per_person", 1, 1_000_000, "The number of items per person"),
    ("source_cap", 1, 1000, "The cap on items of one source"),
    ("repeat_share", 0, LARGEST_SHARE, "The share of hidden repeats"),
    ("gold_share", 0, LARGEST_SHARE, "The share of gold items"),
    ("false_label_share", 0, LARGEST_SHARE, "The share of false labels"),
    ("catch_share", 0, LARGEST_SHARE, "The share of catch pairs"),
    ("strength_items", 0, 100_000, "The number of pictures at randomised strengths"),
    ("practice_items", 0, 100, "The number of practice items"),
    ("qualification", 0, 1, "The share to qualify"),
    ("break_every", 5, 10_000, "The number of items between breaks"),
    ("exposure_ms", 0, 10_000, "The exposure in milliseconds"),
    ("lease_minutes", 0.01, 1440, "The lease in minutes"),
)


def options_of(database: Database, study_id: str) -> StudyOptions:
    """The options of a study that is there."""
    study = studies.study(database, study_id)
    if study is None:
        raise StudyError(f"There is no study {study_id}.")
    return StudyOptions.of(study.options)
