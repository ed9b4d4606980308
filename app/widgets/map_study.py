"""Having a plane judged: pictures that fill it become a study."""

from __future__ import annotations

import streamlit as st

from app.access import database, visitor
from app.guard import guarded
from app.runner.map_request import submit_spread
from app.runner.menu import Menu
from app.runner.request import RequestError
from app.widgets.map_data import OpenMap
from app.widgets.page_link import page_link
from app.widgets.plain_text import plain
from app.widgets.study_labels import label_text
from data.counted import counted
from data.jobs import job
from labelling.options import StudyError
from labelling.plane_study import create_plane_study

#: In the address: the job that draws the pictures of a study to be.
SPREAD = "spread"


def plane_study(menu: Menu | None, opened: OpenMap) -> None:
    """The button that makes a study, and how far its pictures are."""
    if SPREAD in st.query_params:
        _making(opened, st.query_params[SPREAD])
        return
    made = st.session_state.pop("plane-study", None)
    if made:
        st.success("The study is made: invite people to it.")
        page_link("studies", "Open Studies", ":material/arrow_forward:")
    with st.popover("Have this plane judged", icon=":material/how_to_reg:"):
        st.write(
            "Pictures that fill the plane evenly become a study. People judge them blind, beside"
            " the source, like any other pair."
        )
        count = st.number_input("Pictures", 2, 1000, 40, key="spread-count")
        seed = st.number_input(
            "Seed", 0, 10**6, 0, key="spread-seed", help="Another seed gives other pictures."
        )
        if st.button("Make the study", disabled=menu is None):
            try:
                job_id = submit_spread(
                    database(), opened.stored.id, int(count), seed=int(seed), owner=visitor().name
                )
            except RequestError as error:
                st.error(plain(str(error)))
                return
            st.query_params[SPREAD] = job_id
            st.rerun()


@st.fragment(run_every=0.5)
@guarded
def _making(opened: OpenMap, job_id: str) -> None:
    drawing = job(database(), job_id)
    if drawing is None or drawing.map_id != opened.stored.id or drawing.state == "stopped":
        st.query_params.pop(SPREAD, None)
        st.rerun()
    if drawing.state == "failed":
        st.error(plain(drawing.message or "The pictures could not be drawn."))
        return
    if drawing.active:
        done = drawing.progress.get("points", 0)
        st.progress(
            done / max(drawing.progress.get("of", 1), 1), f"{counted(done, 'picture')} drawn"
        )
        return
    plane = opened.plane
    assert plane is not None, "only a plane is spread over"
    st.query_params.pop(SPREAD, None)
    try:
        st.session_state["plane-study"] = create_plane_study(
            database(),
            f"Plane of {opened.stored.name}",
            space=dict(opened.stored.description["space"]),
            source=drawing.progress["source"],
            pictures=[(u, stimulus) for u, stimulus in drawing.progress["pictures"]],
            text=label_text(plane.source.generator, plane.source.label),
            created_by=visitor().name,
        )
    except StudyError as error:
        st.error(plain(str(error)))
        return
    st.rerun()
