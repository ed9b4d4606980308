"""The semantic robustness volume ratio of any maps, beside accuracy: the paper's Table 2."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import pandas as pd
import streamlit as st

from app.access import database
from app.figures import figures, share_in_percent
from app.runner.map_ratios import AVERAGE, beside, grid_of_starts, ratios
from app.runner.menu import Menu
from app.widgets.address import one_of, some_of, whole_number
from app.widgets.map_controls import METHOD_NAMES, STARTS, starts_in_address
from app.widgets.map_data import OpenMap, Start, open_map
from app.widgets.map_files import table_files
from app.widgets.plain_text import plain
from data.maps import StoredMap, stored_maps
from engine.maps import SemanticMap
from engine.regions import METHODS, VolumeRatio

STEPS = 800
#: In the address: whether the table is asked for, and of which maps it is.
TABLE, MAPS = "table", "srvr"
_METHODS = {AVERAGE: "the paper's average of its three"} | {
    name: METHOD_NAMES[name] for name in reversed(METHODS)
}
_STARTS = {"usual": "each map's usual ones", "view": "those in view", "grid": "a grid"}

#: The starts of a map.
Starts = Callable[[OpenMap], tuple[Start, ...]]


def robustness_table(menu: Menu | None, shown: Sequence[OpenMap]) -> None:
    """The choice of maps, method, T and starts, and the table once it is asked for."""
    with st.expander(
        "SRVR against accuracy", icon=":material/table_chart:", expanded=TABLE in st.query_params
    ):
        st.write(
            "The semantic robustness volume ratio: the mean volume of robust regions over the"
            " space's, beside what is known of each classifier's accuracy."
        )
        stored = {one.id: one for one in stored_maps(database()) if one.complete}
        chosen = st.multiselect(
            "Maps in the table",
            list(stored),
            format_func=lambda one: stored[one].name,
            **some_of(MAPS, list(stored), [one.stored.id for one in shown]),
        )
        with st.container(horizontal=True, vertical_alignment="bottom"):
            method, steps, starts, told = _settings()
        with st.container(horizontal=True):
            if st.button("All of this space"):
                st.query_params[MAPS] = _alike(shown[0], stored)
                st.query_params[TABLE] = "on"
                st.rerun()
            if st.button("Compute", disabled=not chosen, key="srvr-compute"):
                st.query_params[TABLE] = "on"
        if TABLE in st.query_params and chosen:
            opened = [open_map(stored[one]) for one in chosen]
            _table(menu, [one for one in opened if one is not None], method, steps, starts, told)


def _settings() -> tuple[str, int, Starts, str]:
    """Method, T, the starts, and these in words."""
    method = st.selectbox(
        "Method",
        list(_METHODS),
        format_func=_METHODS.get,
        width=280,
        **one_of("srvr-method", list(_METHODS)),
    )
    steps = int(
        st.number_input(
            "T", 10, 5000, step=10, width=120, **whole_number("srvr-steps", STEPS, 5000, 10)
        )
    )
    which = st.segmented_control(
        "Starts",
        list(_STARTS),
        format_func=_STARTS.get,
        required=True,
        help="Usual are the paper's four for views, the unperturbed source for a perturbation"
        " plane, else the middle.",
        **one_of("srvr-starts", list(_STARTS)),
    )
    if which == "grid":
        along = int(
            st.number_input(
                "Along an axis", 2, 10, width=140, **whole_number("srvr-along", 3, 10, 2)
            )
        )
        return method, steps, lambda one: grid_of_starts(one.found, along), f"{along} along an axis"
    if which == "view":
        return method, steps, _in_view, f"in view, {st.query_params.get(STARTS, 'the usual ones')}"
    return method, steps, lambda one: one.default_starts(), "usual"


def _in_view(opened: OpenMap) -> tuple[Start, ...]:
    return starts_in_address(opened) or opened.default_starts()


def _alike(first: OpenMap, stored: dict[str, StoredMap]) -> list[str]:
    opened = [one for one in map(open_map, stored.values()) if one is not None]
    return [one.stored.id for one in opened if first.same_grid(one)]


def _table(
    menu: Menu | None,
    maps: Sequence[OpenMap],
    method: str,
    steps: int,
    starts: Starts,
    told: str,
) -> None:
    if len({len(one.axes) for one in maps}) > 1:
        st.info("Choose maps of one number of axes: volumes of others cannot be compared.")
        return
    with st.spinner("Growing regions"):
        of = tuple((one.stored.id, one.stored.sha256, starts(one)) for one in maps)
        rows = _rows([one.found for one in maps], of, method, steps, told, _accuracies(menu))
    st.dataframe(_readable(rows, average=method == AVERAGE), hide_index=True, width="stretch")
    st.caption(
        plain(f"Robust regions by {_METHODS[method]}, T {steps}, starts: {told}.")
        + " The ratio grows with T, and counts a region whether it meets the constraints or not:"
        " compare only rows of one T, from the same starts. Intervals: bootstrap over maps,"
        " starts within each."
    )
    table_files(f"srvr-{method}-{steps}", {"SRVR": rows})


def _accuracies(menu: Menu | None) -> dict[str, str]:
    return {name: one.accuracy for name, one in menu.classifiers.items()} if menu else {}


@st.cache_data(max_entries=50, show_spinner=False)
def _rows(
    _found: Sequence[SemanticMap],
    of: tuple[tuple[str, str | None, tuple[Start, ...]], ...],
    method: str,
    steps: int,
    told: str,
    accuracies: Mapping[str, str],
) -> pd.DataFrame:
    """The rows; the page is run at every touch of it, and the bootstrap takes a second."""
    maps = {map_id: found for (map_id, *_), found in zip(of, _found, strict=True)}
    starts = {map_id: places for map_id, _, places in of}
    return ratio_rows(ratios(maps, method, steps, starts), told, accuracies)


def ratio_rows(
    ratios: dict[str, list[VolumeRatio]], starts: str, accuracies: Mapping[str, str]
) -> pd.DataFrame:
    """A row a classifier, then one a classifier and label: all that their ratios depend on, and
    what stands beside them.
    """
    rows = pd.DataFrame(
        [
            {
                "classifier": network,
                "label": one.class_name or "all",
                "srvr": one.ratio,
                "low": one.low,
                "high": one.high,
                "method": " + ".join(one.methods),
                "T": one.steps,
                "starts": starts,
                "feasible": one.feasible,
                "maps": one.objects,
                "regions": one.regions,
                "paper's srvr": known.papers_srvr,
                "accuracy": known.accuracy,
            }
            for network, of_network in ratios.items()
            # Of a single label, which is the same as overall, only the latter.
            for one in (of_network if len(of_network) > 2 else of_network[:1])
            for known in [beside(network, accuracies)]
        ]
    )
    return rows.sort_values("label", key=lambda label: label != "all", kind="stable")


def _readable(rows: pd.DataFrame, *, average: bool) -> pd.DataFrame:
    table = []
    for row in rows.to_dict("records"):
        paper = row["paper's srvr"]
        srvr, low, high = (
            share_in_percent(row[name]).removesuffix(" %") for name in ("srvr", "low", "high")
        )
        table.append(
            {
                "Classifier": row["classifier"],
                "Label": row["label"],
                "SRVR, %": f"{srvr} [{low}, {high}]",
                "Method": "average of three" if average else METHOD_NAMES[row["method"]],
                "T": row["T"],
                "Starts": row["starts"],
                "Feasible": share_in_percent(row["feasible"]),
                "Maps": row["maps"],
                "Regions": row["regions"],
                "Paper's average, %": "–" if pd.isna(paper) else figures(100 * paper),
                "Accuracy": row["accuracy"] or "–",
            }
        )
    return pd.DataFrame(table)
