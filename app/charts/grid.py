"""Panels side by side as a figure's plain dictionaries, where Plotly would check each attribute."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from copy import deepcopy
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import plotly.graph_objects as go
from plotly.subplots import make_subplots

#: A trace, or a part of a layout, as Plotly reads it.
Part = dict[str, Any]
#: A trace of nothing, for a panel that has none: Plotly leaves out axes on which there is no trace,
#: and what is placed by them lands on other panels.
BLANK: Part = {"type": "scatter", "x": [None], "y": [None], "showlegend": False}


@dataclass(frozen=True)
class Grid:
    """`columns` panels a row, numbered from 0 at the top left; their axes and titles in `layout`.

    Plotly's `make_subplots` lays them out, once for all figures of the same grid.
    """

    columns: int
    layout: Part

    def on(self, place: int, traces: Iterable[Part]) -> list[Part]:
        """The traces, drawn in the panel at this place."""
        number = _number(place)
        return [trace | {"xaxis": f"x{number}", "yaxis": f"y{number}"} for trace in traces]

    def set_axes(
        self,
        way: str,
        settings: Mapping[str, Any],
        *,
        row: int | None = None,
        column: int | None = None,
    ) -> None:
        """Give the axes that go this way ("x" or "y") settings; of one row or column only."""
        places = [key for key in self.layout if key.startswith(f"{way}axis")]
        for place in range(len(places)):
            in_row = row is None or place // self.columns == row
            if in_row and (column is None or place % self.columns == column):
                axis = self.layout[f"{way}axis{_number(place)}"]
                axis |= {name: deepcopy(value) for name, value in settings.items()}

    def figure(self, traces: list[Part], layout: Part) -> go.Figure:
        """The traces on the panels. A test has Plotly check such figures."""
        return go.Figure({"data": traces, "layout": self.layout | layout}, _validate=False)


def grid(rows: int, columns: int, titles: Iterable[str], **spaced: object) -> Grid:
    """So many panels; `spaced`: what else `plotly.subplots.make_subplots` takes."""
    settled = tuple(sorted(spaced.items()))
    return Grid(columns, deepcopy(_layout(rows, columns, tuple(titles), settled)))


@lru_cache(maxsize=16)
def _layout(
    rows: int, columns: int, titles: tuple[str, ...], spaced: tuple[tuple[str, object], ...]
) -> Part:
    figure = make_subplots(rows, columns, subplot_titles=titles, **dict(spaced))
    layout = figure.layout.to_plotly_json()
    layout.pop("template", None)
    return layout


def _number(place: int) -> str:
    return "" if place == 0 else str(place + 1)
