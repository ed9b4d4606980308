"""What people say of a plane's pictures: points, a surface of agreement, and studies that ask."""

from __future__ import annotations

import numpy as np
import pandas as pd
import streamlit as st

from app.access import database, visitor
from app.charts.map_parts import Agreement, Point
from app.figures import figures
from app.guard import guarded
from app.runner.map_request import submit_spread
from app.runner.menu import Menu
from app.runner.request import RequestError
from app.widgets.map_data import OpenMap
from app.widgets.map_view import Overlay
from app.widgets.page_link import page_link
from app.widgets.plain_text import plain
from app.widgets.study_labels import label_text
from data.found_directions import found_stimulus, source_stimulus
from data.jobs import job
from engine.spaces.description import FoundDirection, PerturbationPlane
from labelling.agreement_surface import (
    FEWEST_POINTS,
    AgreementSurface,
    agreement_surface,
    failing_share,
    over_surface,
)
from labelling.eligibility import JudgingRule
from labelling.options import StudyError
from labelling.plane_study import JudgedPoint, create_plane_study, judged_points

#: In the address: the job that draws the pictures of a study to be.
SPREAD = "spread"
RULE = JudgingRule()


def people_overlay(opened: OpenMap | None) -> Overlay:
    """The judged pictures of a plane's map, and the surface where enough are judged."""
    if opened is None or opened.plane is None:
        return Overlay()
    points = _points(opened)
    surface = _surface(opened, points)
    agreement = None
    if surface is not None:
        agree = surface.probability >= 0.5
        agreement = Agreement(
            surface.coordinates,
            surface.probability,
            surface.low,
            surface.high,
            tuple(over_surface(fails) & agree for fails in failing(opened)),
        )
    inside = [point for point in points if _inside(opened, point.u)]
    return Overlay([Point(one.u, one.judgement, _said(one)) for one in inside], agreement)


def failing(opened: OpenMap) -> np.ndarray:
    """Where each classifier gives another label: (classifiers, p, q)."""
    return opened.found.predicted != opened.found.description.label


def people_panel(menu: Menu | None, opened: OpenMap) -> None:
    """How far the judging is, what the surface says, and a study of more pictures."""
    st.subheader("People", anchor=False)
    points = _points(opened)
    judged = [one for one in points if one.judgement != "missing" and _inside(opened, one.u)]
    surface = _surface(opened, points)
    if surface is None:
        st.write(
            f"{len(judged)} pictures of this plane are judged. From {FEWEST_POINTS} on, a surface"
            " of “people still agree” is drawn over the scores."
        )
    else:
        _shares(opened, surface)
    _study(menu, opened)


def _shares(opened: OpenMap, surface: AgreementSurface) -> None:
    rows = []
    for network, fails in zip(opened.networks, failing(opened), strict=True):
        share = failing_share(surface, fails)
        rows.append(
            {
                "Classifier": network,
                "Fails while people agree": (
                    f"{figures(100 * share.share)} %"
                    f" [{figures(100 * share.low)}, {figures(100 * share.high)}]"
                ),
                "Fails at all": f"{figures(100 * float(fails.mean()))} %",
            }
        )
    st.dataframe(pd.DataFrame(rows), hide_index=True, width="content")
    st.caption(
        f"Shares of this plane's area. People agree where the fitted probability is ½ or more: a"
        f" logistic surface of second degree (Firth's penalty) through {surface.points} judged"
        f" pictures, {surface.agreed} of which still show the label by {plain(RULE.in_words())}."
        " 95 % intervals by the bootstrap over pictures; they do not hold what other people, or"
        " another form of surface, would say."
    )


def _study(menu: Menu | None, opened: OpenMap) -> None:
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
        st.progress(done / max(drawing.progress.get("of", 1), 1), f"{done} pictures are drawn")
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


def _points(opened: OpenMap) -> list[JudgedPoint]:
    plane = opened.plane
    assert plane is not None
    return judged_points(database(), dict(opened.stored.description["space"]), _known(plane), RULE)


def _known(plane: PerturbationPlane) -> dict[tuple[float, float], str | None]:
    """The source, and what the searches of the axes found."""
    source = source_stimulus(
        database(),
        generator_checksum=plane.source.checksum,
        label=plane.source.label,
        seed=plane.source.seed,
        truncation=plane.source.truncation,
    )
    if source is None:
        return {}
    known: dict[tuple[float, float], str | None] = {(0.0, 0.0): source}
    for u, direction in (((1.0, 0.0), plane.first), ((0.0, 1.0), plane.second)):
        if isinstance(direction, FoundDirection):
            known[u] = found_stimulus(
                database(),
                source,
                classifier_checksum=direction.classifier_checksum,
                magnitude=direction.magnitude,
            )
    return known


def _surface(opened: OpenMap, points: list[JudgedPoint]) -> AgreementSurface | None:
    judged = tuple(
        (one.u, one.judgement == "agree")
        for one in points
        if one.judgement != "missing" and _inside(opened, one.u)
    )
    return _fitted(judged, opened.lower, opened.upper)


@st.cache_resource(max_entries=20, show_spinner=False)
def _fitted(
    judged: tuple[tuple[tuple[float, float], bool], ...],
    lower: tuple[float, ...],
    upper: tuple[float, ...],
) -> AgreementSurface | None:
    if len(judged) < FEWEST_POINTS:
        return None
    return agreement_surface([u for u, _ in judged], [agree for _, agree in judged], lower, upper)


def _inside(opened: OpenMap, u: tuple[float, ...]) -> bool:
    ends = zip(u, opened.lower, opened.upper, strict=True)
    return all(low <= one <= high for one, low, high in ends)


def _said(point: JudgedPoint) -> str:
    if not point.asked:
        return "not judged"
    people = "1 person" if point.asked == 1 else f"{point.asked} people"
    return f"{point.yes} of {people} still see the label"
