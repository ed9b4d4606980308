"""What the filters of the Results page leave, and what its views ask of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace

import pandas as pd

from app.access import database
from app.promptly import imported
from app.results_stamp import Stamp
from app.widgets.banner import synthetic
from app.widgets.results_kept import (
    Part,
    background,
    cases_of,
    comparisons_of,
    curves_of,
    excluded,
    judged,
    left_out,
    limit_of,
    means_of,
    newest_version,
    trials_of,
)
from data.experiments import Experiment
from labelling.analysis_plan import Comparison, adherence
from labelling.curves import at_risk
from labelling.eligibility import JudgingRule, Quorum
from labelling.entrants import entering
from labelling.estimands import ESTIMANDS
from labelling.funnel import funnel
from labelling.paired import Dimension


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


class SelectedResults:
    """Tables of one selection. Two of the same selection and data are equal, and share their
    computations.
    """

    def __init__(self, selection: Selection) -> None:
        self.selection = selection
        self._version = newest_version(selection.experiment.id)
        part = (self._version, selection.rule, selection.search, selection.schedule)
        self._chosen = Part(*part, selection.subsets, selection.classifiers, selection.common)
        # A condition's own set does not depend on what else is shown, so one answer serves all.
        self._computed = self._chosen if selection.common else Part(*part)
        self._ahead: list[Callable[[], object]] = []

    def __eq__(self, other: object) -> bool:
        return isinstance(other, SelectedResults) and self._chosen == other._chosen

    def __hash__(self) -> int:
        return hash(self._chosen)

    @property
    def trials(self) -> pd.DataFrame:
        """The selected trials before the first unfinished one of each condition."""
        return trials_of(self._chosen)

    @property
    def all_trials(self) -> pd.DataFrame:
        """The trials of every search of the selected classifiers and layers."""
        trials = judged(self._version, self.selection.rule)
        return trials[self._shown(trials)]

    @property
    def limit(self) -> float | None:
        """M_max as far as the data know it for every selected condition."""
        return limit_of(self._chosen)

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
        frame = curves_of(self._computed, estimand, bands)
        return frame[self._shown(frame)]

    def at_risk(self, estimand: str, magnitudes: Sequence[float]) -> pd.DataFrame:
        """How many trials are at risk at each magnitude."""
        part, cases = trials_of(self._computed), cases_of(self._computed)
        counts = at_risk(part, ESTIMANDS[estimand], magnitudes, cases=cases)
        return counts[self._shown(counts)]

    def means(self, estimand: str, limit: float | None) -> pd.DataFrame:
        """The table of means under one estimand, up to a limit, with the pixel distances."""
        table = means_of(self._computed, estimand, limit)
        return table[self._shown(table)]

    @property
    def left_out(self) -> list[int] | None:
        """The ids of those whom their studies' rules exclude; None under a rule without that."""
        return left_out(self._version, self.selection.rule)

    def ahead(self, *calls: Callable[[], object]) -> None:
        """Have these called beside the page, one by one, once it is drawn: each computes what a
        press may ask for next, and what it computes is kept.
        """
        self._ahead.extend(calls)

    def prepare(self) -> None:
        """Begin, beside the page, with what its next view or press may ask for."""
        excluded(self._version)
        background.submit(imported, "scipy.stats")  # Compare's, and half a second
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
        return comparisons_of(self._chosen, estimand, by, limit)

    def funnel(self, limit: float | None) -> pd.DataFrame:
        """Where the trials went."""
        return funnel(self.trials, limit)

    def _shown(self, frame: pd.DataFrame) -> pd.Series:
        chosen = self.selection
        return frame["subset"].isin(chosen.subsets) & frame["classifier"].isin(chosen.classifiers)
