"""What a report's numbers rest on: trials, judging rule, estimand, M_max, frozen plan."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from html import escape

import pandas as pd
from sqlite_utils import Database

from app.charts.theme import classifier_colours
from app.runner.menu import Menu
from data.counted import counted
from data.experiments import Experiment
from data.plans import PlanRow
from labelling.analysis_plan import AnalysisPlan, Comparison, standing_plan
from labelling.eligibility import (
    ELIGIBILITY,
    JudgingRule,
    counting,
    finished_part,
    judged_trials,
)
from labelling.entrants import entering
from labelling.estimands import ESTIMANDS, FOOLED_WHILE_PEOPLE_AGREE, RAW, Estimand
from labelling.means import common_limit
from labelling.trials import stored_trials
from labelling.votes import Numbers, votes


@dataclass(frozen=True, eq=False)
class Analysis:
    """An experiment's judged trials and how they are read.

    `trials` are those before the first unfinished one of each condition (`labelling.eligibility`);
    `labels` and `points` are the names of the generator's, empty where no worker has said them.
    `synthetic` says that nobody made the judgements.
    """

    experiment: Experiment
    trials: pd.DataFrame
    rule: JudgingRule
    estimand: Estimand
    limit: float | None
    plan: PlanRow | None
    synthetic: bool
    labels: Sequence[str] = ()
    points: Sequence[str] = ()

    @property
    def judged(self) -> bool:
        """Whether any judgement is used."""
        return self.estimand is not RAW

    @property
    def colours(self) -> dict[str, str]:
        """A colour a classifier, the same in every figure."""
        return classifier_colours(self.trials["classifier"].unique())

    @property
    def planned(self) -> tuple[Comparison, ...] | None:
        """The comparisons that the frozen plan has; None without a plan."""
        return AnalysisPlan.of(self.plan.plan).comparisons if self.plan else None

    def searches(self) -> Iterator[tuple[str, pd.DataFrame]]:
        """Each search and schedule in words, with its trials."""
        grouped = self.trials.groupby(["search", "schedule_name"], sort=False, observed=True)
        for (search, schedule), part in grouped:
            yield f"{search} search, {schedule} schedule", part.reset_index(drop=True)

    def lines(self, part: pd.DataFrame, *, judged: bool | None = None) -> list[str]:
        """The lines under a figure's title: which trials, and by whose judgement.

        `judged`: whether this figure uses any; by default where the estimand does.
        """
        counts = part.groupby("condition_id").size()
        several = counts.nunique() > 1
        finished = f"{counts.min()} to {counts.max()}" if several else f"{counts.max()}"
        searched = part[["search", "schedule_name"]].drop_duplicates().itertuples()
        which = " and ".join(
            f"{one.search} search, {one.schedule_name} schedule" for one in searched
        )
        judged = self.judged if judged is None else judged
        lines = [
            f"{self.experiment.generator} · {which} · {finished} trials a condition · experiment"
            f" {self.experiment.id}",
            f"A picture shows its label by {self.rule.in_words()}."
            if judged
            else "No judgement is used.",
        ]
        lines = [escape(line, quote=False) for line in lines]
        if self.synthetic and judged:
            lines[-1] += " <b>SYNTHETIC JUDGEMENTS</b>"
        return lines

    def rule_in_words(self) -> str:
        """Which trials count by whose word, and how many are judged so far."""
        if not self.judged:
            return "No judgement is used: some of these pictures may no longer show their label."
        asked = self.trials[entering(self.trials)]
        sources = asked.drop_duplicates("source_id")["source_judgement"] != "missing"
        fooling = asked[(asked["outcome"] == "found") & (asked["source_judgement"] == "agree")]
        known = (fooling["perturbed_judgement"] != "missing").sum()
        return (
            f"{ELIGIBILITY} People say so by {self.rule.in_words()}. Judged are {sources.sum()} of"
            f" {counted(len(sources), 'source')}, and {known} of the {len(fooling)} perturbed"
            " pictures that start from one that shows its label."
        )


def subsets_of(part: pd.DataFrame) -> list[str]:
    """The layer subsets of some trials, in the order in which they were asked for."""
    return [str(one) for one in part["subset"].unique()]


def analysis_of(
    database: Database,
    experiment: Experiment,
    codes: Numbers,
    *,
    rule: JudgingRule | None = None,
    limit: float | None = None,
    synthetic: bool = False,
    menu: Menu | None = None,
) -> Analysis:
    """Rule and M_max: the frozen plan's unless given, else the usual ones.

    `codes`: what `labelling.votes.judgement_codes` gave.
    """
    plan = standing_plan(database, experiment.id)
    planned = AnalysisPlan.of(plan.plan) if plan else None
    rule = rule or (planned.rule if planned else JudgingRule())
    stored = stored_trials(database, [experiment.id])
    given = votes(database, stored, codes)
    trials = finished_part(judged_trials(stored, given, rule, counting(database, rule)))
    judged = bool((trials["source_judgement"] != "missing").any())
    usual = ESTIMANDS[planned.estimand] if planned else FOOLED_WHILE_PEOPLE_AGREE
    generator = menu.generators.get(experiment.generator) if menu else None
    return Analysis(
        experiment,
        trials,
        rule,
        usual if judged else RAW,
        limit or (planned.limit if planned else None) or common_limit(trials),
        plan,
        synthetic,
        generator.labels if generator else (),
        tuple(point.name for point in generator.points) if generator else (),
    )
