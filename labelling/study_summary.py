"""A study in four numbers, read fast enough for a million judgements."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from sqlite_utils import Database

from labelling.agreement import Agreement, krippendorff_alpha
from labelling.answers import Answer
from labelling.quality import excluded_labellers
from labelling.trials import columns_of
from labelling.votes import (
    Numbers,
    answers_of,
    items_and_sides,
    judgement_codes,
    labellers_of,
    place_among,
)


@dataclass(frozen=True)
class StudySummary:
    """How many `people` were invited, how many of their `judgements` stand, how well they agree
    (`alpha`, as in `labelling.quality`), and how many of them the study's rules leave out.
    """

    people: int
    judgements: int
    alpha: Agreement
    excluded: int


def study_summary(database: Database, study_id: str, codes: Numbers | None = None) -> StudySummary:
    """The study's numbers as they stand.

    `codes`: what `labelling.votes.judgement_codes` gave, where somebody has read them already.
    """
    people, judged = database.execute(_COUNTS, {"study": study_id}).fetchone()
    codes = judgement_codes(database) if codes is None else codes
    return StudySummary(
        people,
        judged,
        krippendorff_alpha(_answers(database, study_id, codes)),
        len(excluded_labellers(database, [study_id])),
    )


def _answers(database: Database, study_id: str, codes: Numbers) -> np.ndarray:
    """(images, 4): how many people gave each answer to each image, side and label.

    Without judgements that were asked for to check somebody, and those of whoever withdrew.
    """
    rows = database.execute(_ITEMS, [study_id])
    items, sources, perturbed, labels, kinds = columns_of(rows, 5)
    if not items:
        return np.zeros((0, len(Answer)), dtype=int)
    item_and_side = items_and_sides(codes)
    item, side = item_and_side >> 1, item_and_side & 1
    place = place_among(np.array(items, dtype=np.int64), item)
    stimuli, _ = pd.factorize(np.array([*sources, *perturbed], dtype=object))
    label, _ = pd.factorize(np.array(labels))
    # A row of items for each side.
    image = stimuli.reshape(2, -1).astype(np.int64) * (label.max() + 1) + label
    kind = np.array(kinds)
    is_check = np.isin(kind, ("gold", "false-label", "practice"))
    counted = np.stack([~is_check, ~is_check & (kind != "catch")])
    gone = [row[0] for row in database.execute(_WITHDRAWN, [study_id])]
    ours = (place >= 0) & counted[side, place]
    ours &= ~np.isin(labellers_of(codes), gone)
    asked = 2 * image[side[ours], place[ours]] + side[ours]
    which, _ = pd.factorize(asked)
    counts = np.zeros((which.max(initial=-1) + 1, len(Answer)), dtype=int)
    np.add.at(counts, (which, answers_of(codes[ours]) - 1), 1)
    return counts


_COUNTS = """
SELECT (SELECT count(*) FROM labellers WHERE study_id = :study),
    (SELECT count(*) FROM standing_judgements
     WHERE labeller_id IN (SELECT id FROM labellers WHERE study_id = :study))
"""
_ITEMS = """
SELECT id, source_stimulus, perturbed_stimulus, label, kind FROM study_items
WHERE study_id = ? ORDER BY id
"""
_WITHDRAWN = """
SELECT labeller_id FROM labeller_events JOIN labellers ON labellers.id = labeller_id
WHERE kind = 'withdrew' AND study_id = ?
"""
