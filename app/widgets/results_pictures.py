"""The pictures behind a point of a curve: what fooled up to that magnitude, the nearest first."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import pandas as pd
import streamlit as st

from app.access import current_home, database
from app.figures import figures
from app.runner.menu import read_menu
from app.trial_words import distances_in_words, label_name
from app.widgets.results_data import SelectedResults, Selection
from data.counted import counted
from data.images import decode, image_file
from labelling.distances import pixel_distances
from labelling.estimands import Estimand

#: In the address: the magnitude that was clicked, and the condition of the curve.
UP_TO, CELL = "upto", "cell"
PAIRS, A_ROW = 12, 4
#: Pictures of fewer pixels than they get on the page show each of them as a square.
_SMALL = 100
_SHARP = """
<style>
[class*="st-key-small-picture"] img { image-rendering: pixelated; }
</style>
"""
_SAID = {
    "agree": "people: still the label",
    "disagree": "people: no longer the label",
    "missing": "not judged",
}


def pictures_behind(selection: Selection, results: SelectedResults, estimand: Estimand) -> None:
    """Show the pictures that the address names; nothing where it names none."""
    chosen = _chosen(results.trials)
    if chosen is None:
        st.caption("Click on a curve to see the pictures behind that magnitude.")
        return
    magnitude, cell = chosen
    fooled = fooled_up_to(cell, magnitude, estimand)
    first = cell.iloc[0]
    st.html(_SHARP)
    with st.container(border=True, key="pictures-behind"):
        with st.container(horizontal=True, vertical_alignment="center"):
            st.subheader(
                f"{first['classifier']}, layers {first['subset']}: fooled up to"
                f" {figures(magnitude)}",
                anchor=False,
            )
            st.button("Close", icon=":material/close:", on_click=_close)
        if fooled.empty:
            st.write("Nothing was fooled up to this magnitude.")
            return
        shown = fooled.head(PAIRS)
        how_many = counted(len(fooled), "trial")
        rest = f"; the {len(shown)} nearest below it" if len(fooled) > len(shown) else ""
        st.caption(f"{how_many} count as “{estimand.name.lower()}” up to here{rest}.")
        names = label_names(selection)
        shown = shown.join(pixel_distances(database(), shown))
        for start in range(0, len(shown), A_ROW):
            row = shown.iloc[start : start + A_ROW].to_dict("records")
            for column, trial in zip(st.columns(A_ROW), row, strict=False):
                with column:
                    _pair(trial, names)


def fooled_up_to(cell: pd.DataFrame, magnitude: float, estimand: Estimand) -> pd.DataFrame:
    """One condition's trials that count as fooled up to a magnitude, the largest of them first."""
    trials = cell[cell["outcome"] == "found"]
    if estimand.needs_source_judgements:
        trials = trials[trials["source_judgement"] == "agree"]
    if estimand.needs_perturbed_judgements:
        trials = trials[trials["perturbed_judgement"] == "agree"]
    # A point of a curve is handed over with six digits.
    trials = trials[trials["magnitude"] <= magnitude * (1 + 1e-5)]
    return trials.sort_values("magnitude", ascending=False, kind="stable")


def _chosen(trials: pd.DataFrame) -> tuple[float, pd.DataFrame] | None:
    """The magnitude in the address and the trials of its condition, where both make sense."""
    try:
        magnitude, condition = float(st.query_params[UP_TO]), int(st.query_params[CELL])
    except (KeyError, ValueError):
        return None
    cell = trials[trials["condition_id"] == condition]
    return None if cell.empty else (magnitude, cell)


def _close() -> None:
    st.query_params.pop(UP_TO, None)
    st.query_params.pop(CELL, None)


def label_names(selection: Selection) -> Sequence[str]:
    """The names of the labels, where a worker has said them."""
    menu = read_menu(current_home())
    generator = menu.generators.get(selection.experiment.generator) if menu else None
    return generator.labels if generator else ()


def _pair(trial: dict[str, Any], names: Sequence[str]) -> None:
    left, right = st.columns(2, gap="small")
    for place, side in ((left, "source"), (right, "perturbed")):
        with place:
            _picture(trial[f"{side}_stimulus"], f"{side}-{trial['trial_index']}")
    said = _SAID[trial["perturbed_judgement"]]
    target = "" if pd.isna(trial["target"]) else f" → {label_name(int(trial['target']), names)}"
    st.caption(
        f"‖p‖ {figures(trial['magnitude'])}{distances_in_words(trial)} ·"
        f" {label_name(trial['label'], names)}{target} · {said} · trial {trial['trial_index']}"
    )


def trials_for_file(trials: pd.DataFrame) -> Callable[[], pd.DataFrame]:
    """The rows as they are downloaded, with the distances between the two pictures of each."""

    def rows() -> pd.DataFrame:
        at = trials.columns.get_loc("magnitude") + 1
        distances = pixel_distances(database(), trials)
        parts = [trials.iloc[:, :at], distances, trials.iloc[:, at:]]
        return pd.concat(parts, axis="columns").drop(columns="experiment_id")

    return rows


def _picture(sha256: str, key: str) -> None:
    file = image_file(current_home(), sha256)
    if file.is_file():
        content = file.read_bytes()
        small = decode(content).shape[1] < _SMALL
        with st.container(key=f"{'small-' if small else ''}picture-{key}"):
            st.image(content, output_format="PNG", width="stretch")
    else:
        st.caption("The picture is not here: restore it from a backup.")
