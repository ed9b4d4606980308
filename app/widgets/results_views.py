"""The three views of the Results page: curves, table of means, funnel; each with its files."""

from __future__ import annotations

from typing import Any

import pandas as pd
import streamlit as st
from pandas.io.formats.style import Styler

from app.charts.funnel import funnel_bars
from app.charts.success import success_curves
from app.charts.theme import chart_menu, classifier_colours
from app.widgets.address import one_of, positive_number, some_of
from app.widgets.banner import synthetic
from app.widgets.results_data import SelectedResults, Selection
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
from labelling.means import PLAIN_MEAN, RESTRICTED_MEAN

_SHOWS = {
    RAW.key: "what this search found, whatever the pictures look like to people",
    SOURCE_JUDGED.key: "how readily the classifier is fooled, starting from pictures that people"
    " recognise",
    FOOLED_WHILE_PEOPLE_AGREE.key: "how readily the classifier is fooled by pictures that people"
    " still recognise",
    AS_PUBLISHED.key: "the curve as Dunn et al. (2020) drew it, with the pictures that people no"
    " longer recognise removed from numerator and denominator",
}
_DOES_NOT = (
    "A magnitude here is one that suffices for this search on this schedule: not the smallest that"
    " could, and not comparable with another search's."
)

_WAITING = (
    f"A trial that waits for a judgement counts in part, as the {NEIGHBOURS} judged ones of its"
    " condition nearest in magnitude were judged; the hatched range holds whatever people will say."
)


def curves_view(selection: Selection, results: SelectedResults) -> None:
    """The magnitude–success curves under the estimand of one's choice."""
    with st.container(horizontal=True, vertical_alignment="bottom"):
        focus = _estimand(results.judged)
        companions, logarithmic = _drawing(focus, results.judged)
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
    together = pd.concat([frame, *(results.curves(key) for key in companions)])
    figure = success_curves(
        together,
        focus=focus.key,
        colours=_colours(selection),
        subsets=selection.subsets,
        title=f"Proportion fooled against perturbation magnitude: {focus.name.lower()}",
        subtitle=_for_whom(selection, results, focus),
        logarithmic=logarithmic,
        scheme=current_scheme(),
    )
    name = f"plainview-{selection.experiment.id}-{focus.key}"
    st.plotly_chart(figure, theme=None, config=chart_menu(name))
    waiting = f" {_WAITING}" if frame["missing"].any() else ""
    st.caption(f"This shows {_SHOWS[focus.key]}. {_DOES_NOT}{waiting}")
    with st.container(horizontal=True, vertical_alignment="center"):
        _csv("Curves as CSV", together, selection, f"{name}-curves")
        _csv("Trials as CSV", results.trials, selection, f"{name}-trials")
        st.caption("PNG: the camera in the chart's menu.")


def means_view(selection: Selection, results: SelectedResults) -> None:
    """Table 1: restricted means with intervals, and the paper's plain mean beside them."""
    if results.limit is None:
        st.info("No trial of these conditions was fooled yet, so there is no magnitude to average.")
        return
    with st.container(horizontal=True, vertical_alignment="bottom"):
        focus = _estimand(results.judged)
        limit = _limit(results.limit)
    st.caption(f"**{focus.name}.** {focus.definition}")
    table = results.means(focus.key, limit).sort_values(
        ["subset", "classifier"], key=lambda names: names.map(_order(selection)), kind="stable"
    )
    st.dataframe(
        _readable(table, focus, limit),
        hide_index=True,
        height="content",
    )
    if table["restricted_mean"].isna().any():
        st.caption(
            "Empty cells: nothing judged yet, or the condition was not tested as far as M_max."
        )
    st.caption(f"{RESTRICTED_MEAN} 95 % intervals by bootstrap over sources.  \n{PLAIN_MEAN}")
    _csv("Table as CSV", table, selection, f"plainview-{selection.experiment.id}-{focus.key}-means")


def funnel_view(selection: Selection, results: SelectedResults) -> None:
    """From the trials of each condition to those that a curve counts."""
    limit = _limit(results.limit) if results.limit is not None else None
    frame = results.funnel(limit)
    if frame.empty:
        st.info("No trial of these conditions has a result yet.")
        return
    end = f"counted: fooled up to M_max = {limit:.3g}" if limit is not None else "nothing fooled"
    by_people = FOOLED_WHILE_PEOPLE_AGREE if results.judged else RAW
    figure = funnel_bars(
        frame,
        colours=_colours(selection),
        subsets=selection.subsets,
        title=f"From trials to those counted ({end})",
        subtitle=_for_whom(selection, results, by_people),
        scheme=current_scheme(),
    )
    name = f"plainview-{selection.experiment.id}-funnel"
    st.plotly_chart(figure, theme=None, config=chart_menu(name))
    st.caption(
        "This shows at which stage trials drop out, hover for the reason. It does not show why"
        " people disagreed, nor how large the perturbations were."
    )
    _csv("Funnel as CSV", frame, selection, name)


