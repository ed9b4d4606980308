"""What the paper makes of several maps: means, and the table of SRVR; maps from elsewhere."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from app.access import database, visitor
from app.runner.map_files import keep_imported, read_maps
from app.runner.map_request import keep_map
from app.runner.menu import Menu
from app.runner.request import RequestError
from app.widgets.map_data import OpenMap
from app.widgets.map_robustness import robustness_table
from app.widgets.map_upload import LIMIT, uploaded
from app.widgets.plain_text import plain
from data.counted import counted
from engine.maps import (
    MapFileError,
    mean_over_classifiers,
    mean_over_maps,
)


def import_maps() -> None:
    """Take in maps from a file: one's own, or an archive that others published."""
    with st.popover("Import maps", icon=":material/upload:"):
        try:
            file = uploaded(
                "A map that was downloaded here, or an archive of arrays called"
                f" network_class_object (elevation × azimuth, every 3°), {LIMIT}",
                "map-import",
                ["npz"],
            )
        except RequestError as error:
            st.error(plain(str(error)))
            return
        if file is None or not st.button("Import"):
            return
        try:
            maps = read_maps(file.content, file.name)
        except MapFileError as error:
            st.error(plain(str(error)))
            return
        ids = keep_imported(database(), maps, owner=visitor().name)
        st.query_params.from_dict({"map": ids[:1]})
        st.rerun()


def products(menu: Menu | None, maps: Sequence[OpenMap]) -> None:
    """Means over the maps in view, and the table of SRVR over as many as one likes."""
    st.subheader("Across maps", anchor=False)
    with st.container(horizontal=True):
        several = len(maps) > 1
        if st.button(
            "Class-global map",
            disabled=not several,
            help="Each classifier's mean over the maps in view, which are of several objects.",
        ):
            _averaged(maps, over_classifiers=False)
        networks = sum(len(one.networks) for one in maps)
        if st.button(
            "Data semantic map",
            disabled=networks < 2,
            help="The mean over all classifiers of the maps in view.",
        ):
            _averaged(maps, over_classifiers=True)
    if not several:
        st.caption("Choose several maps above to average them.")
    robustness_table(menu, maps)


def _averaged(maps: Sequence[OpenMap], *, over_classifiers: bool) -> None:
    names = [one.stored.name for one in maps]
    found = [one.found for one in maps]
    try:
        mean = (mean_over_classifiers if over_classifiers else mean_over_maps)(found, names)
    except ValueError as error:
        st.error(plain(str(error)))
        return
    what = "Data semantic map" if over_classifiers else "Class-global map"
    name = f"{what} of {counted(len(maps), 'map')}, {maps[0].label_name}"
    map_id = keep_map(database(), mean, name=name, origin="averaged", owner=visitor().name)
    st.query_params.from_dict({"map": map_id})
    st.rerun()
