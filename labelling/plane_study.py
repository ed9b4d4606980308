"""Judgements on a perturbation plane: studies of pictures spread over it, and what they came to."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from sqlite_utils import Database

from data.planes import KIND, plane_key
from data.studies import ItemRow
from labelling.answers import Answer
from labelling.eligibility import JUDGEMENTS, JudgingRule, counting, judged
from labelling.options import StudyError, StudyOptions
from labelling.pool import CONTENT
from labelling.studies import LabelText, store_study


@dataclass(frozen=True)
class JudgedPoint:
    """A picture of the plane that people were asked about: where it is, and what they say.

    `judgement` is "agree", "disagree" or "missing" (not judged, a tie, or not shown because the
    source was rejected); `answers` has how many of those who count gave each of the four.
    """

    u: tuple[float, float]
    stimulus: str
    judgement: str
    answers: tuple[int, int, int, int]

    @property
    def yes(self) -> int:
        """How many say that it shows the label."""
        return self.answers[0]

    @property
    def asked(self) -> int:
        """How many answered."""
        return sum(self.answers)

    @property
    def answer(self) -> str:
        """The answer that most gave: "label", "something else", "unclear", "meaningless"; "tie"
        where several are as frequent, "" where nobody answered.
        """
        if not self.asked:
            return ""
        most = max(self.answers)
        given = [one for one, count in zip(Answer, self.answers, strict=True) if count == most]
        return given[0].name.lower().replace("_", " ") if len(given) == 1 else "tie"


def create_plane_study(
    database: Database,
    name: str,
    *,
    space: Mapping[str, Any],
    source: str,
    pictures: Iterable[tuple[Sequence[float], str]],
    text: LabelText,
    created_by: str,
    options: StudyOptions | None = None,
) -> str:
    """A study of pictures at points u of a plane, each judged beside its source; its id.

    They are asked like any other pair: nobody who judges is told of the plane. Raises StudyError.
    """
    label = int(space["source"]["label"])
    key = plane_key(space)
    items = [
        ItemRow(
            source_stimulus=source,
            perturbed_stimulus=stimulus,
            label=label,
            phrase=text.phrase,
            search_term=text.search_term,
            gloss=text.gloss,
            kind=KIND,
            details={"plane": key, "u": [float(value) for value in u]},
        )
        for u, stimulus in pictures
        if stimulus != source
    ]
    if not items:
        raise StudyError("There is no picture of this plane to judge.")

    def relabel(item: ItemRow, other: int) -> ItemRow:
        return replace(item, label=other)

    return store_study(
        database,
        items,
        name,
        options=options or StudyOptions(),
        gold=[],
        relabel=relabel,
        created_by=created_by,
    )


def judged_points(
    database: Database,
    space: Mapping[str, Any],
    known: Mapping[tuple[float, float], str | None],
    rule: JudgingRule | None = None,
) -> list[JudgedPoint]:
    """Every picture of the plane in any study, and what its judgements come to under the rule.

    `known` are pictures of the plane that were not made for it: the source at the origin, and what
    the searches found, whose judgements count wherever they were given.
    """
    rule = rule or JudgingRule()
    label, key = int(space["source"]["label"]), plane_key(space)
    places = {stimulus: u for u, stimulus in known.items() if stimulus is not None}
    sources = {known.get((0.0, 0.0))}
    rows = database.execute(_ITEMS, [KIND, key]).fetchall()
    places |= {stimulus: tuple(json.loads(u)) for stimulus, u in rows}
    counts, content = counting(database, rule), json.dumps(sorted(CONTENT))
    found = []
    for stimulus, u in places.items():
        side = "source" if stimulus in sources else "perturbed"
        given = database.execute(_ANSWERS, [stimulus, label, side, content]).fetchall()
        said = [answer for answer, who in given if counts is None or who in counts]
        yes, other, unclear, meaningless = (said.count(int(answer)) for answer in Answer)
        no = other + meaningless + (unclear if rule.unclear == "disagree" else 0)
        (code,) = judged(np.array([yes]), np.array([no]), rule)
        answers = (yes, other, unclear, meaningless)
        found.append(JudgedPoint(u, stimulus, JUDGEMENTS[code], answers))
    return found


def plane_studies(
    database: Database,
    space: Mapping[str, Any],
    known: Mapping[tuple[float, float], str | None],
) -> list[str]:
    """The ids of the studies in which pictures of the plane are judged; arguments as above."""
    stimuli = json.dumps([one for one in known.values() if one is not None])
    rows = database.execute(_STUDIES, [KIND, plane_key(space), stimuli, stimuli]).fetchall()
    return [study_id for (study_id,) in rows]


_ITEMS = """
SELECT perturbed_stimulus, json_extract(details, '$.u') FROM study_items
WHERE kind = ? AND json_extract(details, '$.plane') = ?
"""
#: Controls ask about another label or two equal pictures, and are not what is asked here.
_ANSWERS = """
SELECT answer, labeller_id FROM standing_judgements
JOIN study_items ON study_items.id = standing_judgements.item_id
WHERE standing_judgements.stimulus = ? AND standing_judgements.label = ? AND side = ?
    AND repeat = 0 AND kind IN (SELECT value FROM json_each(?))
"""
_STUDIES = """
SELECT DISTINCT study_id FROM study_items
WHERE (kind = ? AND json_extract(details, '$.plane') = ?)
    OR source_stimulus IN (SELECT value FROM json_each(?))
    OR perturbed_stimulus IN (SELECT value FROM json_each(?))
"""
