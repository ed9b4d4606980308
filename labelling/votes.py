"""Every standing judgement of an experiment's pictures, read once; any rule counts them at once.

A change of the judging rule must redraw a page in a moment, with a million judgements too: they are
held as three arrays of numbers, some ten bytes a judgement, and counting them takes milliseconds.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sqlite_utils import Database

from labelling.trials import columns_of

Numbers = NDArray[np.int64]

SIDES = ("source", "perturbed")


@dataclass(frozen=True)
class Votes:
    """Who said what of which picture: one entry a judgement that stands.

    A *picture* is a number for (side, stimulus, label): what a labeller was asked about.
    `picture_of[side]` says which picture each row of the trial table has, -1 for none. Repeated
    showings and practice are not here.
    """

    picture: NDArray[np.int32]
    labeller: NDArray[np.int32]
    answer: NDArray[np.int8]
    picture_of: dict[str, NDArray[np.int64]]

    def counts(
        self, side: str, answers: Sequence[int], labellers: Sequence[int] | None = None
    ) -> NDArray[np.int64]:
        """How many of the labellers (None: all) gave one of the answers, for each row's picture."""
        chosen = _among(answers)[self.answer]
        if labellers is not None:
            chosen &= _among(labellers, int(self.labeller.max(initial=0)))[self.labeller]
        pictures = self.picture_of[side]
        most = max((rows.max(initial=-1) for rows in self.picture_of.values()), default=-1)
        # One more picture than there is, that nobody judged: that of rows without a picture.
        return np.bincount(self.picture[chosen], minlength=most + 2)[pictures]


def _among(numbers: Sequence[int], largest: int = 7) -> NDArray[np.bool_]:
    """Which of the numbers from 0 are among these."""
    among = np.zeros(largest + 1, dtype=bool)
    among[[number for number in numbers if number <= largest]] = True
    return among


def judgement_codes(database: Database) -> Numbers:
    """Every judgement of this home that stands, as one number; see `_JUDGEMENTS`.

    SQLite joins them to one text, which takes no lock of Python's, so that another thread can read
    the trials meanwhile.
    """
    (text,) = database.execute(_JUDGEMENTS).fetchone()
    return np.fromstring(text or "", dtype=np.int64, sep=",")


def votes(database: Database, trials: pd.DataFrame, codes: Numbers | None = None) -> Votes:
    """The judgements, of whatever study, of the pictures in a table of `labelling.trials`.

    `codes`: what `judgement_codes` gave, where somebody has read them already.
    """
    codes = judgement_codes(database) if codes is None else codes
    stimuli = _numbered(trials)
    most = int(trials["label"].max()) + 1 if len(trials) else 1
    labels = trials["label"].to_numpy()
    keys = {side: _keys(stimuli, trials[f"{side}_stimulus"], labels, most, side) for side in SIDES}
    known = np.unique(np.concatenate(list(keys.values())))
    known = known[known >= 0]
    studies = json.dumps(_studies(database, trials))
    items, sources, perturbed, asked_labels = columns_of(database.execute(_ITEMS, [studies]), 4)
    of_items = np.array(asked_labels, dtype=np.int64)
    # Item and side → picture, in the order of the items.
    place = np.stack(
        [
            _place(known, _keys(stimuli, column, of_items, most, side))
            for side, column in zip(SIDES, (sources, perturbed), strict=True)
        ],
        axis=1,
    ).ravel()
    item = _place(np.array(items, dtype=np.int64), codes >> 24)
    side = (codes >> 23) & 1
    picture = place[2 * item + side] if len(place) else np.full(len(codes), -1)
    labeller = (codes >> 3) & 0xFFFFF
    gone = [row[0] for row in database.execute(_WITHDRAWN)]
    ours = (item >= 0) & (picture >= 0) & ~np.isin(labeller, gone)
    return Votes(
        picture[ours].astype(np.int32),
        labeller[ours].astype(np.int32),
        (codes[ours] & 7).astype(np.int8),
        {side: _place(known, keys[side]) for side in SIDES},
    )


def _numbered(trials: pd.DataFrame) -> dict[str, int]:
    names = chain.from_iterable(trials[f"{side}_stimulus"] for side in SIDES)
    return {name: number for number, name in enumerate(dict.fromkeys(names)) if name is not None}


def _keys(
    stimuli: Mapping[str, int], names: Iterable[str], labels: Numbers, most: int, side: str
) -> Numbers:
    """One number for side, stimulus and label; -1 for a stimulus or label that is not ours."""
    place = np.array([stimuli.get(name, -1) for name in names], dtype=np.int64)
    ours = (place >= 0) & (labels < most)
    return np.where(ours, (place * most + labels) * 2 + SIDES.index(side), -1)


def _place(known: Numbers, keys: Numbers) -> Numbers:
    """The place of each key among the known ones, which are sorted; -1 for one that is not."""
    if not len(known):
        return np.full(len(keys), -1)
    place = np.minimum(np.searchsorted(known, keys), len(known) - 1)
    return np.where(known[place] == keys, place, -1)


def _studies(database: Database, trials: pd.DataFrame) -> list[str]:
    """The studies that ask about one of these pictures.

    A study over the experiment is told by its link; one over another experiment that shares
    sources, or an imported one, by its items.
    """
    ids = json.dumps(trials["experiment_id"].unique().tolist())
    found = {study_id for (study_id,) in database.execute(_LINKED, [ids])}
    pictures = set(trials["source_stimulus"])
    for (study_id,) in database.execute("SELECT id FROM studies").fetchall():
        if study_id not in found:
            asked = database.execute(
                "SELECT source_stimulus FROM study_items WHERE study_id = ?", [study_id]
            )
            if any(stimulus in pictures for (stimulus,) in asked):
                found.add(study_id)
    return sorted(found)


_LINKED = """
SELECT DISTINCT study_id FROM study_experiments
WHERE experiment_id IN (SELECT value FROM json_each(?))
"""

_ITEMS = """
SELECT id, source_stimulus, perturbed_stimulus, label FROM study_items
WHERE study_id IN (SELECT value FROM json_each(?)) ORDER BY id
"""

# One number a judgement, since a million rows of three take twice as long: the item, the side (one
# bit), the labeller (20 bits), the answer (3 bits). What stands is told as in the view
# `standing_judgements`, whose look-ups a row take as long again; a test compares the two.
_JUDGEMENTS = """
SELECT group_concat(((item_id * 2 + (side = 'perturbed')) << 23) | (labeller_id << 3) | answer)
FROM judgements
WHERE repeat = 0 AND id NOT IN (
    SELECT supersedes FROM judgements WHERE supersedes IS NOT NULL
    UNION ALL SELECT judgement_id FROM retractions
)
"""

_WITHDRAWN = "SELECT labeller_id FROM labeller_events WHERE kind = 'withdrew'"
