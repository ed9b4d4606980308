"""The form for a new map: of which space, by which classifiers, how finely."""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st

from app.access import database, visitor
from app.runner import map_request
from app.runner.menu import Menu
from app.runner.request import RequestError
from app.widgets.map_choices import Asked, grid_choice
from app.widgets.map_drawn import components, interpolation, plane, transformations
from app.widgets.map_seen import viewpoint
from app.widgets.plain_text import plain
from data.database import immediate
from data.maps import add_map_file

SPACES: dict[str, Callable[[Menu], Asked | None]] = {
    "Perturbation plane": plane,
    "Components": components,
    "Interpolation": interpolation,
    "Transformations": transformations,
    "Viewpoint": viewpoint,
}


def new_map(menu: Menu, *, unfold: bool) -> None:
    """Show the form; a map that is asked for becomes the one in the address."""
    with st.expander("New map", expanded=unfold, icon=":material/add:"):
        kind = st.segmented_control(
            "Space", list(SPACES), default=next(iter(SPACES)), required=True, key="space"
        )
        try:
            asked = SPACES[kind](menu)
            if asked is not None:
                _compute(menu, asked)
        except RequestError as error:
            st.info(plain(str(error)))


def _compute(menu: Menu, asked: Asked) -> None:
    """How finely, and the button; what cannot be a map is said before anybody presses."""
    with st.container(horizontal=True, vertical_alignment="bottom"):
        resolution, tolerance = grid_choice(len(asked.space.axes), asked.usual)
        name = st.text_input("Name", placeholder="Optional", key="map-name")
        button = st.container(width="content")
    description = map_request.describe(
        menu,
        asked.space,
        label=asked.label,
        label_name=asked.label_name,
        classifiers=asked.classifiers,
        resolution=resolution,
        tolerance=tolerance,
    )
    if button.button("Compute", type="primary", icon=":material/grid_on:"):
        with immediate(database()):  # the file and the map, or neither
            if asked.file is not None:
                add_map_file(database(), asked.file.name, asked.file.content)
            map_id = map_request.submit_map(
                database(), description, name=name, owner=visitor().name
            )
        st.query_params.from_dict({"map": map_id})
        st.rerun()
