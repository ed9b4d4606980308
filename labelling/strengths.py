"""At what magnitude people stop agreeing, from pictures shown at randomised strengths."""

from __future__ import annotations

from collections.abc import Collection, Sequence

import numpy as np
import pandas as pd
from sqlite_utils import Database

from labelling.eligibility import JudgingRule, counting, judged_trials
from labelling.intervals import FEWEST_SOURCES, resampled_sources
from labelling.logistic import LogisticFit, logistic_fit
from labelling.votes import Asked, Numbers, votes

#: A curve through fewer judged pictures than this would be made of chance.
FEWEST_PICTURES = 20

COLUMNS = (
    "experiment_id",
    "condition_id",
    "classifier",
    "subset",
    "search",
    "schedule_name",
    "trial_index",
    "source_id",
    "label",
    "source_stimulus",
    "perturbed_stimulus",
    "study_id",
    "strength",
    "magnitude",
    "answer",
)


def strength_count(database: Database, experiment_id: str) -> int:
    """How many items at randomised strengths there are of an experiment's results."""
    (count,) = database.execute(
        f"SELECT count(*) FROM ({_ITEMS})", {"experiment": experiment_id}
    ).fetchone()
    return count


def strength_items(database: Database, experiment_id: str) -> pd.DataFrame:
    """One row an item at a randomised strength: `COLUMNS`.

    `magnitude` is strength · ‖p‖₂, `answer` the classifier's label for that picture. A picture that
    two studies ask about is one row.
    """
    rows = database.execute(_ITEMS, {"experiment": experiment_id}).fetchall()
    table = pd.DataFrame(rows, columns=list(COLUMNS))
    for name in ("source_stimulus", "perturbed_stimulus"):
        table[name] = table[name].astype(object)
    return table.drop_duplicates(["condition_id", "trial_index", "strength"], ignore_index=True)


def strength_table(
    database: Database,
    experiment_id: str,
    rule: JudgingRule,
    *,
    items: pd.DataFrame | None = None,
    codes: Numbers | None = None,
    pictures: Asked | None = None,
    excluded: Collection[int] | None = None,
) -> pd.DataFrame:
    """The rows of `strength_items`, and both judgements under the rule: `source_judgement` and
    `perturbed_judgement` as in `labelling.eligibility`.

    `items`: those rows, where somebody has read them already; `codes` and `pictures` as for
    `labelling.votes.votes`, `excluded` as for `labelling.eligibility.counting`.
    """
    table = strength_items(database, experiment_id) if items is None else items
    given = votes(database, table, codes, pictures)
    return judged_trials(table, given, rule, counting(database, rule, excluded))


def agreement_fits(fits: Fits) -> pd.DataFrame:
    """What `fitted` found, a row a condition (classifier, subset, condition_id).

    `pictures` and `sources` that enter, `agreed` of them, `waiting` for a judgement; `intercept`
    and `slope`; `half`, where half agree, with its 95 % interval `half_low`, `half_high` by
    bootstrap over sources (∞: not reached); `smallest` and `largest`, what was shown: a half beyond
    them is the curve's, not the answers'. NaN and a `problem` in words where too little is judged,
    or people never differ.
    """
    return pd.DataFrame([{**key, **_row(fit)} for key, fit in fits], columns=[*_KEY, *_FIT])


def agreement_curves(fits: Fits, *, points: int = 80) -> pd.DataFrame:
    """The curves of what `fitted` found: rows (classifier, subset, condition_id, x, share, low,
    high), from the smallest to the largest x that was shown; pointwise 95 % bands by bootstrap over
    sources.
    """
    parts = []
    for key, fit in fits:
        if fit.problem is None:
            x = np.linspace(fit.smallest, fit.largest, points)
            share, low, high = fit.fit.curve(x)
            parts.append(pd.DataFrame({**key, "x": x, "share": share, "low": low, "high": high}))
    columns = [*_KEY, "x", "share", "low", "high"]
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=columns)


