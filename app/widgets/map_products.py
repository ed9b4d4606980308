"""What the paper makes of several maps: means, and the table of SRVR; and maps from elsewhere."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
import streamlit as st

from app.access import database, visitor
from app.figures import figures
from app.runner.map_files import keep_imported, read_maps
from app.runner.map_request import keep_map
from app.runner.menu import Menu
from app.runner.request import RequestError
from app.widgets.map_data import OpenMap, open_map
from app.widgets.map_upload import LIMIT, uploaded
from app.widgets.plain_text import plain
from data.maps import stored_maps
from engine.maps import (
    MapFileError,
    mean_over_classifiers,
    mean_over_maps,
)
from engine.regions import VolumeRatio, grow_regions, volume_ratios
from engine.regions.published import PUBLISHED

#: Hamdi & Ghanem (2019), Table 2: SRVR and top-1 error, both in per cent.
TABLE_2 = {
    "AlexNet": (8.92, 43.45),
    "VGG": (9.88, 30.98),
    "ResNet50": (16.88, 23.85),
    "Inceptionv3": (7.92, 22.55),
}
SRVR_STEPS = 800


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
    _robustness(menu, maps)


def _averaged(maps: Sequence[OpenMap], *, over_classifiers: bool) -> None:
    names = [one.stored.name for one in maps]
    found = [one.found for one in maps]
    try:
        mean = (mean_over_classifiers if over_classifiers else mean_over_maps)(found, names)
    except ValueError as error:
        st.error(plain(str(error)))
        return
    what = "Data semantic map" if over_classifiers else "Class-global map"
    name = f"{what} of {len(maps)} maps, {maps[0].label_name}"
    map_id = keep_map(database(), mean, name=name, origin="averaged", owner=visitor().name)
    st.query_params.from_dict({"map": map_id})
    st.rerun()


def _robustness(menu: Menu | None, shown: Sequence[OpenMap]) -> None:
    with st.expander("SRVR against accuracy", icon=":material/table_chart:"):
        st.write(
            "The semantic robustness volume ratio: the mean volume of robust regions over the"
            f" space's, by the paper's average of its three methods, T {SRVR_STEPS}."
        )
        stored = {one.id: one for one in stored_maps(database()) if one.complete}
        chosen = st.multiselect(
            "Maps in the table",
            list(stored),
            [one.stored.id for one in shown],
            format_func=lambda one: stored[one].name,
            key="srvr-maps",
        )
        buttons = st.container(horizontal=True)
        if buttons.button("All of this space") and shown:
            same = [one for one in map(open_map, stored.values()) if one is not None]
            chosen = [one.stored.id for one in same if shown[0].same_grid(one)]
            st.session_state["srvr-wanted"] = chosen
        if buttons.button("Compute", disabled=not chosen, key="srvr-compute"):
            st.session_state["srvr-wanted"] = chosen
        wanted = st.session_state.get("srvr-wanted")
        if not wanted:
            return
        with st.spinner("Growing regions"):
            opened = [open_map(stored[one]) for one in wanted if one in stored]
            ratios = robustness([one for one in opened if one is not None])
        st.dataframe(robustness_table(ratios, menu), hide_index=True, width="stretch")
        st.caption(
            "The ratio grows with T, and counts a region whether it meets the constraints or not:"
            " compare only rows of one T, from the same starts. Intervals: bootstrap over maps,"
            " starts within each."
        )


def robustness(maps: Sequence[OpenMap]) -> dict[str, list[VolumeRatio]]:
    """For each classifier the SRVR overall, and by label, from each map's default starts."""
    regions: dict[str, list[tuple[object, str, str]]] = {}
    for one in maps:
        starts = np.array(one.default_starts())
        for number, network in enumerate(one.networks):
            score = one.found.score(number)
            for method in PUBLISHED:
                found = grow_regions(
                    score,
                    starts,
                    lower=one.lower,
                    upper=one.upper,
                    method=method,
                    steps=SRVR_STEPS,
                )
                regions.setdefault(network, []).extend(
                    (region, one.label_name, one.stored.id) for region in found
                )
    return {
        network: volume_ratios(*(list(column) for column in zip(*rows, strict=True)))
        for network, rows in regions.items()
    }


def robustness_table(ratios: dict[str, list[VolumeRatio]], menu: Menu | None) -> pd.DataFrame:
    """A row a classifier and label, beside what is known of its accuracy."""
    rows = []
    for network, of_network in ratios.items():
        for one in of_network:
            if one.class_name is not None and len(of_network) == 2:
                continue  # of a single label, which is the same as overall
            paper = TABLE_2.get(network)
            choice = menu.classifiers.get(network) if menu else None
            rows.append(
                {
                    "Classifier": network,
                    "Label": one.class_name or "all",
                    "SRVR, %": (
                        f"{figures(100 * one.ratio)}"
                        f" [{figures(100 * one.low)}, {figures(100 * one.high)}]"
                    ),
                    "T": one.steps,
                    "Feasible": f"{figures(100 * one.feasible)} %",
                    "Maps": one.objects,
                    "Regions": one.regions,
                    "SRVR in the paper, %": f"{paper[0]}" if paper else "–",
                    "Accuracy": f"top-1 error {paper[1]} % (paper)"
                    if paper
                    else (choice.accuracy if choice else "–"),
                }
            )
    return pd.DataFrame(rows)
