"""Experiments: define one, start it, watch, stop and resume it, and a table of all."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from app.access import current_home, database, visitor
from app.guard import guarded
from app.runner.menu import GeneratorChoice, Menu, read_menu
from app.runner.request import ExperimentRequest, RequestError
from app.runner.submit import ensure_worker, submit_experiment
from app.widgets.page_link import page_link
from app.widgets.results_states import progress
from data.experiments import Experiment, experiments
from data.jobs import job, job_of
from data.results import outcome_counts

CHOSEN = "experiment"  # in the address: the experiment that is shown below the table


def render() -> None:
    """Show the form for a new experiment, the table of all, and the one that is chosen."""
    st.title("Experiments")
    st.write(
        "By how much must the meaning of a picture shift before a classifier is fooled? An"
        " experiment asks it of the same trials for every classifier and layer subset."
    )
    stored = experiments(database(), kind="experiment")
    _new_experiment(unfold=not stored)
    if stored:
        _table(stored)


def _new_experiment(*, unfold: bool) -> None:
    with st.expander("New experiment", expanded=unfold, icon=":material/add:"):
        menu = read_menu(current_home())
        if menu is None:
            _wait_for_menu()
            return
        names = [name for name, choice in menu.generators.items() if choice.problem is None]
        generator = menu.generators[st.selectbox("Generator", names, key="new-generator")]
        request = _asked(menu, generator)
        name = st.text_input("Name", key="new-name", placeholder="Optional")
        count = len(request.classifiers) * len(request.subsets) * _runs(menu, request)
        st.caption(
            f"{count} condition{'' if count == 1 else 's'} × {request.trials} trials. Every trial"
            " has its own seed, so that 240 trials are the first of 1000 later on."
        )
        if st.button("Start", type="primary", disabled=not count):
            _start(request, name)


@st.fragment(run_every=1.0)
def _wait_for_menu() -> None:
    """Only the worker knows the catalogue; start it and look again."""
    guarded(_look_for_menu)()


def _look_for_menu() -> None:
    ensure_worker(current_home())
    if read_menu(current_home()) is not None:
        st.rerun()
    st.write("The worker is starting: the choices appear in a moment.")


def _asked(menu: Menu, generator: GeneratorChoice) -> ExperimentRequest:
    left, middle, right = st.columns(3)
    with left:
        usable = [name for name in generator.classifiers if menu.classifiers[name].problem is None]
        classifiers = st.multiselect(
            "Classifiers", usable, default=usable[:2], key="new-classifiers"
        )
        presets = list(generator.presets)
        subsets = st.multiselect("Layer subsets", presets, default=presets[1:], key="new-subsets")
    with middle:
        searches = st.multiselect(
            "Searches", list(menu.searches), default=list(menu.searches)[:1], key="new-searches"
        )
        fitting = [name for search in searches for name in menu.searches[search]]
        schedules = st.multiselect(
            "Schedules",
            fitting,
            key="new-schedules",
            placeholder=f"Default: {generator.schedule}",
            help="How the bound on the magnitude grows. The default is the generator's own.",
        )
    with right:
        trials = st.number_input("Trials", 1, 100_000, 240, key="new-trials")
        seed = st.number_input("Seed", 0, 2**31 - 1, 0, key="new-seed")
        targeted = st.toggle(
            "Targeted", True, key="new-targeted", help="Off: any wrong label will do."
        )
    return ExperimentRequest(
        generator=generator.name,
        classifiers=tuple(classifiers),
        subsets=tuple(subsets),
        searches=tuple(searches),
        schedules=tuple(schedules),
        trials=int(trials),
        seed=int(seed),
        targeted=targeted,
        owner=visitor().name,
    )


def _runs(menu: Menu, request: ExperimentRequest) -> int:
    """Searches × schedules: a search without a schedule of its own among those asked runs once."""
    return sum(
        max(1, len(set(menu.searches[search]) & set(request.schedules)))
        for search in request.searches
    )


def _start(request: ExperimentRequest, name: str) -> None:
    try:
        job_id = submit_experiment(database(), current_home(), request, name)
    except RequestError as error:
        st.error(str(error))
        return
    ensure_worker(current_home())
    st.query_params[CHOSEN] = job(database(), job_id).experiment_id
    st.rerun()


def _table(stored: list[Experiment]) -> None:
    rows = pd.DataFrame([_row(one) for one in stored])
    picked = st.dataframe(
        rows,
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
    chosen = {one.id: one for one in stored}.get(st.query_params.get(CHOSEN, ""))
    if picked.selection.rows:
        chosen = stored[picked.selection.rows[0]]
        st.query_params[CHOSEN] = chosen.id
    if chosen is None:
        st.caption("Choose a row to watch, stop or resume an experiment, or to open its results.")
        return
    _details(chosen)


def _row(one: Experiment) -> dict[str, object]:
    counts = outcome_counts(database(), one.id)
    done = sum(sum(of.values()) for of in counts.values())
    total = one.trials * len(one.definition["conditions"])
    newest = job_of(database(), one.id)
    return {
        "Name": one.name,
        "Started": one.created_at[:16].replace("T", " "),
        "Generator": one.generator,
        "Conditions": len(one.definition["conditions"]),
        "Trials": one.trials,
        "Done": done / total,
        "Found": sum(of.get("found", 0) for of in counts.values()),
        "Failed": sum(of.get("failed", 0) for of in counts.values()),
        "State": "done" if done == total else newest.state if newest else "not started",
    }


def _details(one: Experiment) -> None:
    st.subheader(one.name)
    progress(one, visitor().name)
    with st.container(horizontal=True, vertical_alignment="center"):
        page_link("results", "Results", ":material/show_chart:")
        page_link("studies", "Have it judged", ":material/visibility:")
        st.caption(f"`python -m app experiment --resume {one.id}` does the same in a terminal.")
    with st.expander("Definition"):
        st.json(one.definition, expanded=1)
        st.caption(f"Code {one.code_version}; generator weights {one.generator_checksum[:12]}…")
