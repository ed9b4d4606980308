"""Explore: choose what to search, watch the search run, look at what it found."""

from __future__ import annotations

from collections.abc import Mapping
from time import monotonic, sleep
from typing import Any, NamedTuple

import pandas as pd
import streamlit as st

from app.access import current_home, database, visitor
from app.charts.run_curves import course_of_run, magnitude_by_point
from app.charts.theme import chart_menu, classifier_colours
from app.figures import figures
from app.guard import guarded
from app.runner.live import Live, read_live
from app.runner.menu import GeneratorChoice, Menu, read_menu
from app.runner.request import RequestError, SearchRequest
from app.runner.submit import ensure_worker, submit_search
from app.widgets.drawn_figure import drawn_figure
from app.widgets.explore_after import after_the_run, saved_runs
from app.widgets.explore_again import found_again
from app.widgets.explore_controls import controls, fill_in
from app.widgets.explore_stage import stage
from app.widgets.plain_text import plain
from app.widgets.scheme import current_scheme
from data.experiments import Experiment, experiment
from data.jobs import Job, cancel, job

#: The run that is shown, in the address.
RUN = "run"
FRAME_SECONDS = 0.3
WAIT_SECONDS = 0.5
PATIENCE_SECONDS = 60.0
STOP_SECONDS = 0.7


STYLE = """
<style>
.stMainBlockContainer { max-width: 2400px; margin-inline: auto; }
.st-key-address-search button, .st-key-address-schedule button,
.st-key-address-condition button { min-height: 2.5rem; }
</style>
"""


class Shown(NamedTuple):
    """The run in the address: its job, and the experiment of one trial that it belongs to."""

    job: Job
    experiment: Experiment

    @property
    def condition(self) -> Mapping[str, Any]:
        """Its only condition, as defined."""
        return self.experiment.definition["conditions"][0]


def render() -> None:
    """Show the page."""
    st.html(STYLE)
    ensure_worker(current_home())
    menu = read_menu(current_home())
    st.header("How far must the meaning shift before the classifier is fooled?", anchor=False)
    if menu is None:
        _wait_for_worker()
        return
    if menu.problem:
        st.warning(menu.problem)
    shown = _shown()
    if shown is not None and st.session_state.get("filled_in") != shown.job.id:
        if set(st.query_params) == {RUN}:  # a permalink: else the address has the choices, too
            fill_in(menu, shown.experiment.definition)
        st.session_state["filled_in"] = shown.job.id
    running = shown is not None and shown.job.active
    request, place = controls(menu, locked=running, owner=visitor().name)
    _buttons(place, request, shown if running else None)
    # One place for all, so that each picture appears where the one before it was.
    follow = st.fragment(guarded(_follow), run_every=FRAME_SECONDS if running else None)
    follow(menu, menu.generators[request.generator], shown)
    if shown is None:
        saved_runs(None)
    elif not running:
        found_again(shown.experiment)
        after_the_run(menu, shown.job, shown.experiment)


def _shown() -> Shown | None:
    """The run that the address names."""
    run_id = st.query_params.get(RUN)
    if run_id is None:
        return None
    found = job(database(), run_id)
    if found is None or found.kind != "search":
        st.warning(f"There is no run “{plain(run_id)}” here. Press Run to start one.")
        return None
    stored = experiment(database(), found.experiment_id)
    assert stored is not None, "the database has a foreign key for this"
    return Shown(found, stored)


@st.fragment(run_every=WAIT_SECONDS)
@guarded
def _wait_for_worker() -> None:
    if read_menu(current_home()) is not None:
        st.rerun()
    ensure_worker(current_home())
    waited = monotonic() - st.session_state.setdefault("waiting-since", monotonic())
    if waited < PATIENCE_SECONDS:
        st.info("Starting the worker, which runs the searches: a few seconds, the first time only.")
    else:
        st.error(
            f"The worker does not start. The reason is in {current_home().logs}, or run"
            " `python -m app worker` in a terminal to see it."
        )


def _buttons(place: Any, request: SearchRequest, running: Shown | None) -> None:
    with place, st.container(horizontal=True, horizontal_alignment="right"):
        # No callback: it would be given the request as it was before what was typed last.
        pressed = st.button(
            "Run",
            type="primary",
            icon=":material/play_arrow:",
            disabled=running is not None,
        )
        stopping = running is not None and running.job.cancel
        st.button(
            "Stopping" if stopping else "Stop",
            icon=":material/stop:",
            disabled=running is None or stopping,
            on_click=_stop,
            args=(running.job.id if running else "",),
        )
    if pressed and running is None:
        try:
            _start(request)
        except RequestError as error:
            st.error(plain(str(error)))


