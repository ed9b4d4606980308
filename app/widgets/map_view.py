"""One or several maps side by side: regions that grow from starts, and the picture at any point."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from app.access import current_home
from app.charts.theme import chart_menu
from app.runner.map_thumbnails import read_thumbnails
from app.runner.menu import Menu
from app.widgets.map_controls import controls
from app.widgets.map_data import OpenMap
from app.widgets.map_figure import draw, grow, meaning, panels_of, region_rows, region_table
from app.widgets.map_files import map_files
from app.widgets.map_people import Judged, judged_plane, judging, overlay
from app.widgets.map_place import place_panel
from app.widgets.map_pointer import pointer
from app.widgets.map_starts import POINTER, acts, answered, dragged
from data.counted import counted


def map_view(menu: Menu | None, maps: Sequence[OpenMap]) -> Judged | None:
    """The maps, all of one grid, a panel a classifier; what people say of a single plane's map."""
    first = maps[0]
    panels = panels_of(menu, maps)
    with st.container(horizontal=True, vertical_alignment="bottom"):
        chosen = dragged(first, controls(maps))
        judged = None
        if len(maps) == 1 and first.plane is not None:
            judged = judged_plane(first, judging(first))
    growing = chosen.growing
    shown = [] if chosen.compare else grow(maps, growing)
    figure = draw(maps, panels, chosen, shown, overlay(first, judged))
    name = file_name(maps)
    wide, narrow = st.columns([3, 1], gap="medium")
    with wide:
        st.plotly_chart(figure, theme=None, config=chart_menu(name), key=name)
        pointer(
            name,
            key=POINTER,
            lower=first.lower,
            upper=first.upper,
            starts=growing.starts if growing.method != "none" else (),
            thumbnails=read_thumbnails(current_home(), first.stored.id),
            place=chosen.places,
            answered=answered(),
            on=acts(first, chosen),
        )
        st.caption(meaning(first, growing, chosen.compare))
    with narrow:
        place_panel(menu, first, judged)
    if shown:
        with st.expander(counted(len(shown), "region"), icon=":material/select_all:"):
            st.dataframe(region_table(panels, shown), hide_index=True, width="stretch")
    map_files(name, maps, figure, region_rows(panels, shown))
    return judged


def file_name(maps: Sequence[OpenMap]) -> str:
    """What the view's files are called."""
    return "-".join(["map", *(one.stored.id for one in maps)])[:80]
