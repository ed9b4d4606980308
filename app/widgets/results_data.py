"""What the Results page reads, kept between reruns until the database has something new."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from threading import Lock

import pandas as pd

from app.access import current_home, database
from app.promptly import imported
from app.results_stamp import Stamp
from app.widgets.banner import synthetic
from data.database import open_database
from data.results import Experiment, experiments
from data.results import conditions as of_experiment
from labelling.analysis_plan import Comparison, adherence
from labelling.curves import Cases, at_risk, common_set, conditions, success_curves
from labelling.distances import mean_distances, pixel_distances
from labelling.eligibility import JudgingRule, Quorum, counting, finished_part, judged_trials
from labelling.entrants import entering
from labelling.estimands import ESTIMANDS, FOOLED_WHILE_PEOPLE_AGREE, SOURCE_JUDGED
from labelling.funnel import funnel
from labelling.means import common_limit, table_of_means
from labelling.paired import Dimension, comparisons
from labelling.quality import excluded_labellers
from labelling.trials import stored_trials
from labelling.votes import Asked, Numbers, Standing, Votes, asked, standing, votes


@dataclass(frozen=True)
class Selection:
    """What the filters leave: one experiment, one search with its schedule, some conditions.

    `budgets` are the numbers of steps after which a trial is exhausted; there is one, as a rule.
    `common` keeps the trials that enter under every one of the conditions.
    """

    experiment: Experiment
    search: str
    schedule: str
    budgets: tuple[int, ...]
    subsets: tuple[str, ...]
    classifiers: tuple[str, ...]
    rule: JudgingRule
    common: bool = False

    @property
    def stamp(self) -> Stamp:
        """What every file says of itself."""
        return self.held_to_plan()

    def held_to_plan(
        self,
        estimand: str | None = None,
        limit: float | None = None,
        comparisons: Sequence[Comparison] | None = None,
    ) -> Stamp:
        """The same of what shows this estimand up to this M_max, and these comparisons, which the
        plan has fixed too.
        """
        held = adherence(
            database(),
            self.experiment.id,
            rule=self.rule,
            estimand=estimand,
            limit=limit,
            comparisons=comparisons,
        )
        return Stamp(
            self.experiment.name,
            self.experiment.id,
            self.rule.in_words(),
            synthetic(),
            held.in_words(),
        )


@dataclass(frozen=True)
class _Version:
    """An experiment's results and everybody's judgements as they were at one moment.

    What was computed once is used again while this is the same. Streamlit's own cache is not used:
    it publishes the names of cached functions to labellers.
    """

    root: Path
    experiment_id: str
    results: int
    judgements: tuple[int, ...]


@dataclass(frozen=True)
class _Part:
    """Some conditions of a version, judged by a rule; None: every search, schedule, subset, …"""

    version: _Version
    rule: JudgingRule
    search: str | None
    schedule: str | None
    subsets: tuple[str, ...] | None = None
    classifiers: tuple[str, ...] | None = None
    common: bool = False


#: The rules that are one press away from each other.
_AT_A_PRESS: tuple[Quorum, ...] = ("majority", "unanimous", "any")


def under_other_rules(selection: Selection) -> Iterator[Selection]:
    """The same under each rule that is one press away."""
    quorum = selection.rule.quorum
    for other in _AT_A_PRESS if quorum in _AT_A_PRESS else ():
        if other != quorum:
            yield replace(selection, rule=replace(selection.rule, quorum=other))


#: What computes before a press, one by one, and what it is to do.
_beside = ThreadPoolExecutor(1, thread_name_prefix="likely")
_likely: list[Future[object]] = []

#: Reads beside the pages, with connections of its own.
_background = ThreadPoolExecutor(2, thread_name_prefix="results")


class SelectedResults:
    """Tables of one selection. Two of the same selection and data are equal, and share their
    computations.
    """

    def __init__(self, selection: Selection) -> None:
        self.selection = selection
        self._version = _newest(selection.experiment.id)
        part = (self._version, selection.rule, selection.search, selection.schedule)
        self._chosen = _Part(*part, selection.subsets, selection.classifiers, selection.common)
        # A condition's own set does not depend on what else is shown, so one answer serves all.
        self._computed = self._chosen if selection.common else _Part(*part)
        self._ahead: list[Callable[[], object]] = []

    def __eq__(self, other: object) -> bool:
        return isinstance(other, SelectedResults) and self._chosen == other._chosen

    def __hash__(self) -> int:
        return hash(self._chosen)

    @property
    def trials(self) -> pd.DataFrame:
        """The selected trials before the first unfinished one of each condition."""
        return _part(self._chosen)

    @property
    def all_trials(self) -> pd.DataFrame:
        """The trials of every search of the selected classifiers and layers."""
        trials = _judged(self._version, self.selection.rule)
        return trials[self._shown(trials)]

    @property
    def limit(self) -> float | None:
        """M_max as far as the data know it for every selected condition."""
        return _limit(self._chosen)

    @property
    def judged(self) -> bool:
        """Whether any source of these trials has a judgement under the rule."""
        return bool((self.trials["source_judgement"] != "missing").any())

    @property
    def judged_so_far(self) -> str:
        """How many pictures are judged, of how many that need it."""
        needed = ["source_id", "outcome", "source_judgement", "perturbed_judgement"]
        trials = self.trials.loc[entering(self.trials), needed]
        sources = trials.drop_duplicates("source_id")["source_judgement"] != "missing"
        fooling = (trials["outcome"] == "found") & (trials["source_judgement"] == "agree")
        known = trials.loc[fooling, "perturbed_judgement"] != "missing"
        if sources.all() and known.all():
            return "All are judged."
        return (
            f"Judged so far: {sources.sum()} of {len(sources)} sources, and {known.sum()} of the"
            f" {len(known)} perturbed pictures that start from one that shows its label."
        )

    def curves(self, estimand: str, *, bands: bool = True) -> pd.DataFrame:
        """The curves under one estimand, by its key; without bands in a fraction of the time."""
        frame = _curves(self._computed, estimand, bands)
        return frame[self._shown(frame)]

    def at_risk(self, estimand: str, magnitudes: Sequence[float]) -> pd.DataFrame:
        """How many trials are at risk at each magnitude."""
        part, cases = _part(self._computed), _cases(self._computed)
        counts = at_risk(part, ESTIMANDS[estimand], magnitudes, cases=cases)
        return counts[self._shown(counts)]

    def means(self, estimand: str, limit: float | None) -> pd.DataFrame:
        """The table of means under one estimand, up to a limit, with the pixel distances."""
        table = _means(self._computed, estimand, limit)
        return table[self._shown(table)]

    @property
    def left_out(self) -> list[int] | None:
        """The ids of those whom their studies' rules exclude; None under a rule without that."""
        return _left_out(self._version, self.selection.rule)

    def ahead(self, *calls: Callable[[], object]) -> None:
        """Have these called beside the page, one by one, once it is drawn: each computes what a
        press may ask for next, and what it computes is kept.
        """
        self._ahead.extend(calls)

    def prepare(self) -> None:
        """Begin, beside the page, with what its next view or press may ask for."""
        _excluded(self._version)
        _background.submit(imported, "scipy.stats")  # Compare's, and half a second
        for waiting in _likely:  # what was likely before
            waiting.cancel()
        _likely[:] = [_beside.submit(call) for call in self._ahead]
        self._ahead.clear()

    @property
    def of_every_search(self) -> bool:
        """Whether these are `across_searches`."""
        return self._chosen.search is None

    @property
    def across_searches(self) -> SelectedResults:
        """The same of every search and schedule, whichever is selected."""
        everything = SelectedResults(self.selection)
        everything._chosen = replace(self._chosen, search=None, schedule=None)
        everything._computed = everything._chosen
        return everything

    def comparisons(self, estimand: str, by: Dimension, limit: float | None) -> pd.DataFrame:
        """Pairs of the selected conditions that differ in this only."""
        return _comparisons(self._chosen, estimand, by, limit)

    def funnel(self, limit: float | None) -> pd.DataFrame:
        """Where the trials went."""
        return funnel(self.trials, limit)

    def _shown(self, frame: pd.DataFrame) -> pd.Series:
        chosen = self.selection
        return frame["subset"].isin(chosen.subsets) & frame["classifier"].isin(chosen.classifiers)


