"""What the Results page reads, kept between reruns until the database has something new."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import pandas as pd

from app.access import current_home, database
from data.results import Experiment
from labelling.curves import success_curves
from labelling.eligibility import JudgingRule, finished_part, trial_table
from labelling.entrants import entering
from labelling.estimands import ESTIMANDS
from labelling.funnel import funnel
from labelling.means import common_limit, table_of_means


@dataclass(frozen=True)
class Selection:
    """What the filters leave: one experiment, one search with its schedule, some conditions.

    `budgets` are the numbers of steps after which a trial is exhausted; there is one, as a rule.
    """

    experiment: Experiment
    search: str
    schedule: str
    budgets: tuple[int, ...]
    subsets: tuple[str, ...]
    classifiers: tuple[str, ...]
    rule: JudgingRule


@dataclass(frozen=True)
class _Key:
    """Everything that decides the numbers, so that what was computed once can be used again.

    Streamlit's own cache is not used: it publishes the names of cached functions to labellers.
    """

    root: Path
    results: int
    judgements: int
    experiment_id: str
    search: str
    schedule: str
    subsets: tuple[str, ...]
    classifiers: tuple[str, ...]
    rule: JudgingRule


class SelectedResults:
    """Tables of one selection. Two of the same selection and data share their computations."""

    def __init__(self, selection: Selection) -> None:
        results, judgements = _newest(selection.experiment.id)
        self._key = _Key(
            current_home().root,
            results,
            judgements,
            selection.experiment.id,
            selection.search,
            selection.schedule,
            selection.subsets,
            selection.classifiers,
            selection.rule,
        )

    @property
    def trials(self) -> pd.DataFrame:
        """The selected trials before the first unfinished one of each condition."""
        return _trials(self._key)

    @property
    def limit(self) -> float | None:
        """M_max as far as the data know it for every selected condition."""
        return common_limit(self.trials)

    @property
    def judged(self) -> bool:
        """Whether any source of these trials has a judgement under the rule."""
        return bool((self.trials["source_judgement"] != "missing").any())

    @property
    def judged_so_far(self) -> str:
        """How many pictures are judged, of how many that need it."""
        trials = self.trials[entering(self.trials)]
        sources = trials.drop_duplicates("source_id")["source_judgement"] != "missing"
        fooling = trials[(trials["outcome"] == "found") & (trials["source_judgement"] == "agree")]
        known = fooling["perturbed_judgement"] != "missing"
        if sources.all() and known.all():
            return "All are judged."
        return (
            f"Judged so far: {sources.sum()} of {len(sources)} sources, and {known.sum()} of the"
            f" {len(known)} perturbed pictures that start from one that shows its label."
        )

    def curves(self, estimand: str) -> pd.DataFrame:
        """The curves under one estimand, by its key."""
        return _curves(self._key, estimand)

    def means(self, estimand: str, limit: float | None) -> pd.DataFrame:
        """The table of means under one estimand, up to a limit."""
        return _means(self._key, estimand, limit)

    def funnel(self, limit: float | None) -> pd.DataFrame:
        """Where the trials went."""
        return funnel(self.trials, limit)


_NEWEST = """
SELECT
    (SELECT coalesce(max(results.id), 0) FROM results
     JOIN conditions ON conditions.id = results.condition_id WHERE experiment_id = ?),
    (SELECT coalesce(max(id), 0) FROM judgements)
"""


def _newest(experiment_id: str) -> tuple[int, int]:
    """Results and judgements are only ever added, so their largest ids tell what there is."""
    return database().execute(_NEWEST, [experiment_id]).fetchone()


@lru_cache(maxsize=16)
def _trials(key: _Key) -> pd.DataFrame:
    table = finished_part(trial_table(database(), [key.experiment_id], key.rule))
    chosen = (
        (table["search"] == key.search)
        & (table["schedule_name"] == key.schedule)
        & table["subset"].isin(key.subsets)
        & table["classifier"].isin(key.classifiers)
    )
    return table[chosen].reset_index(drop=True)


@lru_cache(maxsize=64)
def _curves(key: _Key, estimand: str) -> pd.DataFrame:
    return success_curves(_trials(key), ESTIMANDS[estimand])


@lru_cache(maxsize=64)
def _means(key: _Key, estimand: str, limit: float | None) -> pd.DataFrame:
    return table_of_means(_trials(key), ESTIMANDS[estimand], limit)
