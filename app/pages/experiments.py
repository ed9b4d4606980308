"""Experiments: define one, start it, watch, stop and resume it; a table of all, and comparisons."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from app.access import current_home, database, visitor
from app.guard import guarded
from app.runner import plan
from app.runner.experiment_file import write_experiment_file
from app.runner.menu import read_menu
from app.runner.request import RequestError
from app.widgets.download import download
from app.widgets.experiment_actions import UNFOLDED, actions
from app.widgets.experiment_compare import compare
from app.widgets.experiment_controls import controls
from app.widgets.experiment_form import new_experiment
from app.widgets.experiment_plan import planning
from app.widgets.experiment_table import (
    OUTCOMES,
    REFRESH_SECONDS,
    choose,
    chosen_ids,
    experiment_table,
)
from app.widgets.plain_text import plain
from app.widgets.results_states import progress
from data.counted import counted
from data.experiments import Experiment, StoredCondition, conditions, experiment, experiments
from data.jobs import job_of
from data.results import MeanDistances, mean_distances, outcome_counts, results

CONTROL_OUTCOMES = ("changed", "unchanged")
REASONS_SHOWN = 5

#: Held together on very wide screens; what stands beside a select box is as high as that.
STYLE = """
<style>
.stMainBlockContainer { max-width: 2400px; margin-inline: auto; }
.st-key-address-kind button, .st-key-address-which button { min-height: 2.5rem; }
</style>
"""


def render() -> None:
    """Show the form for a new experiment, the table of all, and what is chosen in it."""
    st.html(STYLE)
    st.title("Experiments")
    st.write(
        "By how much must the meaning of a picture shift before a classifier is fooled? An"
        " experiment asks it of the same trials for every classifier and layer subset."
    )
    stored = experiments(database(), archived=True)
    first = not any(one.kind == "experiment" for one in stored)
    new_experiment(unfold=first or UNFOLDED in st.session_state, on_started=_show)
    if not stored:
        return
    listed = experiment_table()
    named = [experiment(database(), one) for one in chosen_ids()]
    chosen = [one for one in named if one is not None]
    if listed and not chosen:
        st.caption(
            "Choose a row to watch, stop, resume, plan or delete an experiment, or several to"
            " compare their definitions."
        )
    elif len(chosen) > 1:
        compare(chosen)
    elif chosen:
        _details(chosen[0])


def _show(experiment_id: str) -> None:
    st.session_state.pop(UNFOLDED, None)
    choose([experiment_id])


def _details(one: Experiment) -> None:
    newest = job_of(database(), one.id)
    active = newest is not None and newest.active
    st.subheader(plain(one.name))
    progress(one, visitor().name)
    actions(one, active=active)
    if one.kind == "experiment":
        st.caption(f"`python -m app experiment --resume {one.id}` goes on with it in a terminal.")
    st.fragment(guarded(_conditions), run_every=REFRESH_SECONDS if active else None)(one)
    if one.kind == "experiment":
        planning(one)
    with st.expander("Definition"):
        _definition(one)


def _definition(one: Experiment) -> None:
    """As a file that runs it again, and what else was stored with it."""
    menu = read_menu(current_home())
    if menu is not None:
        try:
            text = write_experiment_file(plan.experiment_request(menu, one.definition), one.name)
        except RequestError as error:
            st.caption(f"It cannot be asked for again as it is: {error}")
        else:
            st.code(text, language="toml")
            download(
                "Save as a file",
                lambda: text,
                f"experiment-{one.id}.toml",
                "application/toml",
                icon=":material/download:",
                type="tertiary",
            )
    for past in one.history:
        st.caption(
            f"{counted(past['trials'], 'trial')} until {past['until'][:16].replace('T', ' ')},"
            f" extended by {past['by']}; code then {past['code_version']}."
        )
    st.caption(f"Code {one.code_version}; generator weights {one.generator_checksum[:12]}…")
    st.json(one.definition, expanded=False)


def _distances(means: MeanDistances | None) -> dict[str, float | None]:
    return {
        "‖p‖": means and means.magnitude,
        "ℓ2": means and means.pixel_l2,
        "ℓ∞": means and means.pixel_linf,
        "SSIM": means and means.ssim,
    }


def _role(condition: StoredCondition) -> str:
    if condition.role == "search":
        return "search"
    return f"{condition.role.replace('-', ' ')} {condition.repetition}"


def _conditions(one: Experiment) -> None:
    """A row a condition: how its trials ended, and why some failed."""
    counts = outcome_counts(database(), one.id)
    means = mean_distances(database(), one.id)
    stored = conditions(database(), one.id)
    controlled = any(condition.role != "search" for condition in stored)
    st.dataframe(
        pd.DataFrame(
            {
                "Classifier": condition.classifier,
                "Layers": condition.subset,
                "Search": condition.search,
                "Schedule": condition.schedule_name,
                "Budget": condition.schedule["budget"],
                **({"Role": _role(condition)} if controlled else {}),
                **{
                    outcome.capitalize(): counts.get(condition.id, {}).get(outcome, 0)
                    for outcome in OUTCOMES + CONTROL_OUTCOMES * controlled
                },
                "Missing": one.trials - sum(counts.get(condition.id, {}).values()),
                **_distances(means.get(condition.id)),
            }
            for condition in stored
        ),
        hide_index=True,
        placeholder="–",
        column_config={
            name: st.column_config.NumberColumn(name, format="%.3g")
            for name in ("‖p‖", "ℓ2", "ℓ∞", "SSIM")
        },
    )
    if means:
        st.caption(
            "‖p‖ is the mean magnitude of what was found, and beside it are the means of the"
            " distances between the two pictures: ℓ2 and ℓ∞ of values in [0, 1], and SSIM, 1 for"
            " equal pictures. They say nothing of the searches that found nothing: Results does."
        )
    if controlled:
        st.caption(
            "Random directions have the magnitude that the search found, at the same points:"
            " *changed* is where the classifier no longer gives the picture its label, *unchanged*"
            " where it does, and *skipped* where the search had found nothing."
        )
        controls(one)
    failed = [
        result.reason
        for condition in stored
        if counts.get(condition.id, {}).get("failed")
        for result in results(database(), condition.id)
        if result.outcome == "failed"
    ]
    for reason in list(dict.fromkeys(failed))[:REASONS_SHOWN]:
        st.warning(f"{failed.count(reason)} failed: {plain(reason)}")
