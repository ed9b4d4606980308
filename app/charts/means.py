"""Table 1 as a figure: restricted means with their intervals, a line a condition."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pandas as pd
import plotly.graph_objects as go

from app.charts.forest import interval_bars, lay_out, two_lines
from app.charts.theme import SCHEMES, SchemeName

_DETAILS = ("low", "high", "n", "plain_mean", "n_plain")
_MARKS = {
    "circle": "restricted mean, with its 95 % interval",
    "x-thin": "plain mean of those found and kept",
}


def restricted_means(
    frame: pd.DataFrame,
    *,
    colours: Mapping[str, str],
    limit: float,
    title: str = "",
    subtitle: Sequence[str] = (),
    scheme: SchemeName = "light",
) -> go.Figure:
    """The rows of `labelling.means.table_of_means`, each with its 95 % interval, in their order.

    A circle is the restricted mean to `limit`, which a line marks; a cross the paper's plain mean.
    A mean of too few sources has no bar; one that is not known has no mark.
    """
    ink = SCHEMES[scheme]
    frame = frame.assign(name=[_name(row) for row in frame.itertuples()])
    figure = go.Figure()
    for classifier, rows in frame.groupby("classifier", sort=False, observed=True):
        known = rows[rows["restricted_mean"].notna()]
        figure.add_trace(
            go.Scatter(
                x=known["restricted_mean"],
                y=known["name"],
                error_x=interval_bars(known, "restricted_mean", colours[classifier]),
                mode="markers",
                name=str(classifier),
                showlegend=False,
                marker={"size": 11, "color": colours[classifier]},
                customdata=known[list(_DETAILS)].to_numpy(),
                hovertemplate=(
                    "<b>%{y}</b><br>restricted mean %{x:.3g}"
                    " [%{customdata[0]:.3g}, %{customdata[1]:.3g}], n = %{customdata[2]}"
                    "<br>plain mean %{customdata[3]:.3g}, n = %{customdata[4]}<extra></extra>"
                ),
            )
        )
    plain = frame[frame["plain_mean"].notna()]
    figure.add_trace(
        go.Scatter(
            x=plain["plain_mean"],
            y=plain["name"],
            mode="markers",
            name="plain mean",
            showlegend=False,
            marker={"size": 9, "symbol": "x-thin", "line": {"width": 1.8, "color": ink.muted}},
            hoverinfo="skip",
        )
    )
    for symbol, name in _MARKS.items():
        figure.add_trace(_in_legend(symbol, name, ink.text))
    figure.add_vline(x=limit, line_width=1, line_dash="dot", line_color=ink.axis)
    lay_out(
        figure,
        list(frame["name"]),
        axis="Magnitude (σ); the dotted line is M_max",
        title=title,
        subtitle=subtitle,
        scheme=scheme,
    )
    figure.update_xaxes(rangemode="tozero")
    return figure


def _name(row: object) -> str:
    return two_lines(str(row.classifier), f"layers {row.subset}")


def _in_legend(symbol: str, name: str, colour: str) -> go.Scatter:
    """A mark of no condition, since their own have the colours of classifiers."""
    return go.Scatter(
        x=[None],
        y=[None],
        mode="markers",
        name=name,
        marker={
            "size": 10,
            "symbol": symbol,
            "color": colour,
            "line": {"width": 1.8 if symbol != "circle" else 0, "color": colour},
        },
        hoverinfo="skip",
    )
