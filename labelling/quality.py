"""How well people label: known answers, repeats, time, drift; and whom a study leaves out."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from sqlite_utils import Database

from data import studies
from data.labellers import labellers
from labelling.agreement import Agreement, fleiss, krippendorff_alpha
from labelling.answers import Answer
from labelling.intervals import wilson
from labelling.options import ExclusionRules, StudyOptions

#: Items of known answer, by kind.
CHECKS = ("gold", "false-label", "catch")
#: A judgement after a longer pause begins a new sitting: the pause is no time at work.
SITTING_PAUSE_MINUTES = 5.0
DRIFT_PARTS = 10


@dataclass(frozen=True)
class Share:
    """`right` of `total`, and a 95 % Wilson interval."""

    right: int
    total: int

    @property
    def value(self) -> float | None:
        """The share; None of nothing."""
        return self.right / self.total if self.total else None

    @property
    def interval(self) -> tuple[float, float]:
        """All of [0, 1] where nothing is known."""
        low, high = wilson(self.value or 0.0, self.total)
        return float(low), float(high)


@dataclass(frozen=True)
class LabellerQuality:
    """One person's. Times are in milliseconds, `per_hour` counts judgements at work.

    `broken`: the study's exclusion rules that this person breaks, in words.
    """

    labeller_id: int
    name: str
    judgements: int
    median_ms: float | None
    per_hour: float | None
    gold: Share
    false_label: Share
    catch: Share
    repeats: Share
    hidden_share: float | None
    searches: int
    comments: int
    broken: tuple[str, ...]


@dataclass(frozen=True)
class StudyQuality:
    """A study's.

    `confusion[i, j]`: of all pairs of people who judged one image, how often one said i + 1 and the
    other j + 1; symmetric, each pair counted both ways. `drift`: columns labeller, part (1 …
    `DRIFT_PARTS` of that person's judgements in order), said_label (share of option 1), median_ms.
    """

    labellers: tuple[LabellerQuality, ...]
    alpha: Agreement
    alpha_yes_no: Agreement
    kappa: Agreement
    confusion: np.ndarray
    drift: pd.DataFrame


def study_quality(database: Database, study_id: str) -> StudyQuality:
    """The study's judgements as they stand; whoever withdrew is not among them."""
    table = _judgements(database, [study_id])
    counted = table[table["repeat"] == 0]
    counted = counted[~_only_a_check(counted)]
    counts = _counts(counted)
    yes_no = np.stack([counts[:, 0], counts[:, 1:].sum(axis=1)], axis=1)
    return StudyQuality(
        labellers=tuple(labeller_qualities(database, study_id)),
        alpha=krippendorff_alpha(counts),
        alpha_yes_no=krippendorff_alpha(yes_no),
        kappa=fleiss(counts),
        confusion=_confusion(counts),
        drift=_drift(counted),
    )


def labeller_qualities(database: Database, study_id: str) -> list[LabellerQuality]:
    """Each labeller of a study who has judged anything, in the order of invitations."""
    study = studies.study(database, study_id)
    assert study is not None
    rules = StudyOptions.of(study.options).exclusion
    table = _judgements(database, [study_id])
    checks = _checks(database, study_id)
    repeats = _repeats(database, study_id)
    comments = dict(database.execute(_COMMENTS, [study_id]).fetchall())
    people = []
    for labeller in labellers(database, study_id):
        own = table[table["labeller_id"] == labeller.id]
        if own.empty:
            continue
        shares = {kind: checks.get((labeller.id, kind), Share(0, 0)) for kind in CHECKS}
        times = own["response_ms"].dropna()
        median_ms = float(times.median()) if len(times) else None
        repeat = repeats.get(labeller.id, Share(0, 0))
        hidden, all_time = own["hidden_ms"].sum(), times.sum()
        people.append(
            LabellerQuality(
                labeller_id=labeller.id,
                name=labeller.name,
                judgements=len(own),
                median_ms=median_ms,
                per_hour=_per_hour(own["answered_at"]),
                gold=shares["gold"],
                false_label=shares["false-label"],
                catch=shares["catch"],
                repeats=repeat,
                hidden_share=float(hidden / all_time) if all_time else None,
                searches=int(own["searches"].sum()),
                comments=comments.get(labeller.id, 0),
                broken=tuple(_broken(rules, shares, repeat, median_ms)),
            )
        )
    return people


def excluded_labellers(database: Database, study_ids: Sequence[str] = ()) -> list[int]:
    """Ids of the labellers who break a rule that their study fixed; of all studies, if none named.

    A rule about what somebody has not met yet does not exclude them.
    """
    named = study_ids or [study.id for study in studies.studies(database)]
    excluded: list[int] = []
    for study in (studies.study(database, one) for one in named):
        rules = ExclusionRules() if study is None else StudyOptions.of(study.options).exclusion
        if rules != ExclusionRules():
            excluded += _excluded(database, study.id, rules)
    return excluded


def _excluded(database: Database, study_id: str, rules: ExclusionRules) -> list[int]:
    """Whom one study excludes, by what its rules ask for only: its judgements may be many."""
    checks, repeats = _checks(database, study_id), _repeats(database, study_id)
    none, medians = Share(0, 0), {}
    if rules.fastest_ms is not None:
        medians = _median_times(database, study_id)
    return [
        person.id
        for person in labellers(database, study_id)
        if _broken(
            rules,
            {kind: checks.get((person.id, kind), none) for kind in CHECKS},
            repeats.get(person.id, none),
            medians.get(person.id),
        )
    ]


def _median_times(database: Database, study_id: str) -> dict[int, float]:
    """Each labeller's median time from image to press in milliseconds, practice left out."""
    (text,) = database.execute(_TIMES, {"study": study_id}).fetchone()
    codes = np.fromstring(text or "", dtype=np.int64, sep=",")
    times = pd.Series((codes & _MOST_MICROSECONDS) / 1000.0)
    return times.groupby(codes >> _MICROSECOND_BITS).median().to_dict()


def _broken(
    rules: ExclusionRules, shares: dict[str, Share], repeats: Share, median_ms: float | None
) -> list[str]:
    measured = {
        "gold": shares["gold"].value,
        "false_label": shares["false-label"].value,
        "catch": shares["catch"].value,
        "repeats": repeats.value,
    }
    said = {
        "gold": "gold",
        "false_label": "false labels",
        "catch": "catch pairs",
        "repeats": "repeats",
    }
    broken = [
        f"{said[name]} {value:.0%}, at least {getattr(rules, name):.0%} asked"
        for name, value in measured.items()
        if getattr(rules, name) is not None and value is not None and value < getattr(rules, name)
    ]
    if rules.fastest_ms is not None and median_ms is not None and median_ms < rules.fastest_ms:
        broken.append(f"median {median_ms:.0f} ms, at least {rules.fastest_ms:.0f} asked")
    return broken


_JUDGEMENTS = """
SELECT judgements.labeller_id, labellers.name AS labeller, side, stimulus, judgements.label,
    answer, repeat, response_ms, hidden_ms, searches, answered_at, study_items.kind
FROM standing_judgements AS judgements
JOIN labellers ON labellers.id = judgements.labeller_id
JOIN study_items ON study_items.id = judgements.item_id
WHERE labellers.study_id IN (SELECT value FROM json_each(?)) AND study_items.kind <> 'practice'
ORDER BY judgements.id
"""

# A known answer is looked up by image, side and label, in whichever item it was judged.
_CHECKED = """
SELECT judgements.labeller_id, study_items.kind,
    sum(judgements.answer IN (SELECT value FROM json_each(expected.value))), count(*)
FROM study_items
JOIN json_each(study_items.details, '$.expected') AS expected
JOIN labellers ON labellers.study_id = study_items.study_id
JOIN standing_judgements AS judgements ON judgements.labeller_id = labellers.id
    AND judgements.side = expected.key AND judgements.label = study_items.label
    AND judgements.repeat = 0
    AND judgements.stimulus = CASE expected.key
        WHEN 'source' THEN study_items.source_stimulus ELSE study_items.perturbed_stimulus END
WHERE study_items.study_id = ? AND study_items.kind IN ('gold', 'false-label', 'catch')
GROUP BY judgements.labeller_id, study_items.kind
"""

_REPEATED = """
SELECT again.labeller_id, sum(again.answer = first.answer), count(*)
FROM standing_judgements AS again
JOIN standing_judgements AS first ON first.labeller_id = again.labeller_id
    AND first.side = again.side AND first.stimulus = again.stimulus
    AND first.label = again.label AND first.repeat = 0
JOIN labellers ON labellers.id = again.labeller_id
WHERE again.repeat = 2 AND labellers.study_id = ?
GROUP BY again.labeller_id
"""

# One number a judgement, joined to one text: a million rows would take SQLite and Python thrice as
# long. Times are in microseconds, those of more than an hour cut to one.
_MICROSECOND_BITS = 32
_MOST_MICROSECONDS = 2**_MICROSECOND_BITS - 1
_TIMES = f"""
SELECT group_concat(
    (judgements.labeller_id << {_MICROSECOND_BITS})
    | CAST(round(min(response_ms, 3600000.0) * 1000) AS INTEGER)
)
FROM standing_judgements AS judgements
WHERE response_ms IS NOT NULL
    AND +judgements.labeller_id IN (SELECT id FROM labellers WHERE study_id = :study)
    AND item_id NOT IN (
        SELECT id FROM study_items WHERE study_id = :study AND kind = 'practice'
    )
"""

_COMMENTS = """
SELECT labeller_id, count(*) FROM comments JOIN labellers ON labellers.id = labeller_id
WHERE study_id = ? AND text <> '' GROUP BY labeller_id
"""


def _judgements(database: Database, study_ids: Sequence[str]) -> pd.DataFrame:
    table = pd.read_sql_query(_JUDGEMENTS, database.conn, params=[json.dumps(list(study_ids))])
    return table.astype({"response_ms": float, "hidden_ms": float})


def _checks(database: Database, study_id: str) -> dict[tuple[int, str], Share]:
    rows = database.execute(_CHECKED, [study_id]).fetchall()
    return {(labeller, kind): Share(right, total) for labeller, kind, right, total in rows}


def _repeats(database: Database, study_id: str) -> dict[int, Share]:
    rows = database.execute(_REPEATED, [study_id]).fetchall()
    return {labeller: Share(right, total) for labeller, right, total in rows}


def _only_a_check(table: pd.DataFrame) -> pd.Series:
    """Judgements that were asked for to check somebody: agreement is about the others."""
    of_no_result = table["kind"].isin(["gold", "false-label"])
    return of_no_result | ((table["kind"] == "catch") & (table["side"] == "perturbed"))


def _counts(counted: pd.DataFrame) -> np.ndarray:
    """(images, 4): how many people gave each answer to each image, side and label."""
    if counted.empty:
        return np.zeros((0, len(Answer)), dtype=int)
    image = counted.groupby(["side", "stimulus", "label"], sort=False).ngroup().to_numpy()
    counts = np.zeros((image.max() + 1, len(Answer)), dtype=int)
    np.add.at(counts, (image, counted["answer"].to_numpy() - 1), 1)
    return counts


def _confusion(counts: np.ndarray) -> np.ndarray:
    pairs = counts.T @ counts
    return pairs - np.diag(counts.sum(axis=0))


def _per_hour(answered_at: pd.Series) -> float | None:
    """Judgements per hour at work; None before there is a time between two."""
    times = pd.to_datetime(answered_at).sort_values()
    gaps = times.diff().dt.total_seconds().dropna()
    at_work = gaps[gaps <= SITTING_PAUSE_MINUTES * 60]
    return float(len(at_work) / at_work.sum() * 3600) if at_work.sum() > 0 else None


def _drift(counted: pd.DataFrame) -> pd.DataFrame:
    place = counted.groupby("labeller_id").cumcount()
    total = counted.groupby("labeller_id")["answer"].transform("size")
    parts = counted.assign(
        part=1 + place * DRIFT_PARTS // total, said_label=counted["answer"] == Answer.LABEL
    )
    return parts.groupby(["labeller", "part"], as_index=False).agg(
        said_label=("said_label", "mean"),
        median_ms=("response_ms", "median"),
        judgements=("answer", "size"),
    )
