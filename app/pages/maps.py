"""Maps: where in a space of pictures does a classifier see the label, and where do people?"""

from __future__ import annotations

from time import monotonic

import streamlit as st

from app.access import current_home, database, visitor
from app.figures import duration
from app.guard import guarded
from app.runner.map_request import resume_map
from app.runner.menu import Menu, read_menu
from app.runner.submit import ensure_worker
from app.widgets.map_data import OpenMap, open_map
from app.widgets.map_form import new_map
from app.widgets.map_people import people_panel
from app.widgets.map_products import import_maps, products
from app.widgets.map_view import map_view
from app.widgets.plain_text import plain
from data.jobs import cancel, job_of_map
from data.maps import StoredMap, delete_map, stored_maps

#: The maps in view, in the address.
MAPS = "map"
MOST_MAPS = 12
FOLLOW_SECONDS = 0.5

#: On the widest screens maps would be stretched to strips. Buttons to choose from are as high as
#: boxes to choose from, so that the labels above them are on one line.
STYLE = """<style>
.stMainBlockContainer { max-width: 2400px; }
.stButtonGroup [data-variant] { min-height: 2.5rem; }
</style>"""


def render() -> None:
    """The page: which maps, the maps with their regions, and what people say of their pictures."""
    ensure_worker(current_home())
    st.html(STYLE)
    st.header(
        "Where in a space of pictures does a classifier still see the label, and where do people?",
        anchor=False,
    )
    menu = read_menu(current_home())
    stored = stored_maps(database())
    chosen = _chosen(stored)
    if menu is None:
        _wait_for_worker()
    else:
        new_map(menu, unfold=not stored)
    if not chosen:
        if stored:
            st.info("Choose a map above to see it.")
        else:
            st.info(
                "There is no map yet. Choose a space above and press Compute; a map of 10,000"
                " digits takes some seconds."
            )
        return
    if len(chosen) == 1:
        _course(chosen[0])
    opened = [one for one in map(open_map, chosen) if one is not None]
    complete = [one for one in opened if one.found.complete]
    if not complete:
        return
    fitting = [one for one in complete if complete[0].same_grid(one)]
    if len(fitting) < len(chosen):
        st.warning(
            "Maps that are not complete, or have another grid than the first one, are left out."
        )
    _show(menu, fitting)


@st.fragment
@guarded
def _show(menu: Menu | None, maps: list[OpenMap]) -> None:
    """A part of its own, so that what a pointer does on a map draws nothing else anew."""
    judged = map_view(menu, maps)
    if judged is not None:
        people_panel(menu, judged)
    products(menu, maps)


def _chosen(stored: list[StoredMap]) -> list[StoredMap]:
    """The maps of the address; the newest one where it names none."""
    if not stored:
        import_maps()
        return []
    by_id = {one.id: one for one in stored}
    named = [one for one in st.query_params.get_all(MAPS) if one in by_id]
    default = named or ([] if MAPS in st.query_params else [stored[0].id])
    if st.session_state.get("maps-shown") != default:
        st.session_state["maps-shown"] = default

    def write() -> None:
        st.query_params.from_dict({MAPS: st.session_state["maps-shown"] or [""]})

    with st.container(horizontal=True, vertical_alignment="bottom"):
        st.multiselect(
            "Maps side by side",
            list(by_id),
            format_func=lambda one: by_id[one].name,
            key="maps-shown",
            on_change=write,
            max_selections=MOST_MAPS,
        )
        import_maps()
        if len(default) == 1:
            _delete(by_id[default[0]])
    return [by_id[one] for one in default]


def _delete(one: StoredMap) -> None:
    with st.popover("Delete", icon=":material/delete:"):
        st.write("Delete this map? Judgements of its pictures stay.")
        if st.button("Delete it"):
            working = job_of_map(database(), one.id)
            if working is not None and working.active:
                cancel(database(), working.id)
            delete_map(database(), one.id)
            st.query_params.clear()
            st.rerun()


def _course(one: StoredMap) -> None:
    """How far the map is, with Stop; or why it is not complete, with a button that goes on."""
    if one.complete:
        return
    working = job_of_map(database(), one.id)
    if working is not None and working.active:
        _follow(one.id, working.id)
        return
    reason = working.message if working is not None and working.message else "It was stopped."
    with st.container(border=True, horizontal=True, vertical_alignment="center"):
        st.write(f"{one.measured} of {one.points} points are known. {plain(reason)}")
        if st.button("Go on", icon=":material/play_arrow:"):
            resume_map(database(), one.id, owner=visitor().name)
            st.rerun()


@st.fragment(run_every=FOLLOW_SECONDS)
@guarded
def _follow(map_id: str, job_id: str) -> None:
    ensure_worker(current_home())
    working = job_of_map(database(), map_id)
    if working is None or not working.active:
        st.rerun()
    done, of = working.progress.get("points", 0), working.progress.get("of", 0)
    begun = st.session_state.setdefault(f"begun-{job_id}", (monotonic(), done))
    text = working.progress.get("preparing") or (
        f"{done} of {of} points" if of else "Waiting for the worker"
    )
    if of and done > begun[1]:
        left = (of - done) * (monotonic() - begun[0]) / (done - begun[1])
        text += f", about {duration(left)} left"
    with st.container(border=True, horizontal=True, vertical_alignment="center"):
        st.progress(done / of if of else 0.0, text)
        if st.button(
            "Stopping" if working.cancel else "Stop",
            icon=":material/stop:",
            disabled=working.cancel,
        ):
            cancel(database(), job_id)


@st.fragment(run_every=1.0)
@guarded
def _wait_for_worker() -> None:
    if read_menu(current_home()) is not None:
        st.rerun()
    st.info("Starting the worker, which computes the maps: a few seconds, the first time only.")
