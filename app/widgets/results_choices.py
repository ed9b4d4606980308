"""Choices that several views of the Results page share, and what is said of every figure."""

from __future__ import annotations

from html import escape

import streamlit as st

from app.access import database
from app.charts.theme import classifier_colours
from app.widgets.address import one_of, positive_number
from app.widgets.results_data import SelectedResults, Selection
from app.widgets.scheme import current_scheme
from data.experiments import conditions
from labelling.estimands import ESTIMANDS, RAW, Estimand


def chosen_estimand(judged: bool) -> Estimand:
    """The control of the estimand; without judgements only the raw curve is to be had."""
    shared = {"label": "Estimand", "options": list(ESTIMANDS), "required": True}
    shared["format_func"] = lambda key: ESTIMANDS[key].name
    if not judged:
        st.segmented_control(**shared, default=RAW.key, disabled=True, key="only-raw")
        return RAW
    key = st.segmented_control(
        **shared,
        **one_of("estimand", list(ESTIMANDS)),
    )
    return ESTIMANDS[key]


def chosen_limit(default: float) -> float:
    """M_max, as far as all conditions were tested unless somebody says otherwise."""
    return (
        st.number_input(
            "M_max, the common limit",
            min_value=0.0,
            value=None,
            placeholder=f"{default:.4g}: as far as all were tested",
            width=280,
            help="Trials never fooled, or fooled beyond it, count as M_max. By default as far as"
            " every condition was tested and any trial fooled.",
            **positive_number("limit"),
        )
        or default
    )


def for_whom(
    selection: Selection, results: SelectedResults, focus: Estimand, *, html: bool = True
) -> list[str]:
    """The lines under a chart's title: which trials, and by whose judgement.

    `results` may be those of every search (`SelectedResults.across_searches`): each is named then.
    In the `html` that Plotly reads, or as text.
    """
    experiment = selection.experiment
    counts = results.trials.groupby("condition_id").size()
    finished = f"{counts.min()} to {counts.max()}" if counts.nunique() > 1 else f"{counts.max()}"
    trials = f"{finished} trials a condition"
    if selection.common:
        trials = f"the {finished} trials that enter under every condition shown"
    elif counts.min() < experiment.trials:
        trials += f" so far, of {experiment.trials}"
    targeted = "targeted" if experiment.definition.get("targeted", True) else "untargeted"
    first, *others = _searched(selection, results)
    lines = [
        f"{experiment.generator}, {targeted} · {first} · {trials} · experiment {experiment.id}",
        *(f"and {other}" for other in others),
    ]
    if focus is RAW:
        lines.append("No judgement is used.")
        return lines
    lines.append(f"A picture shows its label by {selection.rule.in_words()}.")
    made_up = selection.stamp.synthetic_judgements
    if not html:
        return [*lines, "SYNTHETIC JUDGEMENTS"] if made_up else lines
    lines = [escape(line, quote=False) for line in lines]
    if made_up:
        lines[-1] += " <b>SYNTHETIC JUDGEMENTS</b>"
    return lines


def _searched(selection: Selection, results: SelectedResults) -> list[str]:
    """Each search that the trials are of, with its schedule and its budget."""
    budgets = {(selection.search, selection.schedule): set(selection.budgets)}
    if results.of_every_search:
        there = set(results.trials["condition_id"].unique())
        budgets = {}
        for cell in conditions(database(), selection.experiment.id):
            if cell.id in there:
                name = (cell.search, cell.schedule_name)
                budgets.setdefault(name, set()).add(cell.schedule["budget"])
    return [
        f"{search} search, {schedule} schedule, up to {' or '.join(map(str, sorted(most)))} steps"
        for (search, schedule), most in budgets.items()
    ]


def file_name(selection: Selection, *parts: str) -> str:
    """What the files of a view are called, without their ending."""
    return "-".join(["plainview", selection.experiment.id, *parts])


def colours(selection: Selection) -> dict[str, str]:
    """A colour a classifier, the same in every view."""
    return classifier_colours(selection.classifiers, current_scheme())
