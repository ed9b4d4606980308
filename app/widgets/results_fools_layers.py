"""Layers: where in the generator the perturbations that fool are."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

import pandas as pd
import streamlit as st

from app.access import current_home, database
from app.charts.layers import magnitude_by_layer
from app.fools_words import counted_in_words, layers_caption
from app.runner.menu import read_menu
from app.widgets.figure_files import chart, files
from app.widgets.results_choices import colours, file_name, for_whom
from app.widgets.results_data import SelectedResults, Selection
from app.widgets.results_fools_counted import by_people, chosen_counted
from app.widgets.scheme import current_scheme
from labelling.layer_shares import layer_shares, point_magnitudes


def layers_part(selection: Selection, results: SelectedResults) -> None:
    """Bars of the mean ‖p_i‖₂ at each point."""
    trials = results.trials
    counted = chosen_counted(results)
    root = current_home().root
    found = trials[(trials["outcome"] == "found").to_numpy()]
    sizes = found.groupby("condition_id").size()
    of = {int(one): _magnitudes(root, int(one), int(size)) for one, size in sizes.items()}
    frame = layer_shares(found, of, counted)
    if frame.empty:
        st.info("No found trial that counts under this rule has its magnitudes by layer stored.")
        return
    most = int(frame["point"].max()) + 1
    points = _points(selection, most)
    figure = magnitude_by_layer(
        frame,
        points=points,
        subsets=selection.subsets,
        colours=colours(selection),
        title=f"Magnitude by layer, found trials{counted_in_words(counted)}",
        subtitle=for_whom(selection, results, by_people(counted)),
        scheme=current_scheme(),
    )
    name = file_name(selection, "layers")
    chart(figure, name)
    st.caption(layers_caption(int(sizes.max())))
    named = frame.assign(point_name=[points[one] for one in frame["point"]])
    files({"Layers": (name, named)}, selection.stamp, figure)


def _points(selection: Selection, most: int) -> list[str]:
    """The points' names, where a worker has said them."""
    menu = read_menu(current_home())
    generator = menu.generators.get(selection.experiment.generator) if menu else None
    names = [point.name for point in generator.points] if generator else []
    return names if len(names) >= most else [f"point {number}" for number in range(most)]


@lru_cache(maxsize=64)
def _magnitudes(root: Path, condition_id: int, found: int) -> pd.DataFrame:
    return point_magnitudes(database(), condition_id)
