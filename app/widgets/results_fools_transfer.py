"""Transfer: what was found against one classifier, tested on the others by the worker."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

import pandas as pd
import streamlit as st

from app.access import current_home, database, visitor
from app.charts.transfer import transfer_matrices
from app.fools_words import SUCCESS, TRANSFER, counted_in_words
from app.guard import guarded
from app.runner.menu import read_menu
from app.runner.submit import ensure_worker, submit_transfer
from app.widgets.address import one_of
from app.widgets.figure_files import chart, files
from app.widgets.plain_text import plain
from app.widgets.results_choices import file_name, for_whom
from app.widgets.results_data import SelectedResults, Selection
from app.widgets.results_fools_counted import by_people, chosen_counted
from app.widgets.scheme import current_scheme
from data.jobs import Job, cancel, job_of
from data.transfers import transfer_count, untested_count
from labelling.transfers import transfer_matrix, transfer_table

KINDS = ("transfer",)


def transfer_part(selection: Selection, results: SelectedResults) -> None:
    """The matrices, and a button that has the worker test what is not tested yet."""
    if not (results.trials["outcome"] == "found").any():
        st.info("No trial of these conditions was fooled yet, so there is nothing to test.")
        return
    with st.container(horizontal=True, vertical_alignment="bottom"):
        success = st.segmented_control(
            "Fooled: the other classifier",
            list(SUCCESS),
            format_func=SUCCESS.get,
            required=True,
            **one_of("success", list(SUCCESS)),
        )
        counted = chosen_counted(results)
    stored = transfer_count(database(), selection.experiment.id)
    _work(selection, results, stored)
    if not stored:
        return
    asked = _asked(current_home().root, selection.experiment.id, stored)
    matrix = transfer_matrix(results.trials, asked, success, counted)
    if matrix.empty:
        st.info("No found picture counts under this rule.")
        return
    figure = transfer_matrices(
        matrix,
        subsets=selection.subsets,
        title=f"Found against one classifier, tested on another: it {SUCCESS[success]}"
        f"{counted_in_words(counted)}",
        subtitle=for_whom(selection, results, by_people(counted)),
        scheme=current_scheme(),
    )
    name = file_name(selection, "transfer")
    chart(figure, name)
    st.caption(TRANSFER)
    files({"Transfer": (name, matrix)}, selection.stamp, figure)


def _work(selection: Selection, results: SelectedResults, stored: int) -> None:
    """What is being tested, or could be."""
    newest = job_of(database(), selection.experiment.id, KINDS)
    if newest is not None and newest.active:
        ensure_worker(current_home(), newest.device)
        _running(selection.experiment.id, newest.id)
        return
    if newest is not None and newest.state == "failed":
        st.warning(f"The last test failed. {plain(newest.message or '')}")
    menu = read_menu(current_home())
    if menu is None:
        ensure_worker(current_home())
        _wait_for_worker()
        return
    if selection.experiment.generator not in menu.generators:
        st.caption(
            f"The generator {plain(selection.experiment.generator)} is not in the catalogue any"
            " more, so that nobody knows which classifiers know its labels."
        )
        return
    names = tuple(
        name
        for name in menu.generators[selection.experiment.generator].classifiers
        if menu.classifiers[name].checksum is not None
    )
    home = current_home().root
    missing = _missing(home, selection.experiment.id, stored, len(results.all_trials), names)
    if missing:
        with st.container(border=True, horizontal=True, vertical_alignment="center"):
            st.write(
                f"{missing:,} tests of found pictures on other classifiers are not made yet"
                f" ({', '.join(names)})."
            )
            st.button("Test them", type="primary", on_click=_start, args=(selection.experiment.id,))
    elif not stored:
        st.info("There is no other classifier at hand for this generator's labels to test.")


@st.fragment(run_every=1.0)
@guarded
def _wait_for_worker() -> None:
    """Until the worker has said which classifiers there are."""
    if read_menu(current_home()) is not None:
        st.rerun()
    st.caption("What can be tested is known as soon as the worker has started …")


@lru_cache(maxsize=16)
def _missing(
    root: Path, experiment_id: str, stored: int, trials: int, names: tuple[str, ...]
) -> int:
    return untested_count(database(), experiment_id, names)


@lru_cache(maxsize=4)
def _asked(root: Path, experiment_id: str, stored: int) -> pd.DataFrame:
    return transfer_table(database(), experiment_id)


def _start(experiment_id: str) -> None:
    ensure_worker(current_home())
    submit_transfer(database(), experiment_id, owner=visitor().name)


@st.fragment(run_every=1.0)
def _running(experiment_id: str, job_id: str) -> None:
    guarded(lambda: _progress(experiment_id, job_id))()


def _progress(experiment_id: str, job_id: str) -> None:
    now = job_of(database(), experiment_id, KINDS)
    if now is None or not now.active:
        st.rerun()
    with st.container(horizontal=True, vertical_alignment="center"):
        st.progress(_share(now), _pace(now))
        if st.button("Stop", disabled=now.cancel, key="stop-transfer"):
            cancel(database(), job_id)
            st.rerun(scope="fragment")


def _share(now: Job) -> float:
    total = now.progress.get("total", 0)
    return min(now.progress.get("done", 0) / total, 1.0) if total else 0.0


def _pace(now: Job) -> str:
    at = now.progress
    if now.state == "queued":
        return "Waiting for the worker …"
    if "preparing" in at:
        return f"{at['preparing']} …"
    if "total" not in at:
        return "Starting …"
    return f"Testing on {at['classifier']}: {at['done']} of {at['total']}"
