"""What the Results page has read and computed, kept for as long as it stays true."""

from __future__ import annotations

from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from threading import Lock

import pandas as pd

from app.access import current_home, database
from data.database import open_database
from data.experiments import conditions as of_experiment
from data.experiments import experiments
from labelling.curves import Cases, common_set, conditions, success_curves
from labelling.distances import mean_distances, pixel_distances
from labelling.eligibility import JudgingRule, counting, finished_part, judged_trials
from labelling.estimands import ESTIMANDS, FOOLED_WHILE_PEOPLE_AGREE, SOURCE_JUDGED
from labelling.means import common_limit, table_of_means
from labelling.paired import Dimension, comparisons
from labelling.quality import excluded_labellers
from labelling.trials import stored_trials
from labelling.votes import Asked, Numbers, Standing, Votes, asked, standing, votes

#: Reads beside the pages, with connections of its own.
background = ThreadPoolExecutor(2, thread_name_prefix="results")


@dataclass(frozen=True)
class Version:
    """An experiment's results and everybody's judgements as they were at one moment.

    What was computed once is used again while this is the same. Streamlit's own cache is not used:
    it publishes the names of cached functions to labellers.
    """

    root: Path
    experiment_id: str
    results: int
    judgements: tuple[int, ...]


@dataclass(frozen=True)
class Part:
    """Some conditions of a version, judged by a rule; None: every search, schedule, subset, …"""

    version: Version
    rule: JudgingRule
    search: str | None
    schedule: str | None
    subsets: tuple[str, ...] | None = None
    classifiers: tuple[str, ...] | None = None
    common: bool = False


_NEWEST = """
SELECT
    (SELECT coalesce(max(results.id), 0) FROM results
     JOIN conditions ON conditions.id = results.condition_id WHERE experiment_id = ?),
    (SELECT coalesce(max(id), 0) FROM judgements),
    (SELECT count(*) FROM retractions),
    (SELECT coalesce(max(id), 0) FROM labeller_events)
"""


def newest_version(experiment_id: str) -> Version:
    """Results and judgements are only ever added, so their largest ids tell what there is.

    Judgements that no longer stand were taken back or superseded, or their labeller withdrew: each
    of that is a row more, too.
    """
    results, *judgements = database().execute(_NEWEST, [experiment_id]).fetchone()
    return Version(current_home().root, experiment_id, results, tuple(judgements))


@lru_cache(maxsize=4)
def _stored(root: Path, experiment_id: str, results: int) -> pd.DataFrame:
    return finished_part(stored_trials(database(), [experiment_id]))


@lru_cache(maxsize=4)
def _votes(version: Version) -> Votes:
    # Beside, while the trials are read here.
    codes = background.submit(_standing, version.root, version.judgements[0])
    trials = _stored(version.root, version.experiment_id, version.results)
    (items,) = database().execute("SELECT coalesce(max(id), 0) FROM study_items").fetchone()
    pictures = _asked(version.root, version.experiment_id, version.results, items)
    return votes(database(), trials, codes.result().codes, pictures)


@lru_cache(maxsize=4)
def _asked(root: Path, experiment_id: str, results: int, items: int) -> Asked:
    return asked(database(), _stored(root, experiment_id, results))


#: What each home's judgements were when somebody last asked: only newer ones are read.
_stood: dict[Path, Standing] = {}
_standing_lock = Lock()


def _standing(root: Path, newest: int) -> Standing:
    with _standing_lock, closing(open_database(current_home())) as own:
        before = _stood.get(root)
        # A home that was restored from a backup may have fewer.
        fresh = before is None or before.newest > newest
        _stood[root] = standing(own) if fresh else standing(own, before)
        return _stood[root]


def standing_codes(root: Path, newest: int) -> Numbers:
    """What `labelling.votes.judgement_codes` gives, of which only newer ones are read.

    `newest`: the largest id of a judgement that there is.
    """
    return _standing(root, newest).codes


#: Two who open the page at once wait for one reading instead of making two.
_reading = Lock()


