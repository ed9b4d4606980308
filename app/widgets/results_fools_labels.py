"""Labels: which are turned into which, and by how much."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
import streamlit as st

from app.charts.label_targets import label_target_map
from app.fools_words import counted_in_words, labels_caption
from app.trial_words import label_name
from app.widgets.address import one_of
from app.widgets.figure_files import chart, files
from app.widgets.results_choices import file_name, for_whom
from app.widgets.results_data import SelectedResults, Selection
from app.widgets.results_fools_counted import by_people, chosen_counted
from app.widgets.results_pictures import label_names
from app.widgets.scheme import current_scheme
from labelling.label_targets import EVERY, label_targets, most_met

ALL = "all"


def labels_part(selection: Selection, results: SelectedResults) -> None:
    """A heat map of medians, for one classifier and layer subset or over all of them."""
    trials = results.trials
    with st.container(horizontal=True, vertical_alignment="bottom"):
        classifier = _one("Classifier", "of", selection.classifiers)
        subset = _one("Layers", "at", selection.subsets)
        counted = chosen_counted(results)
    if classifier != ALL:
        trials = trials[(trials["classifier"] == classifier).to_numpy()]
    if subset != ALL:
        trials = trials[(trials["subset"] == subset).to_numpy()]
    if trials["target"].isna().all():
        st.info("These searches had no target: any other label would do, so there is no map.")
        return
    cells = label_targets(trials, counted)
    if cells.empty:
        st.info("No trial of these conditions has ended that counts under this rule.")
        return
    names = label_names(selection)
    labels, targets = (most_met(cells, side) for side in ("label", "target"))
    shown = cells[cells["label"].isin([*labels, EVERY]) & cells["target"].isin([*targets, EVERY])]
    over = f"{_words(classifier, 'classifiers')}, {_words(subset, 'layer subsets')}"
    figure = label_target_map(
        shown,
        labels=labels,
        targets=targets,
        name_of=lambda label: label_name(label, names),
        title=f"Median magnitude that turns a label into a target: {over}"
        f"{counted_in_words(counted)}",
        subtitle=for_whom(selection, results, by_people(counted)),
        scheme=current_scheme(),
    )
    name = file_name(selection, "labels")
    chart(figure, name)
    pooled = ALL in (classifier, subset)
    st.caption(labels_caption(cells, len(labels), pooled=pooled))
    files({"Labels": (name, _named(cells, names))}, selection.stamp, figure)


def _one(title: str, key: str, values: tuple[str, ...]) -> str:
    if len(values) == 1:
        return values[0]
    options = [ALL, *values]
    return st.selectbox(title, options, width=200, **one_of(key, options))


def _words(chosen: str, several: str) -> str:
    return f"all {several}" if chosen == ALL else chosen


def _named(cells: pd.DataFrame, names: Sequence[str]) -> pd.DataFrame:
    """For the file: names beside numbers, and ∞ as a column of its own."""

    def name(label: int) -> str:
        return "all" if label == EVERY else label_name(label, names)

    return cells.assign(
        label_name=cells["label"].map(name),
        target_name=cells["target"].map(name),
        median=cells["median"].replace([np.inf], np.nan),
        median_not_reached=np.isinf(cells["median"]),
    )