_NEWEST = """
SELECT
    (SELECT coalesce(max(results.id), 0) FROM results
     JOIN conditions ON conditions.id = results.condition_id WHERE experiment_id = ?),
    (SELECT coalesce(max(id), 0) FROM judgements),
    (SELECT count(*) FROM retractions),
    (SELECT coalesce(max(id), 0) FROM labeller_events)
"""


def _newest(experiment_id: str) -> _Version:
    """Results and judgements are only ever added, so their largest ids tell what there is.

    Judgements that no longer stand were taken back or superseded, or their labeller withdrew: each
    of that is a row more, too.
    """
    results, *judgements = database().execute(_NEWEST, [experiment_id]).fetchone()
    return _Version(current_home().root, experiment_id, results, tuple(judgements))


@lru_cache(maxsize=4)
def _stored(root: Path, experiment_id: str, results: int) -> pd.DataFrame:
    return finished_part(stored_trials(database(), [experiment_id]))


@lru_cache(maxsize=4)
def _votes(version: _Version) -> Votes:
    # Beside, while the trials are read here.
    codes = _background.submit(_standing, version.root, version.judgements[0])
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
def _judged(version: _Version, rule: JudgingRule) -> pd.DataFrame:
    with _reading:
        given = _votes(version)
        trials = _stored(version.root, version.experiment_id, version.results)
    return judged_trials(trials, given, rule, counting(database(), rule, _left_out(version, rule)))