def _start(request: SearchRequest) -> None:
    """Submit the search; from this moment the address is the run's."""
    run_id = submit_search(database(), current_home(), request)
    st.query_params[RUN] = run_id
    for name, used in (("generator", request.generator), ("classifier", request.classifier)):
        if st.query_params.get(name, used) != used:  # the address named what cannot be
            st.query_params[name] = used
    st.session_state["filled_in"] = run_id
    st.rerun()


def _stop(run_id: str) -> None:
    """Ask for the end, and wait a moment for it, so that the page shows it at once."""
    deadline = monotonic() + STOP_SECONDS
    now = cancel(database(), run_id)
    while now is not None and now.active and monotonic() < deadline:
        sleep(0.02)
        now = job(database(), run_id)


def _follow(menu: Menu, chosen: GeneratorChoice, shown: Shown | None) -> None:
    """The run as it stands; drawn again and again while it runs."""
    if shown is None:
        stage(
            chosen,
            None,
            "Nothing has run yet",
            "Press Run: the generator draws a picture of the label, and the search moves its"
            " meaning until the classifier is fooled.",
        )
        return
    now = job(database(), shown.job.id)
    if now is None or now.active != shown.job.active:
        st.rerun()
    if now.active:
        ensure_worker(current_home())
    generator = menu.generators[shown.experiment.generator]
    live = read_live(current_home(), now.id)
    state, line = _in_words(generator, shown, now, live)
    stage(generator, live, state, line)
    scheme = current_scheme()
    colour = classifier_colours(menu.classifiers, scheme)[shown.condition["classifier"]]
    left, right = st.columns([3, 2], gap="large")
    history = live.history if live else None
    left.markdown("**Margin, and magnitude under its bound, at each step**")
    course = course_of_run(
        pd.DataFrame(
            {
                "step": history.step if history else [],
                "margin": history.margin if history else [],
                "magnitude": history.magnitude if history else [],
                "bound": history.bound if history else [],
            }
        ),
        colour=colour,
        scheme=scheme,
        budget=shown.condition["schedule"]["budget"],
    )
    with left:
        drawn_figure(course, chart_menu(f"run-{now.id}"), "course")
    right.markdown("**Magnitude at each point**")
    points = magnitude_by_point(_by_point(generator, shown, live), colour=colour, scheme=scheme)
    with right:
        drawn_figure(points, chart_menu(f"points-{now.id}"), "by-point")


def _by_point(generator: GeneratorChoice, shown: Shown, live: Live | None) -> pd.DataFrame:
    magnitudes = live.magnitudes if live and live.magnitudes else [0.0] * len(generator.points)
    return pd.DataFrame(
        {
            "point": [point.name for point in generator.points],
            "magnitude": magnitudes,
            "active": [weight > 0 for weight in shown.condition["layer_weights"]],
        }
    )


def _in_words(
    generator: GeneratorChoice, shown: Shown, now: Job, live: Live | None
) -> tuple[str, str]:
    """What is going on, in a few words; and the figures that belong to it."""
    if live is None or (now.active and live.phase == "loading"):
        return {
            "queued": ("Waiting for the worker", "It starts within a few seconds."),
            "running": ("Loading the models", (live.message if live else None) or ""),
            "stopped": ("Stopped", "Before its first step."),
        }.get(now.state, ("Nothing to show", now.message or "Press Run to search again."))
    if now.state == "failed":
        return "Failed", now.message or ""
    course = (
        f"{live.step} of {live.budget} steps · {live.seconds:.1f} s · margin"
        f" {figures(live.margin)} · ‖p‖ {figures(live.magnitude)}, bound {figures(live.bound)}"
        if live.magnitude is not None
        else ""
    )
    if now.state == "stopped":
        return "Stopped", course
    match live.outcome:
        case "found":
            return f"Fooled at magnitude {figures(live.magnitude)}", course
        case "exhausted":
            return (
                f"Not fooled up to magnitude {figures(live.bound)}",
                f"All {live.budget} steps are spent: a larger budget may still find something.",
            )
        case "skipped":
            taken = generator.phrases[live.before[0].label]
            asked = generator.phrases[shown.experiment.definition["trial"]["label"]]
            return (
                "Nothing to search",
                f"The classifier takes the source for {taken}, not for {asked}. Draw another seed.",
            )
        case "failed":
            return "Failed", live.message or ""
    return "Stopping" if now.cancel else "Searching", course
