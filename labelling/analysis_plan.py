"""A frozen analysis plan: what is fixed before anybody judges, and whether results follow it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields
from math import isclose
from typing import Any, Literal, get_args

import pandas as pd
from sqlite_utils import Database

from data.database import immediate
from data.experiments import conditions, experiment
from data.plans import PlanRow, add_plan, judgement_count, plans
from data.studies import Study, studies
from labelling.eligibility import JudgingRule
from labelling.estimands import ESTIMANDS
from labelling.options import ExclusionRules, StudyError, StudyOptions
from labelling.plain_words import require_plain

Factor = Literal["classifier", "subset", "search"]
NO_PLAN = "No analysis plan was frozen for this experiment: its results are exploratory."


@dataclass(frozen=True)
class Comparison:
    """Two levels of one factor that will be compared, all else equal, pair by pair of trials."""

    factor: Factor
    one: str
    other: str

    def __post_init__(self) -> None:
        if self.factor not in get_args(Factor):
            raise StudyError(f"Compare by {', '.join(get_args(Factor))}, not by {self.factor!r}.")
        if self.one == self.other:
            raise StudyError(f"{self.one} cannot be compared with itself.")

    def in_words(self) -> str:
        return f"{self.one} with {self.other}"

    def same(self, other: Comparison) -> bool:
        """Whether both compare the same, in whichever order."""
        return self.factor == other.factor and {self.one, self.other} == {other.one, other.other}


@dataclass(frozen=True, kw_only=True)
class AnalysisPlan:
    """What results have to keep to. Raises StudyError for what makes no sense.

    `estimand` is a key of `labelling.estimands.ESTIMANDS`, `limit` is M_max > 0, `trials` how many
    a condition there will be. `rule.exclusion` says whether people are left out, `exclusion` by
    which rules: studies of the experiment are to be made with them. `overlap`: by how many people
    each item is judged; None leaves it open. `remarks` is what else was fixed, for readers.
    """

    rule: JudgingRule
    estimand: str
    limit: float
    trials: int
    comparisons: tuple[Comparison, ...] = ()
    exclusion: ExclusionRules = field(default_factory=ExclusionRules)
    overlap: int | None = None
    remarks: str = ""

    def __post_init__(self) -> None:
        if self.estimand not in ESTIMANDS:
            raise StudyError(
                f"There is no estimand {self.estimand!r}; choose from {', '.join(ESTIMANDS)}."
            )
        if not 0 < self.limit < float("inf"):
            raise StudyError("M_max must be a number above 0.")
        if self.trials < 1:
            raise StudyError("A plan is about at least 1 trial.")
        if self.overlap is not None and self.overlap < 1:
            raise StudyError("The overlap must be at least 1.")

    def as_json(self) -> dict[str, Any]:
        """What is stored."""
        return asdict(self)

    @classmethod
    def of(cls, stored: Mapping[str, Any]) -> AnalysisPlan:
        """The plan that was stored."""
        known = {one.name for one in fields(JudgingRule)}
        rule = {
            name: tuple(value) if isinstance(value, list | tuple) else value
            for name, value in stored["rule"].items()
            if name in known
        }
        return cls(
            rule=JudgingRule(**rule),
            estimand=stored["estimand"],
            limit=stored["limit"],
            trials=stored["trials"],
            comparisons=tuple(Comparison(**one) for one in stored["comparisons"]),
            exclusion=ExclusionRules(**stored["exclusion"]),
            overlap=stored["overlap"],
            remarks=stored["remarks"],
        )

    def in_words(self) -> list[str]:
        """A line a thing that is fixed."""
        compared = "; ".join(one.in_words() for one in self.comparisons)
        return [
            f"Estimand: {ESTIMANDS[self.estimand].name.lower()}",
            f"A picture shows its label by {self.rule.in_words()}",
            f"M_max: {self.limit:g}",
            f"Trials a condition: {self.trials}",
            f"Comparisons: {compared or 'none'}",
            f"Left out: {_rules_in_words(self.exclusion) if self.rule.exclusion else 'nobody'}",
            *([f"People an item: {self.overlap}"] if self.overlap else []),
            *([f"Remarks: {self.remarks}"] if self.remarks else []),
        ]


@dataclass(frozen=True)
class Adherence:
    """Whether an analysis keeps to the plan; `differences` has a phrase each."""

    plan: PlanRow | None
    differences: tuple[str, ...] = ()

    @property
    def follows(self) -> bool:
        """Whether there is a plan, frozen in time, and nothing differs from it."""
        return self.plan is not None and not self.plan.judgements and not self.differences

    def in_words(self) -> str:
        """A sentence for pages, files and reports."""
        if self.plan is None:
            return NO_PLAN
        when = self.plan.created_at[:16].replace("T", " ")
        named = f"the analysis plan of {when} UTC ({self.plan.sha256[:8]}, {_in_time(self.plan)})"
        if self.differences:
            return f"Differs from {named}: {'; '.join(self.differences)}."
        return f"Follows {named}."


def freeze(
    database: Database,
    experiment_id: str,
    plan: AnalysisPlan,
    *,
    created_by: str,
    after_the_fact: bool = False,
) -> PlanRow:
    """Store a plan that nobody can change any more.

    Raises StudyError for an unknown experiment or comparison, and once a picture of the experiment
    has been judged, unless `after_the_fact`: then it is kept as such for ever; and for remarks that
    are no plain words.
    """
    stored = experiment(database, experiment_id)
    if stored is None:
        raise StudyError(f"There is no experiment {experiment_id}.")
    _check_comparisons(database, experiment_id, plan.comparisons)
    require_plain(plan.remarks, field="What the remarks say", who=created_by)
    with immediate(database):
        judged = judgement_count(database, experiment_id)
        if judged and not after_the_fact:
            raise StudyError(
                f"{_judgements(judged)} of this experiment's pictures there"
                f" {'is' if judged == 1 else 'are'} already, so a plan is no longer one that was"
                " fixed before: freeze it as made after the fact, or plan another experiment."
            )
        return add_plan(database, experiment_id, plan.as_json(), created_by=created_by)


def standing_plan(database: Database, experiment_id: str) -> PlanRow | None:
    """The plan that results are held to: the last one frozen before anybody judged, else the first.

    A plan made after the fact never replaces one that was made in time, nor an earlier one.
    """
    stored = plans(database, experiment_id)
    in_time = [one for one in stored if not one.judgements]
    return (in_time[-1:] or stored[:1] or [None])[0]


def adherence(
    database: Database,
    experiment_id: str,
    *,
    rule: JudgingRule | None = None,
    estimand: str | None = None,
    limit: float | None = None,
    comparisons: Sequence[Comparison] | None = None,
) -> Adherence:
    """Whether an analysis keeps to the experiment's plan. What is None has no part in it.

    `comparisons` are those that are reported: each has to be planned, and all planned ones of
    these factors to be there (of every factor, where none is reported). Trials, and the rules of
    the studies that ask about the experiment, are always held against the plan.
    """
    row = standing_plan(database, experiment_id)
    if row is None:
        return Adherence(None)
    plan, stored = AnalysisPlan.of(row.plan), experiment(database, experiment_id)
    differences = []
    if rule is not None and _sorted(rule) != _sorted(plan.rule):
        differences.append(f"judged by {rule.in_words()}, planned by {plan.rule.in_words()}")
    if estimand is not None and estimand != plan.estimand:
        differences.append(
            f"shows “{ESTIMANDS[estimand].name.lower()}”, planned"
            f" “{ESTIMANDS[plan.estimand].name.lower()}”"
        )
    if limit is not None and not isclose(limit, plan.limit, rel_tol=1e-6):
        differences.append(f"M_max is {limit:.4g}, planned {plan.limit:.4g}")
    if comparisons is not None:
        differences += _compared(comparisons, plan.comparisons)
    if stored is not None and stored.trials != plan.trials:
        differences.append(f"{stored.trials} trials a condition, planned {plan.trials}")
    for study in studies(database):
        if experiment_id in study.experiment_ids:
            differences += _of_study(study, plan)
    return Adherence(row, tuple(differences))


def compared(table: pd.DataFrame, by: Factor) -> list[Comparison]:
    """What a table of `labelling.paired.comparisons` compares, a level pair once.

    Sides of a comparison of searches are named with their schedule, which is no part of the plan.
    """
    found: dict[frozenset[str], Comparison] = {}
    for one, other in zip(table["one"], table["other"], strict=True):
        if by == "search":
            one, other = (str(side).split(", ")[0] for side in (one, other))
        if one != other:
            found.setdefault(frozenset((one, other)), Comparison(by, one, other))
    return list(found.values())


def _compared(done: Sequence[Comparison], planned: Sequence[Comparison]) -> list[str]:
    unplanned = [one for one in done if not any(one.same(other) for other in planned)]
    factors = {one.factor for one in done or planned}
    left_out = [
        one
        for one in planned
        if one.factor in factors and not any(one.same(other) for other in done)
    ]
    return [f"compares {one.in_words()}, which was not planned" for one in unplanned] + [
        f"leaves out the planned comparison of {one.in_words()}" for one in left_out
    ]


def _of_study(study: Study, plan: AnalysisPlan) -> list[str]:
    options, found = StudyOptions.of(study.options), []
    if plan.rule.exclusion and options.exclusion != plan.exclusion:
        found.append(
            f"the study “{study.name}” leaves out {_rules_in_words(options.exclusion)}, planned"
            f" {_rules_in_words(plan.exclusion)}"
        )
    if plan.overlap is not None and options.overlap not in (None, plan.overlap):
        found.append(
            f"the study “{study.name}” has {options.overlap} people an item, planned {plan.overlap}"
        )
    return found


def _check_comparisons(
    database: Database, experiment_id: str, chosen: Sequence[Comparison]
) -> None:
    cells = [cell for cell in conditions(database, experiment_id) if cell.role == "search"]
    for one in chosen:
        levels = {getattr(cell, one.factor) for cell in cells}
        for level in (one.one, one.other):
            if level not in levels:
                raise StudyError(
                    f"The experiment has no {one.factor} {level!r}; it has"
                    f" {', '.join(sorted(levels))}."
                )


def _sorted(rule: JudgingRule) -> dict[str, Any]:
    """A rule with its lists in one order: the order says nothing."""
    return {
        name: sorted(value) if isinstance(value, tuple) else value
        for name, value in asdict(rule).items()
    }


_RULES = {
    "gold": "under {:.0%} of gold right",
    "false_label": "under {:.0%} of false labels right",
    "catch": "under {:.0%} of catch pairs right",
    "repeats": "under {:.0%} of repeats the same",
    "fastest_ms": "a median under {:g} ms",
}


def _rules_in_words(rules: ExclusionRules) -> str:
    set_ones = {name: value for name, value in asdict(rules).items() if value is not None}
    return ", ".join(_RULES[name].format(value) for name, value in set_ones.items()) or "nobody"


def _in_time(row: PlanRow) -> str:
    if not row.judgements:
        return "frozen before anybody judged"
    were = "was" if row.judgements == 1 else "were"
    return f"made after the fact: {_judgements(row.judgements)} {were} there"


def _judgements(count: int) -> str:
    return "1 judgement" if count == 1 else f"{count} judgements"