def read_ahead() -> None:
    """Read and compute what the page first shows, before anybody asks: the newest experiment's
    curves.
    """
    stored = experiments(database(), kind="experiment")
    if not stored:
        return
    with _reading:
        _votes(_newest(stored[0].id))
    for cell in of_experiment(database(), stored[0].id):
        if cell.role == "search":
            first = cell.search, cell.schedule_name
            part = _Part(_newest(stored[0].id), JudgingRule(), *first)
            if not _part(part).empty:
                _curves(part, FOOLED_WHILE_PEOPLE_AGREE.key, True)
                _curves(part, SOURCE_JUDGED.key, False)
            return


@lru_cache(maxsize=4)
def _excluded(version: _Version) -> Future[list[int]]:
    """Whom their studies' rules exclude; found out meanwhile, for when somebody asks."""
    return _background.submit(_excluded_labellers)


def _left_out(version: _Version, rule: JudgingRule) -> list[int] | None:
    return _excluded(version).result() if rule.exclusion else None


def _excluded_labellers() -> list[int]:
    with closing(open_database(current_home())) as own:
        return excluded_labellers(own)


@lru_cache(maxsize=8)
def _part(part: _Part) -> pd.DataFrame:
    table = _judged(part.version, part.rule)
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
def _cases(part: _Part) -> Cases:
    return conditions(_part(part))


@lru_cache(maxsize=64)
def _limit(part: _Part) -> float | None:
    return common_limit(_part(part))


@lru_cache(maxsize=64)
def _curves(part: _Part, estimand: str, bands: bool) -> pd.DataFrame:
    return success_curves(_part(part), ESTIMANDS[estimand], bands=bands, cases=_cases(part))


@lru_cache(maxsize=64)
def _means(part: _Part, estimand: str, limit: float | None) -> pd.DataFrame:
    trials = _part(part)
    means = table_of_means(trials, ESTIMANDS[estimand], limit, cases=_cases(part))
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
def _comparisons(part: _Part, estimand: str, by: Dimension, limit: float | None) -> pd.DataFrame:
    return comparisons(_part(part), ESTIMANDS[estimand], by, limit)
