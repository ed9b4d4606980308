"""Results: how much must a picture's meaning shift before a classifier is fooled?"""

from __future__ import annotations

import streamlit as st

from app.access import database, visitor
from app.widgets.address import one_of
from app.widgets.drawn_figure import fetch_script
from app.widgets.page_link import page_link
from app.widgets.plain_text import plain
from app.widgets.results_compare import compare_view
from app.widgets.results_curves import curves_view
from app.widgets.results_data import SelectedResults, Selection
from app.widgets.results_filters import filters
from app.widgets.results_fools import fools_view
from app.widgets.results_funnel import funnel_view
from app.widgets.results_gallery import gallery_view
from app.widgets.results_states import nothing_yet, progress
from app.widgets.results_style import style
from app.widgets.results_table import table_view
from data.counted import counted
from data.experiments import experiments
from labelling.eligibility import ELIGIBILITY

VIEWS = {
    "Curves": curves_view,
    "Table": table_view,
    "Compare": compare_view,
    "Funnel": funnel_view,
    "Gallery": gallery_view,
    "What fools what": fools_view,
}


def render() -> None:
    """The page: filters, the rule in words, and the views of what they leave."""
    style()
    fetch_script()
    st.title("Results")
    st.write(
        "By how much must the meaning of a picture shift before a classifier is fooled, while"
        " people still call it by the same name?"
    )
    owner = visitor().name
    stored = experiments(database(), kind="experiment")
    if not stored:
        nothing_yet(owner)
        return
    selection = filters(stored)
    progress(selection.experiment, owner)
    results = SelectedResults(selection)
    if results.trials.empty:
        st.info("The first trials are still searching: curves appear as soon as they end.")
        return
    _rule(selection, results)
    _failures(results)
    tabs = st.tabs(list(VIEWS), **one_of("view", list(VIEWS)))
    for tab, view in zip(tabs, VIEWS.values(), strict=True):
        if tab.open:
            with tab:
                view(selection, results)
    results.prepare()


def _rule(selection: Selection, results: SelectedResults) -> None:
    """The active rule in words and how far the judging is, or that there is none."""
    if results.judged:
        st.caption(
            f"{ELIGIBILITY} People say so by {plain(selection.rule.in_words())}."
            f" {results.judged_so_far}"
        )
        return
    with st.container(border=True, horizontal=True, vertical_alignment="center"):
        st.write(
            "**No judgements yet: the curve is raw.** Whether people still call these pictures by"
            " their label is not known until somebody judges them, blind, in a study."
        )
        page_link("studies", "Set up a study", ":material/arrow_forward:")


def _failures(results: SelectedResults) -> None:
    failed = int((results.trials["outcome"] == "failed").sum())
    if failed:
        st.warning(
            f"{counted(failed, 'trial')} failed and count nowhere;"
            " the Experiments page has the reasons."
        )
