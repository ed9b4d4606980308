"""The Funnel view: from the trials of each condition to those that a curve counts."""

from __future__ import annotations

from dataclasses import replace

import streamlit as st

from app.charts.funnel import funnel_bars
from app.widgets.figure_files import chart, files
from app.widgets.results_choices import chosen_limit, colours, file_name, for_whom
from app.widgets.results_data import SelectedResults, Selection
from app.widgets.scheme import current_scheme
from labelling.estimands import FOOLED_WHILE_PEOPLE_AGREE, RAW


def funnel_view(selection: Selection, results: SelectedResults) -> None:
    """Bars by stage, and why trials drop out."""
    if selection.common:  # a funnel begins with all trials
        selection = replace(selection, common=False)
        results = SelectedResults(selection)
    limit = chosen_limit(results.limit) if results.limit is not None else None
    frame = results.funnel(limit)
    if frame.empty:
        st.info("No trial of these conditions has a result yet.")
        return
    end = f"counted: fooled up to M_max = {limit:.3g}" if limit is not None else "nothing fooled"
    by_people = FOOLED_WHILE_PEOPLE_AGREE if results.judged else RAW
    figure = funnel_bars(
        frame,
        colours=colours(selection),
        subsets=selection.subsets,
        title=f"From trials to those counted ({end})",
        subtitle=for_whom(selection, results, by_people),
        scheme=current_scheme(),
    )
    name = file_name(selection, "funnel")
    chart(figure, name)
    st.caption(
        "This shows at which stage trials drop out, hover for the reason. It does not show why"
        " people disagreed, nor how large the perturbations were."
    )
    files({"Funnel": (name, frame)}, selection.stamp, figure)
