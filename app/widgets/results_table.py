"""The Table view: Table 1 of Dunn et al. (2020), with a common limit and intervals."""

from __future__ import annotations

import pandas as pd
import streamlit as st
from pandas.io.formats.style import Styler

from app.charts.means import restricted_means
from app.figures import figures
from app.results_files import (
    DISTANCE_HEADINGS,
    interval,
    latex_file,
    markdown_file,
    percent,
    table_1,
)
from app.widgets.download import download
from app.widgets.figure_files import chart, files
from app.widgets.plain_text import plain
from app.widgets.results_choices import (
    chosen_estimand,
    chosen_limit,
    colours,
    file_name,
    for_whom,
)
from app.widgets.results_data import SelectedResults, Selection, under_other_rules
from app.widgets.results_style import printed_table
from app.widgets.scheme import current_scheme
from labelling.distances import MEAN_DISTANCES, MEANS
from labelling.estimands import RAW, Estimand
from labelling.means import MEDIAN, PLAIN_MEAN, RESTRICTED_MEAN


def table_view(selection: Selection, results: SelectedResults) -> None:
    """Restricted means and medians with intervals, and the paper's plain mean beside them."""
    if results.limit is None:
        st.info("No trial of these conditions was fooled yet, so there is no magnitude to average.")
        return
    with st.container(horizontal=True, vertical_alignment="bottom"):
        focus = chosen_estimand(results.judged)
        limit = chosen_limit(results.limit)
    st.caption(f"**{focus.name}.** {focus.definition}")
    table = results.means(focus.key, limit).sort_values(
        ["subset", "classifier"], key=lambda names: names.map(_order(selection)), kind="stable"
    )
    rows = table_1(table, focus, limit)
    st.dataframe(_sortable(table, focus, limit), hide_index=True, height="content")
    printed_table(rows.to_html(index=False, border=0))
    st.caption("  \n".join(plain(line) for line in for_whom(selection, results, focus, html=False)))
    if table["restricted_mean"].isna().any():
        st.caption(
            "Empty cells: nothing judged yet, or the condition was not tested as far as M_max."
        )
    st.caption(
        f"{RESTRICTED_MEAN} {MEDIAN} 95 % intervals by bootstrap over sources.  \n{PLAIN_MEAN}"
        f"  \n{MEAN_DISTANCES}"
    )
    name = file_name(selection, focus.key, "means")
    figure = restricted_means(
        table,
        colours=colours(selection),
        limit=limit,
        title=f"Restricted means of the magnitude to M_max = {figures(limit)}:"
        f" {focus.name.lower()}",
        subtitle=for_whom(selection, results, focus),
        scheme=current_scheme(),
    )
    chart(figure, name)
    stamp = selection.held_to_plan(focus.key, limit)
    st.caption(plain(stamp.analysis_plan))
    caption = f"{focus.name}. {RESTRICTED_MEAN} {stamp.in_words()}"
    with files({"Table": (name, table)}, stamp, figure):
        download(
            "Table as LaTeX", lambda: latex_file(rows, caption), f"{name}.tex", "application/x-tex"
        )
        download(
            "Table as Markdown", lambda: markdown_file(rows, caption), f"{name}.md", "text/markdown"
        )
    for other in under_other_rules(selection):
        results.ahead(lambda other=other: SelectedResults(other).means(focus.key, limit))


def _sortable(table: pd.DataFrame, focus: Estimand, limit: float) -> Styler:
    """The table as people read it, in three significant digits; it sorts by the numbers."""
    restricted, plain = f"Restricted mean to {figures(limit)}", "Plain mean"
    fooled, removed = f"Fooled by {figures(limit)}", "Excluded by people"
    columns = {
        "Classifier": table["classifier"],
        "Layers": table["subset"],
        restricted: table["restricted_mean"],
        "95 %": _intervals(table, "restricted_mean", "low", "high"),
        "Median": table["median"],
        "95 % of median": _intervals(table, "median", "median_low", "median_high"),
        "n": table["n"],
        fooled: table["fooled_share"],
        plain: table["plain_mean"],
        "n kept": table["n_plain"],
        **{title: table[name] for title, name in zip(DISTANCE_HEADINGS, MEANS, strict=True)},
    }
    if focus is not RAW:
        columns[removed] = table["removed_share"]
    if table["missing"].any():
        columns["Not judged"] = table["missing"]
    formats = {
        restricted: figures,
        "Median": lambda value: "not reached" if value == float("inf") else figures(value),
        plain: figures,
        fooled: percent,
        removed: percent,
        **dict.fromkeys(DISTANCE_HEADINGS, figures),
    }
    frame = pd.DataFrame(columns)
    return frame.style.format({key: formats[key] for key in formats if key in frame}, na_rep="")


def _intervals(table: pd.DataFrame, value: str, low: str, high: str) -> list[str]:
    """The brackets alone, for a column beside the number that one sorts by."""
    return [
        text[text.index("[") :] if "[" in text else ""
        for text in map(interval, table[value], table[low], table[high])
    ]


def _order(selection: Selection) -> dict[str, int]:
    """Rows by layers, then by classifier: magnitudes compare within one choice of layers."""
    return {name: place for place, name in enumerate(selection.subsets + selection.classifiers)}
