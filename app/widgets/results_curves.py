"""The Curves view: magnitude against success, and the pictures behind a click."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from functools import partial

import pandas as pd
import streamlit as st

from app.charts.curve_traces import CONDITION_ID
from app.charts.success import PanelOf, risk_magnitudes, success_curves
from app.widgets.address import one_of, some_of
from app.widgets.drawn_figure import clicked_point
from app.widgets.figure_files import chart, files
from app.widgets.plain_text import plain
from app.widgets.results_choices import chosen_estimand, colours, file_name, for_whom
from app.widgets.results_data import SelectedResults, Selection, under_other_rules
from app.widgets.results_pictures import CELL, UP_TO, pictures_behind, trials_for_file
from app.widgets.scheme import current_scheme
from labelling.estimands import (
    AS_PUBLISHED,
    ESTIMANDS,
    FOOLED_WHILE_PEOPLE_AGREE,
    RAW,
    SOURCE_JUDGED,
    Estimand,
)
from labelling.event_weights import NEIGHBOURS

_SHOWS = {
    RAW.key: "what this search found, whatever the pictures look like to people",
    SOURCE_JUDGED.key: "how readily the classifier is fooled, starting from pictures that people"
    " recognise",
    FOOLED_WHILE_PEOPLE_AGREE.key: "how readily the classifier is fooled by pictures that people"
    " still recognise",
    AS_PUBLISHED.key: "the curve as Dunn et al. (2020) drew it, with the pictures that people no"
    " longer recognise removed from numerator and denominator",
}
#: One chart for all estimands: a change of it is drawn into what stands there.
_CHART = "curves-chart"
_DOES_NOT = (
    "A magnitude here is one that suffices for this search on this schedule: not the smallest that"
    " could, and not comparable with another search's."
)
_WAITING = (
    f"A trial that waits for a judgement counts in part, as the {NEIGHBOURS} judged ones of its"
    " condition nearest in magnitude were judged; the hatched range holds whatever people will say."
)
_PANELS = {"subset": "a layer subset", "classifier": "a classifier"}


def curves_view(selection: Selection, results: SelectedResults) -> None:
    """The magnitude–success curves under the estimand of one's choice."""
    with st.container(horizontal=True, vertical_alignment="bottom"):
        focus = chosen_estimand(results.judged)
        panels, companions, logarithmic = _drawing(focus, results.judged)
    st.caption(f"**{focus.name}.** {focus.definition}")
    frame = results.curves(focus.key)
    if frame.empty and focus is not RAW:
        st.info(
            f"Not enough is judged for “{focus.name.lower()}” under this rule: no picture of these"
            " conditions that fools has a judgement. The curve below is raw."
        )
        focus, companions, frame = RAW, [], results.curves(RAW.key)
    if frame.empty:
        st.info("No trial of these conditions has a result that enters a curve yet.")
        return
    together = pd.concat([frame, *(results.curves(key, bands=False) for key in companions)])
    figure = success_curves(
        together,
        focus=focus.key,
        colours=colours(selection),
        panels=panels,
        subsets=selection.subsets,
        risk=results.at_risk(focus.key, risk_magnitudes(together, logarithmic)),
        title=f"Proportion fooled against perturbation magnitude: {focus.name.lower()}",
        # A raw curve uses no judgement, but one beside it may.
        subtitle=for_whom(selection, results, _by_people(focus, companions)),
        logarithmic=logarithmic,
        scheme=current_scheme(),
    )
    name = file_name(selection, focus.key)
    chart(figure, name, _clicked, key=_CHART)
    waiting = f" {_WAITING}" if frame["missing"].any() else ""
    st.caption(f"This shows {_SHOWS[focus.key]}. {_DOES_NOT}{waiting}")
    stamp = selection.held_to_plan(focus.key)
    st.caption(plain(stamp.analysis_plan))
    files(
        {
            "Curves": (name, together),
            "Trials": (f"{name}-trials", trials_for_file(results.trials)),
        },
        stamp,
        figure,
        key=_CHART,
    )
    pictures_behind(selection, results, focus)
    results.ahead(*likely_curves(selection, {focus.key: True} | dict.fromkeys(companions, False)))


def likely_curves(selection: Selection, drawn: Mapping[str, bool]) -> Iterator[Callable[[], None]]:
    """What computes the curves that one press may ask for: under another rule, of the common set,
    and by another estimand. `drawn`: the keys of those in view, and whether they have bands.
    """
    for other in (*under_other_rules(selection), replace(selection, common=True)):
        yield partial(_compute, other, drawn)
    for key in ESTIMANDS:
        yield partial(_compute, selection, {key: True})


def _compute(selection: Selection, drawn: Mapping[str, bool]) -> None:
    results = SelectedResults(selection)
    if not results.trials.empty:
        for key, bands in drawn.items():
            results.curves(key, bands=bands)


def _drawing(focus: Estimand, judged: bool) -> tuple[PanelOf, list[str], bool]:
    """What a panel is, which other curves are drawn beside the chosen one, and the axis."""
    with st.popover("Chart", icon=":material/tune:"):
        panels = st.segmented_control(
            "One panel",
            list(_PANELS),
            format_func=_PANELS.get,
            required=True,
            **one_of("panels", list(_PANELS)),
        )
        beside: list[str] = []
        if judged and panels == "subset":
            beside = st.pills(
                "Also draw, without band",
                list(ESTIMANDS),
                format_func=lambda key: ESTIMANDS[key].name,
                selection_mode="multi",
                **some_of("beside", list(ESTIMANDS), default=[SOURCE_JUDGED.key]),
            )
        axis = st.segmented_control(
            "Magnitude axis",
            ["linear", "log"],
            required=True,
            **one_of("axis", ["linear", "log"]),
        )
    return panels, [key for key in beside if key != focus.key], axis == "log"


def _by_people(focus: Estimand, companions: list[str]) -> Estimand:
    """One of the estimands drawn that uses judgements, if there is one."""
    drawn = [focus, *(ESTIMANDS[key] for key in companions)]
    return next((one for one in drawn if one is not RAW), RAW)


def _clicked() -> None:
    """Put the magnitude and the condition of a click into the address."""
    point = clicked_point(_CHART)
    if point["customdata"]:
        st.query_params[UP_TO] = f"{point['x']:.6g}"
        st.query_params[CELL] = str(int(point["customdata"][CONDITION_ID]))