def _estimand(judged: bool) -> Estimand:
    """The control of the estimand; without judgements only the raw curve is to be had."""
    shared = {"label": "Estimand", "options": list(ESTIMANDS), "required": True}
    shared["format_func"] = lambda key: ESTIMANDS[key].name
    if not judged:
        st.segmented_control(**shared, default=RAW.key, disabled=True, key="only-raw")
        return RAW
    key = st.segmented_control(
        **shared,
        **one_of("estimand", list(ESTIMANDS)),
    )
    return ESTIMANDS[key]


def _drawing(focus: Estimand, judged: bool) -> tuple[list[str], bool]:
    """Which other curves are drawn beside the chosen one, and the magnitude's axis."""
    with st.popover("Chart", icon=":material/tune:"):
        beside: list[str] = []
        if judged:
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
    return [key for key in beside if key != focus.key], axis == "log"


def _limit(default: float) -> float:
    return (
        st.number_input(
            "M_max, the common limit",
            min_value=0.0,
            value=None,
            placeholder=f"{default:.4g}: as far as all were tested",
            width=280,
            help="Trials never fooled, or fooled beyond it, count as M_max. By default as far as"
            " every condition was tested and any trial fooled.",
            **positive_number("limit"),
        )
        or default
    )


def _readable(table: pd.DataFrame, focus: Estimand, limit: float) -> Styler:
    """The table as people read it, in three significant digits; it sorts by the numbers."""
    restricted, plain = f"Restricted mean to {limit:.3g}", "Plain mean, found and kept"
    fooled, removed = f"Fooled by {limit:.3g}", "Fooled, no longer y"
    columns = {
        "Classifier": table["classifier"],
        "Layers": table["subset"],
        restricted: table["restricted_mean"],
        "95 % interval": [_interval(row) for row in table.itertuples()],
        "n": table["n"],
        fooled: 100 * table["fooled_share"],
        plain: table["plain_mean"],
        "n of plain mean": table["n_plain"],
    }
    if focus is not RAW:
        columns |= {removed: 100 * table["removed_share"], "Not judged": table["missing"]}
    formats = {restricted: _digits, plain: _digits, fooled: _percent, removed: _percent}
    frame = pd.DataFrame(columns)
    return frame.style.format({key: formats[key] for key in formats if key in frame}, na_rep="")


def _interval(row: Any) -> str:
    if pd.isna(row.restricted_mean):
        return ""
    return "too few" if pd.isna(row.low) else f"[{_digits(row.low)}, {_digits(row.high)}]"


def _digits(value: float) -> str:
    """Three significant digits, zeros at the end kept: "3.30"."""
    return f"{value:#.3g}".rstrip(".")


def _percent(value: float) -> str:
    return f"{_digits(value)} %"


def _order(selection: Selection) -> dict[str, int]:
    """Rows by layers, then by classifier: magnitudes compare within one choice of layers."""
    return {name: place for place, name in enumerate(selection.subsets + selection.classifiers)}


def _for_whom(selection: Selection, results: SelectedResults, focus: Estimand) -> list[str]:
    """The lines under a chart's title: which trials, and by whose judgement."""
    experiment = selection.experiment
    counts = results.trials.groupby("condition_id").size()
    finished = f"{counts.min()} to {counts.max()}" if counts.nunique() > 1 else f"{counts.max()}"
    trials = f"{finished} trials a condition"
    if counts.min() < experiment.trials:
        trials += f" so far, of {experiment.trials}"
    targeted = "targeted" if experiment.definition.get("targeted", True) else "untargeted"
    lines = [
        f"{experiment.generator}, {targeted} · {selection.search} search, {selection.schedule}"
        f" schedule, up to {_steps(selection)} · {trials} · experiment {experiment.id}"
    ]
    if focus is RAW:
        lines.append("No judgement is used.")
        return lines
    made_up = " <b>SYNTHETIC JUDGEMENTS</b>" if synthetic() else ""
    lines.append(f"A picture shows its label by {selection.rule.in_words()}.{made_up}")
    return lines


def _steps(selection: Selection) -> str:
    return f"{' or '.join(str(budget) for budget in selection.budgets)} steps"


def _colours(selection: Selection) -> dict[str, str]:
    return classifier_colours(selection.classifiers)


def _csv(label: str, frame: pd.DataFrame, selection: Selection, name: str) -> None:
    """A download that carries its experiment and judging rule in every row."""
    marked = frame.assign(
        experiment=selection.experiment.name,
        judging_rule=selection.rule.in_words(),
        synthetic_judgements=synthetic(),
    )
    st.download_button(
        label,
        marked.to_csv(index=False).encode(),
        f"{name}.csv",
        "text/csv",
        icon=":material/download:",
        on_click="ignore",
        key=f"download-{name}",
    )
