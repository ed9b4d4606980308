"""The Gallery view: the same source across classifiers and layers, with amplified differences."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import inf

import numpy as np
import pandas as pd
import streamlit as st

from app.access import current_home, database, visitor
from app.charts.gallery import CONDITION_ID, TRIAL_INDEX, gallery
from app.figures import figures
from app.runner.again import again
from app.runner.menu import read_menu
from app.runner.request import RequestError, SearchRequest
from app.runner.submit import ensure_worker, submit_search
from app.trial_words import label_name
from app.widgets.address import one_of, positive_number, whole_number
from app.widgets.drawn_figure import clicked_point
from app.widgets.figure_files import chart, files
from app.widgets.gallery_rows import SAID, gallery_columns, gallery_rows, in_order
from app.widgets.page_link import registered_page
from app.widgets.plain_text import plain
from app.widgets.results_choices import colours, file_name, for_whom
from app.widgets.results_data import SelectedResults, Selection
from app.widgets.results_pictures import label_names, trials_for_file
from app.widgets.scheme import current_scheme
from data.experiments import conditions
from data.results import result
from labelling.estimands import FOOLED_WHILE_PEOPLE_AGREE, RAW

#: Pictures of a page, and rows at least and at most.
CELLS, FEWEST_ROWS, MOST_ROWS = 32, 2, 8
ANY = "any"
GAINS = ("1", "2", "4", "8", "16")
_SAID = {ANY: "all", **SAID}
_ORDERS = {"trial": "trial", "small": "smallest first", "large": "largest first"}
#: In the session: the run that a click has started, or why it could not.
_RUN, _REFUSED = "gallery-run", "gallery-refused"


@dataclass(frozen=True)
class Wanted:
    """Which pictures fit: label and target (None: any), magnitudes, and what people said."""

    label: int | None
    target: int | None
    least: float
    most: float
    said: str

    def fits(self, trials: pd.DataFrame) -> np.ndarray:
        """Which rows of the trial table have such a picture."""
        magnitude = trials["magnitude"].to_numpy(float)
        fits = (trials["outcome"] == "found").to_numpy(bool)
        fits = fits & (magnitude >= self.least) & (magnitude <= self.most)
        for name in ("label", "target"):
            value = getattr(self, name)
            if value is not None:
                fits &= trials[name].to_numpy(float) == value
        if self.said != ANY:
            fits &= (trials["perturbed_judgement"] == self.said).to_numpy(bool)
        return fits

    def in_words(self, names: Sequence[str]) -> str:
        """For the chart: what is filtered, or nothing."""
        words = [] if self.label is None else [f"label {label_name(self.label, names)}"]
        if self.target is not None:
            words.append(f"target {label_name(self.target, names)}")
        if self.least > 0 or self.most < inf:
            to = "" if self.most == inf else f" to {figures(self.most)}"
            words.append(f"‖p‖ from {figures(self.least)}{to}")
        if self.said != ANY:
            words.append(f"people say: {_SAID[self.said]}")
        return f"Standing out: {', '.join(words)}." if words else ""


def gallery_view(selection: Selection, results: SelectedResults) -> None:
    """Rows of pictures, page by page; a click searches that one again in Explore."""
    _follow_click()
    trials, names = results.trials, label_names(selection)
    wanted, order, gain = _controls(trials, names)
    fits = wanted.fits(trials)
    indexes = in_order(trials, fits, order)
    if not len(indexes):
        st.info("No picture fits: widen the filters above." if len(trials) else "No trial yet.")
        return
    columns = gallery_columns(trials, selection.subsets)
    rows_a_page = min(max(CELLS // max(len(columns), 1), FEWEST_ROWS), MOST_ROWS)
    page, pages = _page(len(indexes), rows_a_page)
    shown, following = (
        indexes[first : first + rows_a_page]
        for first in ((page - 1) * rows_a_page, page * rows_a_page)
    )
    rows, cells = gallery_rows(database(), current_home(), trials, fits, shown, names, gain)
    if len(following):  # the next page's pictures, before it is turned to
        results.ahead(
            lambda: gallery_rows(database(), current_home(), trials, fits, following, names, gain)
        )
    people = FOOLED_WHILE_PEOPLE_AGREE if results.judged else RAW
    filtered = wanted.in_words(names)
    figure = gallery(
        rows,
        columns,
        cells,
        colours=colours(selection),
        title=f"The same sources across classifiers and layers, differences × {gain}"
        f" (page {page} of {pages})",
        subtitle=[*for_whom(selection, results, people), *([filtered] if filtered else [])],
        scheme=current_scheme(),
    )
    name = file_name(selection, "gallery")
    chart(figure, name, on_select=lambda: _clicked(name, selection))
    marks = " ✓ people still see the label, ✗ they do not." if results.judged else ""
    reduced = " Pictures of more than 140 pixels a side are reduced here."
    st.caption(
        f"{len(indexes)} of {trials['trial_index'].nunique()} trials have a picture that fits;"
        " others of the same source are faint. Under each picture its difference from the source,"
        f" grey where unchanged, and ‖p‖.{marks} Click a picture to search it again in"
        " Explore. This shows single trials: it does not show how often anything happens."
        f"{reduced}"
    )
    fitting = trials_for_file(trials[fits])
    files({"Pictures that fit": (name, fitting)}, selection.stamp, figure)


def _controls(trials: pd.DataFrame, names: Sequence[str]) -> tuple[Wanted, str, int]:
    with st.container(horizontal=True, vertical_alignment="bottom", key="gallery-filters"):
        label = _label("Label", "glabel", trials["label"], names)
        target = _label("Target", "gtarget", trials["target"].dropna(), names)
        least = st.number_input("‖p‖ from", 0.0, None, None, width=110, **positive_number("from"))
        most = st.number_input("to", 0.0, None, None, width=110, **positive_number("to"))
        said = st.selectbox(
            "People say",
            list(_SAID),
            format_func=_SAID.get,
            width=190,
            **one_of("said", list(_SAID)),
        )
        order = st.selectbox(
            "Order",
            list(_ORDERS),
            format_func=_ORDERS.get,
            width=150,
            **one_of("order", list(_ORDERS)),
        )
        gain = st.selectbox(
            "Difference ×", GAINS, width=110, **one_of("gain", list(GAINS), default="4")
        )
    wanted = Wanted(label, target, least or 0.0, most if most is not None else inf, said)
    return wanted, order, int(gain)


def _label(title: str, key: str, values: pd.Series, names: Sequence[str]) -> int | None:
    """One of the labels that occur; None for any."""
    options = [ANY, *(str(int(one)) for one in np.unique(values.to_numpy()))]
    chosen = st.selectbox(
        title,
        options,
        format_func=lambda one: ANY if one == ANY else label_name(int(one), names),
        width=170,
        **one_of(key, options),
    )
    return None if chosen == ANY else int(chosen)


def _page(trials: int, rows: int) -> tuple[int, int]:
    """The page in the address, and how many there are."""
    pages = -(-trials // rows)
    with st.container(horizontal=True, vertical_alignment="bottom", key="gallery-pages"):
        page = int(
            st.number_input(
                f"Page, of {pages}", 1, pages, width=130, **whole_number("page", 1, pages, least=1)
            )
        )
        for title, to in (("Previous", page - 1), ("Next", page + 1)):
            st.button(title, disabled=not 1 <= to <= pages, on_click=_turn, args=(to,))
    return page, pages


def _turn(page: int) -> None:
    st.query_params["page"] = str(page)


def _clicked(name: str, selection: Selection) -> None:
    """Start the search of the clicked picture again, where it can be watched."""
    customdata = clicked_point(name)["customdata"]
    if not customdata:
        return
    condition_id, trial_index = int(customdata[CONDITION_ID]), int(customdata[TRIAL_INDEX])
    try:
        ensure_worker(current_home())
        request = _search_request(selection, condition_id, trial_index)
        st.session_state[_RUN] = submit_search(database(), current_home(), request)
    except RequestError as error:
        st.session_state[_REFUSED] = str(error)


def _search_request(selection: Selection, condition_id: int, trial_index: int) -> SearchRequest:
    """What Explore is asked, for the search of one trial. Raises RequestError."""
    experiment = selection.experiment
    menu = read_menu(current_home())
    [cell] = [one for one in conditions(database(), experiment.id) if one.id == condition_id]
    stored = result(database(), condition_id, trial_index)
    if stored is None:
        raise RequestError("This trial is no longer there: load the page again.")
    return again(menu, experiment, cell, stored, owner=visitor().name)


def _follow_click() -> None:
    refused = st.session_state.pop(_REFUSED, None)
    if refused:
        st.error(plain(refused))
    run = st.session_state.pop(_RUN, None)
    if run is not None:
        st.switch_page(registered_page("explore"), query_params={"run": run})
