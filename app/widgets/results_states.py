"""What the Results page shows before there are results, while they come, and when they stopped."""

from __future__ import annotations

from dataclasses import replace
from time import monotonic

import streamlit as st

from app.access import current_home, database
from app.guard import guarded
from app.runner.menu import read_menu
from app.runner.request import ExperimentRequest, RequestError
from app.runner.submit import ensure_worker, resume_experiment, submit_experiment
from app.widgets.page_link import page_link
from data.counted import counted
from data.experiments import Experiment
from data.jobs import Job, cancel, job, job_of

DEMO = ExperimentRequest(
    generator="mnist-conv",
    classifiers=("mnist-standard", "mnist-robust"),
    subsets=("first", "last"),
    schedules=("imagenet",),
    budget=100,
    trials=120,
)
DEMO_NAME = "Demo: MNIST, first and last layers"
#: The worker imports torch before it is there.
_WORKER_SECONDS = 90.0
_REDRAW_SECONDS = 5.0


def nothing_yet(owner: str) -> None:
    """No experiment is stored: say what to do first, and offer to do it."""
    st.subheader("No experiment has been run yet")
    st.write(
        "An experiment searches, trial by trial, for the smallest shift of a picture's meaning that"
        " fools a classifier. The demo runs 120 trials for two MNIST classifiers, perturbing the"
        " generator's first or its last layers: enough for a first curve."
    )
    with st.container(horizontal=True, vertical_alignment="center"):
        wanted = st.button("Run the demo experiment, about 20 s", type="primary")
        page_link("experiments", "or define your own under Experiments")
    if wanted:
        st.session_state["demo-asked"] = monotonic()
    if "demo-asked" in st.session_state:
        _start_demo(owner)


@st.fragment(run_every=1.0)
def _start_demo(owner: str) -> None:
    guarded(lambda: _submit_demo(owner))()


def _submit_demo(owner: str) -> None:
    """Submit the demo as soon as a worker has said what there is to run."""
    ensure_worker(current_home())
    waited = monotonic() - st.session_state["demo-asked"]
    if read_menu(current_home()) is None:
        if waited < _WORKER_SECONDS:
            st.progress(0.0, f"Starting the worker … {waited:.0f} s")
        else:
            st.error(
                f"The worker did not start: look into {current_home().logs} for the reason, or run"
                " `python -m app worker` in a terminal."
            )
        return
    try:
        job_id = submit_experiment(
            database(), current_home(), replace(DEMO, owner=owner), DEMO_NAME
        )
    except RequestError as error:
        st.error(str(error))
        return
    del st.session_state["demo-asked"]
    st.query_params["experiment"] = job(database(), job_id).experiment_id
    st.rerun()


def progress(experiment: Experiment, owner: str) -> None:
    """Above the results: how far a running experiment is, or why it is not complete."""
    newest = job_of(database(), experiment.id)
    if newest is None or newest.state == "done":
        return
    if newest.active:
        ensure_worker(current_home(), newest.device)
        _running(newest.id)
        st.caption(
            "Trials run side by side and the easy ones end first. So that the curves are fair, they"
            " count only the trials before the first one that has not ended."
        )
        return
    _ended_early(experiment, newest, owner)


@st.fragment(run_every=1.0)
def _running(job_id: str) -> None:
    guarded(lambda: _show_progress(job_id))()


def _show_progress(job_id: str) -> None:
    now = job(database(), job_id)
    if not now.active:
        st.rerun()
    done, total = now.progress.get("done", 0), now.progress.get("total", 0)
    with st.container(horizontal=True, vertical_alignment="center"):
        st.progress(done / total if total else 0.0, _pace(now, done, total))
        if st.button("Stop", disabled=now.cancel, key="stop-experiment"):
            cancel(database(), job_id)
            st.rerun(scope="fragment")
    drawn, at = st.session_state.get("results-drawn", (0, 0.0))
    if done > drawn and monotonic() - at > _REDRAW_SECONDS:
        st.session_state["results-drawn"] = (done, monotonic())
        st.rerun()


def _pace(now: Job, done: int, total: int) -> str:
    if now.state == "queued":
        return "Waiting for the worker …"
    if now.cancel:
        return "Stopping …"
    at = now.progress
    if "preparing" in at:
        return f"{at['preparing']} …"
    parts = [f"Running: {done} of {counted(total, 'trial')}"]
    if at.get("seconds_left") is not None:
        parts.append(f"about {_duration(at['seconds_left'])} left")
    elif "step" in at:
        parts.append(f"step {at['step']} of at most {at['budget']}")
    if "steps_per_second" in at:
        parts.append(f"{at['classifier']}, {at['subset']}, {at['schedule']}")
        parts.append(f"{at['steps_per_second']:,.0f} steps/s")
    return " · ".join(parts)


def _duration(seconds: float) -> str:
    if seconds < 90:
        return f"{seconds:.0f} s"
    minutes = seconds / 60
    return f"{minutes:.0f} min" if minutes < 90 else f"{minutes / 60:.1f} h"


def _ended_early(experiment: Experiment, ended: Job, owner: str) -> None:
    with st.container(border=True):
        if ended.state == "failed":
            st.error("The experiment failed before its end. What it found is kept: resume it.")
            if ended.message:
                with st.expander("Details"):
                    st.code(ended.message, language=None, wrap_lines=True)
        else:
            st.info("The experiment was stopped before its end. What it found is kept.")
        if st.button("Resume", type="primary"):
            try:
                resume_experiment(database(), experiment.id, owner=owner)
            except RequestError as error:
                st.error(str(error))
            else:
                st.rerun()