@lru_cache(maxsize=8)
def judged(version: Version, rule: JudgingRule) -> pd.DataFrame:
    """Every trial with what people say of its two pictures under a rule."""
    with _reading:
        given = _votes(version)
        trials = _stored(version.root, version.experiment_id, version.results)
    return judged_trials(trials, given, rule, counting(database(), rule, left_out(version, rule)))


def read_ahead() -> None:
    """Read and compute what the page first shows, before anybody asks: the newest experiment's
    curves.
    """
    stored = experiments(database(), kind="experiment")
    if not stored:
        return
    with _reading:
        _votes(newest_version(stored[0].id))
    for cell in of_experiment(database(), stored[0].id):
        if cell.role == "search":
            first = cell.search, cell.schedule_name
            part = Part(newest_version(stored[0].id), JudgingRule(), *first)
            if not trials_of(part).empty:
                curves_of(part, FOOLED_WHILE_PEOPLE_AGREE.key, True)
                curves_of(part, SOURCE_JUDGED.key, False)
            return


@lru_cache(maxsize=4)
def excluded(version: Version) -> Future[list[int]]:
    """Whom their studies' rules exclude; found out meanwhile, for when somebody asks."""
    return background.submit(_excluded_labellers)


def left_out(version: Version, rule: JudgingRule) -> list[int] | None:
    """The ids of those whom a rule leaves out; None under a rule without exclusion."""
    return excluded(version).result() if rule.exclusion else None


def _excluded_labellers() -> list[int]:
    with closing(open_database(current_home())) as own:
        return excluded_labellers(own)


@lru_cache(maxsize=8)
def trials_of(part: Part) -> pd.DataFrame:
    """The judged trials of a part; of a common one those that enter under all its conditions."""
    table = judged(part.version, part.rule)
    chosen = pd.Series(True, table.index)
    if part.search is not None:
        chosen = (table["search"] == part.search) & (table["schedule_name"] == part.schedule)
    if part.subsets is not None:
        chosen &= table["subset"].isin(part.subsets)
    if part.classifiers is not None:
        chosen &= table["classifier"].isin(part.classifiers)
    table = table[chosen].reset_index(drop=True)
    return common_set(table) if part.common else table


@lru_cache(maxsize=8)
def cases_of(part: Part) -> Cases:
    """The same trials, condition by condition, as curves and means take them."""
    return conditions(trials_of(part))


@lru_cache(maxsize=64)
def limit_of(part: Part) -> float | None:
    """M_max as far as the data know it for every condition of a part."""
    return common_limit(trials_of(part))


@lru_cache(maxsize=64)
def curves_of(part: Part, estimand: str, bands: bool) -> pd.DataFrame:
    """The curves of a part under one estimand, by its key."""
    return success_curves(trials_of(part), ESTIMANDS[estimand], bands=bands, cases=cases_of(part))


@lru_cache(maxsize=64)
def means_of(part: Part, estimand: str, limit: float | None) -> pd.DataFrame:
    """The means of a part up to a limit, with the mean pixel distances."""
    trials = trials_of(part)
    means = table_of_means(trials, ESTIMANDS[estimand], limit, cases=cases_of(part))
    distances = _distances(part.version.root, part.version.experiment_id, part.version.results)
    here = distances.reindex(pd.MultiIndex.from_frame(trials[_TRIAL]))
    beside = mean_distances(trials, here, ESTIMANDS[estimand])
    return means.merge(beside, on="condition_id", how="left")


_TRIAL = ["condition_id", "trial_index"]


@lru_cache(maxsize=2)
def _distances(root: Path, experiment_id: str, results: int) -> pd.DataFrame:
    """The pixel distances of every trial, by condition and index."""
    trials = _stored(root, experiment_id, results)
    values = pixel_distances(database(), trials)
    return values.set_index(pd.MultiIndex.from_frame(trials[_TRIAL]))


@lru_cache(maxsize=64)
def comparisons_of(part: Part, estimand: str, by: Dimension, limit: float | None) -> pd.DataFrame:
    """Pairs of conditions of a part that differ in this only."""
    return comparisons(trials_of(part), ESTIMANDS[estimand], by, limit)
