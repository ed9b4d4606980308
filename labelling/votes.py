"""Every standing judgement of an experiment's pictures, read once; any rule counts them at once.

A change of the judging rule must redraw a page in a moment, with a million judgements too: they are
held as three arrays of numbers, some ten bytes a judgement, and counting them takes milliseconds.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sqlite_utils import Database

from data.judgements import SIDES
from labelling.trials import columns_of

Numbers = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
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
    #: Whose answers were counted last → (pictures + 1, answers): how many gave each.
    _counted: dict[tuple[int, ...] | None, Numbers] = field(default_factory=dict, repr=False)

    def counts(
        self, side: str, answers: Sequence[int], labellers: Sequence[int] | None = None
    ) -> NDArray[np.int64]:
        """How many of the labellers (None: all) gave one of the answers, for each row's picture."""
        key = None if labellers is None else tuple(labellers)
        if (counted := self._counted.get(key)) is None:
            counted = self._count(key)
            # Sides and answers are asked for one after the other, of the same labellers. Threads
            # share these votes, so what is walked over is a copy.
            for past in list(self._counted):
                if past is not None:
                    self._counted.pop(past, None)
            self._counted[key] = counted
        return counted[:, list(answers)].sum(axis=1)[self.picture_of[side]]

    def _count(self, labellers: tuple[int, ...] | None) -> Numbers:
        picture, answer = self.picture, self.answer
        if labellers is not None:
            among = np.zeros(int(self.labeller.max(initial=0)) + 1, dtype=bool)
            among[[one for one in labellers if one < len(among)]] = True
            chosen = among[self.labeller]
            picture, answer = picture[chosen], answer[chosen]
        # One more picture than there is, that nobody judged: that of rows without a picture.
        most = max((rows.max(initial=-1) for rows in self.picture_of.values()), default=-1) + 2
        places = picture.astype(np.int64) * _ANSWERS + answer
        return np.bincount(places, minlength=most * _ANSWERS).reshape(most, _ANSWERS)


#: Answers take three bits.
_ANSWERS = 8


@dataclass(frozen=True)
class Standing:
    """Every judgement that stands, but for repeated showings, as far as somebody has read.

    `codes` has a number a judgement, see `_JUDGEMENTS`; `ids` tell which it is, ascending; `newest`
    is the last one that was read, of any kind.
    """

    ids: Numbers
    codes: Numbers
    newest: int


_NONE = Standing(np.zeros(0, np.int64), np.zeros(0, np.int64), 0)


def standing(database: Database, before: Standing = _NONE) -> Standing:
    """What stands now. Judgements are only ever added, so of `before` nothing is read again.

    SQLite joins them to texts, which takes no lock of Python's, so that another thread can read
    the trials meanwhile.
    """
    ids, codes, superseded, newest = database.execute(_JUDGEMENTS, [before.newest]).fetchone()
    (retracted,) = database.execute("SELECT group_concat(judgement_id) FROM retractions").fetchone()
    ids, codes = (
        np.concatenate([old, _numbers(new)])
        for old, new in ((before.ids, ids), (before.codes, codes))
    )
    gone = np.concatenate([_numbers(superseded), _numbers(retracted)])
    place = place_among(ids, gone)
    stands = np.ones(len(ids), dtype=bool)
    stands[place[place >= 0]] = False
    return Standing(ids[stands], codes[stands], max(before.newest, newest or 0))


def _numbers(text: str | None) -> Numbers:
    return np.fromstring(text or "", dtype=np.int64, sep=",")


def judgement_codes(database: Database) -> Numbers:
    """Every judgement of this home that stands, as one number; see `_JUDGEMENTS`."""
    return standing(database).codes


def items_and_sides(codes: Numbers) -> Numbers:
    """Twice the item's number, and one more where its perturbed picture was judged."""
    return codes >> 23


def labellers_of(codes: Numbers) -> Numbers:
    """Who judged."""
    return (codes >> 3) & 0xFFFFF


def answers_of(codes: Numbers) -> Numbers:
    """What they said, 1 … 4."""
    return codes & 7


@dataclass(frozen=True)
class Asked:
    """What labellers were asked about the trials of a table.

    `picture_of`: as in `Votes`. `place[2 * (item - first) + side]` is the picture of an item's
    side, sources first; -1 where it is none of these trials', or there is no such item. It begins
    with the first item asked about, since a home with a long past has high numbers.
    """

    picture_of: dict[str, NDArray[np.int64]]
    place: NDArray[np.int32]
    first: int


def asked(database: Database, trials: pd.DataFrame) -> Asked:
    """The pictures of a table of `labelling.trials`, and the items of whatever study show them."""
    stimuli = _numbered(trials)
    most = int(trials["label"].max()) + 1 if len(trials) else 1
    labels = trials["label"].to_numpy()
    keys = {side: _keys(stimuli, trials[f"{side}_stimulus"], labels, most, side) for side in SIDES}
    known = np.unique(np.concatenate(list(keys.values())))
    known = known[known >= 0]
    studies = json.dumps(_studies(database, trials))
    columns = columns_of(database.execute(_ITEMS, [studies]), 4)
    items, of_items = (np.array(columns[one], dtype=np.int64) for one in (0, 3))
    first, last = (int(items[0]), int(items[-1])) if len(items) else (0, -1)
    place = np.full((last - first + 1, len(SIDES)), -1, dtype=np.int32)
    for number, side in enumerate(SIDES):
        place[items - first, number] = place_among(
            known, _keys(stimuli, columns[number + 1], of_items, most, side)
        )
    picture_of = {side: place_among(known, keys[side]) for side in SIDES}
    return Asked(picture_of, place.ravel(), first)


def votes(
    database: Database,
    trials: pd.DataFrame,
    codes: Numbers | None = None,
    pictures: Asked | None = None,
) -> Votes:
    """The judgements, of whatever study, of the pictures in a table of `labelling.trials`.

    `codes`: what `judgement_codes` gave, and `pictures`: what `asked` gave, where somebody has read
    them already.
    """
    codes = judgement_codes(database) if codes is None else codes
    pictures = asked(database, trials) if pictures is None else pictures
    item_and_side = items_and_sides(codes) - len(SIDES) * pictures.first
    picture = np.full(len(codes), -1, dtype=np.int32)
    there = (item_and_side >= 0) & (item_and_side < len(pictures.place))
    picture[there] = pictures.place[item_and_side[there]]
    labeller = labellers_of(codes)
    ours = picture >= 0
    gone = [row[0] for row in database.execute(_WITHDRAWN)]
    if gone:
        ours &= ~np.isin(labeller, gone)
    return Votes(
        picture[ours],
        labeller[ours].astype(np.int32),
        answers_of(codes[ours]).astype(np.int8),
        pictures.picture_of,
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


def place_among(known: Numbers, keys: Numbers) -> Numbers:
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
            sources = database.execute(
                "SELECT source_stimulus FROM study_items WHERE study_id = ?", [study_id]
            )
            if any(stimulus in pictures for (stimulus,) in sources):
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
SELECT
    group_concat(CASE WHEN repeat = 0 THEN id END),
    group_concat(CASE WHEN repeat = 0 THEN
        ((item_id * 2 + (side = 'perturbed')) << 23) | (labeller_id << 3) | answer END),
    group_concat(supersedes),
    max(id)
FROM (SELECT * FROM judgements WHERE id > ? ORDER BY id)
"""

_WITHDRAWN = "SELECT labeller_id FROM labeller_events WHERE kind = 'withdrew'"
