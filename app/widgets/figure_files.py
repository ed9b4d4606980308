"""A view's files: its data as CSV and Parquet, its figure as PNG, SVG and standalone HTML."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import pandas as pd
import plotly.graph_objects as go
import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from app.charts.theme import chart_menu
from app.results_files import html_file, stamped_file
from app.results_stamp import Stamp
from app.widgets.component import component
from app.widgets.download import download, download_table
from app.widgets.drawn_figure import drawn_figure

_component = component("figure_files")

#: Pixels of a PNG for one of the page: fit for print.
SCALE = 3


def chart(
    figure: go.Figure,
    name: str,
    on_select: Callable[[], None] | None = None,
    *,
    key: str | None = None,
) -> None:
    """Draw a figure under the name that its files will have; `on_select` follows a click.

    A chart of the same `key` (else the name) is changed, where another one is drawn from nothing.
    """
    drawn_figure(figure, chart_menu(name), key or name, on_select)


def files(
    tables: Mapping[str, tuple[str, pd.DataFrame | Callable[[], pd.DataFrame]]],
    stamp: Stamp,
    figure: go.Figure | None = None,
    *,
    key: str | None = None,
) -> DeltaGenerator:
    """Downloads under a view. `tables`: a label → (the file's name, its rows or what makes them).

    `figure` is the one that `chart` drew under the name of the first table, and by this `key`.
    Nothing is written before somebody presses. Returns the row of buttons, for more of them.
    """
    row = st.container(horizontal=True, vertical_alignment="center", key="files")
    with row:
        if figure is not None:
            (name, _), *_ = tables.values()
            figure_buttons(name, figure, key or name)
        for label, (name, frame) in tables.items():
            download_table(
                label,
                lambda format, frame=frame: stamped_file(
                    frame() if callable(frame) else frame, stamp, format
                ),
                name,
            )
    return row


def figure_buttons(name: str, figure: go.Figure, key: str) -> None:
    """The figure that the page has drawn by this key, as PNG, SVG and HTML of this name."""
    # PNG and SVG are made in the browser, from what is drawn there.
    data = {"plot": key, "name": name, "scale": SCALE}
    _component(key=f"save-{name}", data=data, width="content")
    download("Figure as HTML", lambda: html_file(figure, name), f"{name}.html", "text/html")
