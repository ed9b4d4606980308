"""Experiments: define one, start it, watch, stop and resume it, and a table of all."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from app.access import current_home, database, visitor
from app.guard import guarded
from app.runner import plan
from app.runner.experiment_file import write_experiment_file
from app.runner.menu import read_menu
from app.runner.request import RequestError
from app.runner.submit import extend_stored, resume_experiment
from app.widgets.experiment_cost import show_cost
from app.widgets.experiment_form import new_experiment
from app.widgets.page_link import page_link
from app.widgets.plain_text import plain
from app.widgets.results_states import progress
from data.experiments import Experiment, archive_experiment, conditions, experiments
from data.jobs import job_of
from data.results import (
    MeanDistances,
    StoredCondition,
    mean_distances,
    missing_counts,
    outcome_counts,
    results,
)

CHOSEN = "experiment"  # in the address: the experiment that is shown below the table
REFRESH_SECONDS = 2.0
OUTCOMES = ("found", "exhausted", "skipped", "failed")
CONTROL_OUTCOMES = ("changed", "unchanged")
REASONS_SHOWN = 5


def render() -> None:
    """Show the form for a new experiment, the table of all, and the one that is chosen."""
    st.title("Experiments")
    st.write(
        "By how much must the meaning of a picture shift before a classifier is fooled? An"
        " experiment asks it of the same trials for every classifier and layer subset."
    )
    stored = experiments(database(), kind="experiment")
    new_experiment(unfold=not stored, on_started=_show)
    if not stored:
        return
    working = any(_state(one) in ("queued", "running") for one in stored)
    st.fragment(guarded(_table), run_every=REFRESH_SECONDS if working else None)(working)
    chosen = {one.id: one for one in stored}.get(st.query_params.get(CHOSEN, ""))
    if chosen is None:
        st.caption("Choose a row to watch, stop or resume an experiment, or to open its results.")
        return
    _details(chosen, working)


def _show(experiment_id: str) -> None:
    st.query_params[CHOSEN] = experiment_id
    st.rerun()


def _table(working: bool) -> None:
    """All experiments; drawn again and again while one is working."""
    stored = experiments(database(), kind="experiment")
    rows = [_row(one) for one in stored]
    picked = st.dataframe(
        pd.DataFrame(rows),
        hide_index=True,
        on_select="rerun",
        selection_mode="single-row",
        key="experiments-table",
        column_config={
            "Done": st.column_config.ProgressColumn(
                "Done", format="percent", min_value=0, max_value=1
            )
        },
    )
    row = picked.selection.rows[0] if picked.selection.rows else None
    if row != st.session_state.get("experiments-picked"):
        st.session_state["experiments-picked"] = row
        if row is not None:
            _show(stored[row].id)
    if working and not any(one["State"] in ("queued", "running") for one in rows):
        st.rerun()


def _row(one: Experiment) -> dict[str, object]:
    counts = outcome_counts(database(), one.id)
    done = sum(sum(of.values()) for of in counts.values())
    stored = conditions(database(), one.id)
    total = one.trials * len(stored)
    searched = [counts.get(row.id, {}) for row in stored if row.role == "search"]
    return {
        "Name": one.name,
        "Started": one.created_at[:16].replace("T", " "),
        "Generator": one.generator,
        "Conditions": len(searched),
        "Trials": one.trials,
        "Done": done / total if total else 0.0,
        **{
            outcome.capitalize(): sum(of.get(outcome, 0) for of in searched) for outcome in OUTCOMES
        },
        "State": "done" if 0 < done == total else _state(one),
    }


def _state(one: Experiment) -> str:
    newest = job_of(database(), one.id)
    return newest.state if newest else "not started"


def _details(one: Experiment, working: bool) -> None:
    st.subheader(plain(one.name))
    progress(one, visitor().name)
    with st.container(horizontal=True, vertical_alignment="center"):
        page_link("results", "Results", ":material/show_chart:", experiment=one.id)
        page_link("studies", "Have it judged", ":material/visibility:")
        if _state(one) not in ("queued", "running"):
            _extend(one)
            st.button(
                "Archive",
                icon=":material/archive:",
                type="tertiary",
                help="Take it off this list. Nothing is deleted: its id still opens it in a"
                " terminal.",
                on_click=archive_experiment,
                args=(database(), one.id),
            )
        st.caption(f"`python -m app experiment --resume {one.id}` does the same in a terminal.")
    st.fragment(guarded(_conditions), run_every=REFRESH_SECONDS if working else None)(one)
    with st.expander("Definition"):
        _definition(one)


def _extend(one: Experiment) -> None:
    """More trials of the same progression: what is there stays, and only the new are computed."""
    with st.popover("Extend", icon=":material/playlist_add:", type="tertiary"):
        trials = int(
            st.number_input(
                "Trials",
                one.trials + 1,
                100_000,
                max(1000, one.trials + 1),
                key=f"extend-to-{one.id}",
                help=f"The first {one.trials} are computed already, and stay as they are.",
            )
        )
        menu = read_menu(current_home())
        if menu is not None:
            show_cost(
                menu,
                {**one.definition, "trials": trials},
                missing_counts(database(), one.id, trials),
            )
        if st.button("Extend and run", type="primary"):
            try:
                extend_stored(database(), one.id, trials, owner=visitor().name)
                resume_experiment(database(), one.id, owner=visitor().name)
            except RequestError as error:
                st.error(plain(str(error)))
            else:
                st.rerun()


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
            st.download_button(
                "Save as a file",
                text,
                file_name=f"experiment-{one.id}.toml",
                mime="application/toml",
                icon=":material/download:",
                type="tertiary",
                on_click="ignore",
            )
    for past in one.history:
        st.caption(
            f"{past['trials']} trials until {past['until'][:16].replace('T', ' ')}, extended by"
            f" {past['by']}; code then {past['code_version']}."
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
    failed = [
        result.reason
        for condition in stored
        if counts.get(condition.id, {}).get("failed")
        for result in results(database(), condition.id)
        if result.outcome == "failed"
    ]
    for reason in list(dict.fromkeys(failed))[:REASONS_SHOWN]:
        st.warning(f"{failed.count(reason)} failed: {plain(reason)}")