def entering(table: pd.DataFrame) -> pd.Series:
    """Which rows enter a fit: source judged to show its label, picture judged."""
    judged = table["perturbed_judgement"] != "missing"
    return judged & (table["source_judgement"] == "agree")


class Fitted:
    """One condition's fit, or the `problem` why there is none."""

    def __init__(self, rows: pd.DataFrame, against: str, draws: int, seed: int) -> None:
        judged = rows[entering(rows)]
        x = judged[against].to_numpy(float)
        agrees = (judged["perturbed_judgement"] == "agree").to_numpy()
        unit, sources = pd.factorize(judged["source_id"])
        self.pictures, self.sources, self.agreed = len(judged), len(sources), int(agrees.sum())
        self.waiting = int(
            (
                (rows["perturbed_judgement"] == "missing")
                & (rows["source_judgement"] != "disagree")
                | (rows["source_judgement"] == "missing")
                & (rows["perturbed_judgement"] != "missing")
            ).sum()
        )
        self.smallest = float(x.min()) if len(x) else np.nan
        self.largest = float(x.max()) if len(x) else np.nan
        self.problem = self._problem()
        self.fit: LogisticFit | None = None
        if self.problem is None:
            counts = resampled_sources(len(sources), draws, seed)
            self.fit = logistic_fit(x, agrees, unit, counts)

    def _problem(self) -> str | None:
        if self.pictures < FEWEST_PICTURES or self.sources < FEWEST_SOURCES:
            return f"too few: {self.pictures} judged pictures of {self.sources} sources"
        if self.agreed == self.pictures:
            return f"people agreed with all {self.pictures} pictures"
        if self.agreed == 0:
            return f"people agreed with none of {self.pictures} pictures"
        return None


def fitted(
    table: pd.DataFrame, against: str = "magnitude", *, draws: int = 1000, seed: int = 0
) -> Fits:
    """Per condition, a logistic curve of “people still agree” `against` magnitude or strength.

    `table`: rows of `strength_table`. Pictures whose source people say shows its label, and that
    are judged themselves, enter. Conditions come in the order of their first row.
    """
    return [
        (dict(zip(_KEY, key, strict=True)), Fitted(rows, against, draws, seed))
        for key, rows in table.groupby(_KEY, sort=False)
    ]


def _row(one: Fitted) -> dict[str, object]:
    fit = one.fit
    half, low, high = fit.half() if fit else (np.nan, np.nan, np.nan)
    return {
        "pictures": one.pictures,
        "sources": one.sources,
        "agreed": one.agreed,
        "waiting": one.waiting,
        "intercept": fit.intercept if fit else np.nan,
        "slope": fit.slope if fit else np.nan,
        "half": half,
        "half_low": low,
        "half_high": high,
        "smallest": one.smallest,
        "largest": one.largest,
        "problem": one.problem,
    }


#: Of each condition its names, as in `_KEY`, and the fit.
Fits = Sequence[tuple[dict[str, object], Fitted]]

_KEY = ["classifier", "subset", "condition_id"]
_FIT = [
    *("pictures", "sources", "agreed", "waiting", "intercept", "slope"),
    *("half", "half_low", "half_high", "smallest", "largest", "problem"),
]

_ITEMS = """
SELECT conditions.experiment_id, conditions.id, conditions.classifier, subset, search,
    schedule_name, trial_index, source_id, study_items.label, source_stimulus, perturbed_stimulus,
    study_id, json_extract(details, '$.strength'), json_extract(details, '$.magnitude'),
    json_extract(details, '$.answer')
FROM study_items
JOIN conditions ON conditions.experiment_id = json_extract(details, '$.experiment')
    AND conditions.position = json_extract(details, '$.condition')
JOIN results ON results.condition_id = conditions.id
    AND results.trial_index = json_extract(details, '$.trial')
WHERE study_items.kind = 'strength' AND conditions.experiment_id = :experiment
    AND study_id IN (SELECT study_id FROM study_experiments WHERE experiment_id = :experiment)
ORDER BY conditions.position, trial_index, study_items.id
"""
