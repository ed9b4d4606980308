"""What can be done with an experiment: extend, duplicate, archive, delete, take with one."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory

import streamlit as st

from app.access import current_home, database, visitor
from app.report import report
from app.runner import plan
from app.runner.menu import read_menu
from app.runner.request import RequestError
from app.runner.submit import extend_stored, resume_experiment
from app.widgets.banner import synthetic
from app.widgets.download import download
from app.widgets.experiment_cost import show_cost
from app.widgets.experiment_table import CHOSEN
from app.widgets.experiment_toml import fill_form
from app.widgets.page_link import page_link
from app.widgets.plain_text import plain
from data.bundle import write_bundle
from data.database import open_database
from data.experiments import Experiment, archive_experiment
from data.home import Home
from data.jobs import job_of
from data.removal import RemovalError, delete_experiment, removal
from data.results import missing_counts

#: In the session's state: the form is shown, filled in, until it has started something.
UNFOLDED = "new-unfolded"
_PROBLEM = "experiment-problem"


def actions(one: Experiment, *, active: bool) -> None:
    """A row of buttons under an experiment's name."""
    with st.container(horizontal=True, vertical_alignment="center"):
        if one.kind == "experiment":
            page_link("results", "Results", ":material/show_chart:", experiment=one.id)
            page_link("studies", "Have it judged", ":material/visibility:")
        elif job := job_of(database(), one.id):
            _open_in_explore(job.id)
        if one.kind == "experiment":
            if not active:
                _extend(one)
            st.button(
                "Duplicate",
                icon=":material/content_copy:",
                type="tertiary",
                help="Its definition goes into the form above, to be changed and started.",
                on_click=_duplicate,
                args=(one,),
            )
            _take_along(one)
        if not active:
            _archive(one)
            _delete(one)
    if problem := st.session_state.pop(_PROBLEM, None):
        st.error(plain(problem))


def _open_in_explore(run: str) -> None:
    """Explore is the first page, whose address is the root's."""
    explore = st.Page(lambda: None, title="Explore", url_path="explore", default=True)
    st.page_link(
        explore,
        label="Open in Explore",
        icon=":material/travel_explore:",
        query_params={"run": run},
    )


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


def _duplicate(one: Experiment) -> None:
    menu = read_menu(current_home())
    try:
        if menu is None:
            raise RequestError("The worker is still starting: try again in a moment.")
        request = plan.experiment_request(menu, one.definition)
    except RequestError as error:
        st.session_state[_PROBLEM] = str(error)
        return
    fill_form(menu, request, f"{one.name}, again")
    st.session_state[UNFOLDED] = True


def _take_along(one: Experiment) -> None:
    with st.popover("Take along", icon=":material/download:", type="tertiary"):
        home = current_home()
        download(
            "Replication bundle",
            lambda: _bundle(home, one.id),
            f"{one.id}.plainview.zip",
            "application/zip",
            icon=":material/folder_zip:",
            help="Definition, results, pictures, studies and judgements in one archive, names of"
            " labellers replaced by numbers. `python -m app bundle --import FILE` takes it in.",
        )
        made_up = synthetic()
        download(
            "Report",
            lambda: _report(home, one, made_up),
            f"report-{one.id}.html",
            "text/html",
            icon=":material/article:",
            help="All figures, the definition, the judging rule and the caveats in one HTML file"
            " that needs no network; by the frozen analysis plan where there is one.",
        )


# Both are written in a thread of their own, so with a connection of their own.
def _bundle(home: Home, experiment_id: str) -> bytes:
    with TemporaryDirectory() as folder, closing(open_database(home)) as connection:
        file = Path(folder) / "bundle.zip"
        write_bundle(connection, home, experiment_id, file)
        return file.read_bytes()


def _report(home: Home, one: Experiment, made_up: bool) -> bytes:
    with closing(open_database(home)) as connection:
        return report(connection, home, one, synthetic=made_up).encode("utf-8")


def _archive(one: Experiment) -> None:
    archived = one.archived_at is not None
    st.button(
        "Bring back" if archived else "Archive",
        icon=":material/unarchive:" if archived else ":material/archive:",
        type="tertiary",
        help="Into the list of current ones again."
        if archived
        else "Off the list of current ones. Nothing is deleted.",
        on_click=_archive_now,
        args=(one.id, not archived),
    )


def _archive_now(experiment_id: str, archived: bool) -> None:
    archive_experiment(database(), experiment_id, archived)
    st.query_params.pop(CHOSEN, None)


def _delete(one: Experiment) -> None:
    with st.popover(
        "Delete", icon=":material/delete:", type="tertiary", on_change="rerun", key="delete"
    ) as popover:
        if not popover.open:  # of a large experiment it takes a moment
            return
        what = removal(database(), one.id)
        if what.reason:
            st.write(f"It cannot be deleted: {plain(what.reason)}. Archive it instead.")
            return
        st.write(f"This removes {plain(what.in_words())}, for good.")
        st.button("Delete it", type="primary", on_click=_delete_now, args=(one.id,))


def _delete_now(experiment_id: str) -> None:
    try:
        delete_experiment(database(), experiment_id)
    except RemovalError as error:
        st.session_state[_PROBLEM] = str(error)
        return
    st.query_params.pop(CHOSEN, None)
