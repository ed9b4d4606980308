"""The form for a new experiment: what to combine, over how many trials."""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st

from app.access import current_home, database, visitor
from app.guard import guarded
from app.runner.menu import GeneratorChoice, Menu, read_menu
from app.runner.plan import LARGEST_SEED
from app.runner.request import ExperimentRequest, RequestError
from app.runner.submit import ensure_worker, submit_experiment
from data.jobs import job


def new_experiment(*, unfold: bool, on_started: Callable[[str], None]) -> None:
    """Show the form; `on_started` gets the id of an experiment that it has started."""
    with st.expander("New experiment", expanded=unfold, icon=":material/add:"):
        menu = read_menu(current_home())
        if menu is None:
            _wait_for_menu()
            return
        names = [name for name, choice in menu.generators.items() if choice.problem is None]
        left, right = st.columns([1, 2])
        generator = menu.generators[left.selectbox("Generator", names, key="new-generator")]
        name = right.text_input("Name", key="new-name", placeholder="Optional")
        request = _asked(menu, generator)
        count = len(request.classifiers) * len(request.subsets) * _runs(menu, request)
        st.caption(
            f"{count} condition{'' if count == 1 else 's'} × {request.trials} trials. Every trial"
            " has its own seed, so that 240 trials are the first of 1000 later on."
        )
        if st.button("Start", type="primary", disabled=not count):
            _start(request, name, on_started)


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
        seed = st.number_input("Seed", 0, LARGEST_SEED, 0, key="new-seed")
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


def _start(request: ExperimentRequest, name: str, on_started: Callable[[str], None]) -> None:
    try:
        job_id = submit_experiment(database(), current_home(), request, name)
    except RequestError as error:
        st.error(str(error))
        return
    ensure_worker(current_home())
    started = job(database(), job_id)
    assert started is not None
    on_started(started.experiment_id)
