"""The layout of a forest plot: a line a row, with a mark and its interval."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pandas as pd
import plotly.graph_objects as go

from app.charts.theme import SchemeName, headed

#: Pixels: a row, the room around them, a line of the subtitle beyond the second.
_LINE, _AROUND, _SUBTITLE_LINE = 34, 216, 17


def two_lines(name: str, below: str) -> str:
    """A row's name, with what is said more about it in small letters."""
    return f"{name}<br><span style='font-size:11px'>{below}</span>"


def interval_bars(rows: pd.DataFrame, value: str, colour: str) -> dict[str, Any]:
    """Plotly's `error_x` for a column with its interval `low`, `high`; none where NaN."""
    return {
        "type": "data",
        "symmetric": False,
        "array": rows["high"] - rows[value],
        "arrayminus": rows[value] - rows["low"],
        "thickness": 1.6,
        "width": 0,
        "color": colour,
    }


def lay_out(
    figure: go.Figure,
    names: Sequence[str],
    *,
    axis: str,
    title: str,
    subtitle: Sequence[str],
    scheme: SchemeName,
) -> None:
    """Put the rows of these names (`two_lines`) below each other, the first at the top."""
    above = _SUBTITLE_LINE * max(len(subtitle) - 2, 0)
    figure.update_yaxes(
        categoryorder="array",
        categoryarray=list(names)[::-1],
        range=[-0.6, max(len(names), 1) - 0.4],
        showgrid=False,
        ticks="",
        fixedrange=True,
        tickfont={"size": 12},
    )
    figure.update_xaxes(title_text=axis)
    figure.update_layout(
        **headed(
            scheme,
            title,
            subtitle,
            height=_AROUND + above + _LINE * max(len(names), 1),
            margin={"t": 104 + above, "b": 100, "l": 240, "r": 16},
        ),
        legend={"orientation": "h", "x": 0, "y": 0, "yref": "container", "yanchor": "bottom"},
    )
