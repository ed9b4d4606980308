"""Paired differences with their intervals, a line a comparison."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd
import plotly.graph_objects as go

from app.charts.theme import SCHEMES, SchemeName, headed
from labelling.paired import SIGNIFICANT

_LINE, _AROUND, _SUBTITLE_LINE = 34, 216, 17  # pixels


def paired_differences(
    frame: pd.DataFrame,
    *,
    title: str = "",
    subtitle: Sequence[str] = (),
    scheme: SchemeName = "light",
) -> go.Figure:
    """The mean difference of each row of `labelling.paired.comparisons` with its 95 % interval.

    Filled where both tests find a difference after Holm's correction, hollow where not. A row with
    too few sources has no mark.
    """
    colours = SCHEMES[scheme]
    known = frame[frame["low"].notna()]
    names = [_name(row) for row in frame.itertuples()]
    figure = go.Figure()
    both = (known["wilcoxon_holm"] < SIGNIFICANT) & (known["sign_holm"] < SIGNIFICANT)
    for found, legend in (
        (True, "both tests find a difference"),
        (False, "not both tests find one"),
    ):
        rows = known[both == found]
        figure.add_trace(
            go.Scatter(
                x=rows["difference"],
                y=[_name(row) for row in rows.itertuples()],
                error_x={
                    "type": "data",
                    "symmetric": False,
                    "array": rows["high"] - rows["difference"],
                    "arrayminus": rows["difference"] - rows["low"],
                    "thickness": 1.6,
                    "width": 0,
                    "color": colours.text,
                },
                mode="markers",
                name=legend,
                showlegend=True,
                marker={
                    "size": 11,
                    "color": colours.text if found else colours.background,
                    "line": {"width": 1.8, "color": colours.text},
                },
                customdata=rows[
                    ["low", "high", "sources", "one_larger", "wilcoxon_holm", "sign_holm"]
                ].to_numpy(),
                hovertemplate=(
                    "<b>%{y}</b><br>%{x:.3g} [%{customdata[0]:.3g}, %{customdata[1]:.3g}]"
                    "<br>%{customdata[2]} sources; the first needs more on %{customdata[3]:.0%}"
                    "<br>signed-rank p = %{customdata[4]:.2g}, sign p = %{customdata[5]:.2g},"
                    " after Holm<extra></extra>"
                ),
            )
        )
    above = _SUBTITLE_LINE * max(len(subtitle) - 2, 0)
    figure.add_vline(x=0, line_width=1, line_color=colours.axis)
    figure.update_yaxes(
        categoryorder="array",
        categoryarray=names[::-1],
        range=[-0.6, max(len(names), 1) - 0.4],
        showgrid=False,
        ticks="",
        fixedrange=True,
        tickfont={"size": 12},
    )
    figure.update_xaxes(title_text="Mean difference of min(X, M_max), first − second (σ)")
    figure.update_layout(
        **headed(scheme, title, subtitle),
        height=_AROUND + above + _LINE * max(len(names), 1),
        margin={"t": 104 + above, "b": 100, "l": 240, "r": 16},
        legend={"orientation": "h", "x": 0, "y": 0, "yref": "container", "yanchor": "bottom"},
    )
    return figure


def _name(row: object) -> str:
    return f"{row.one} − {row.other}<br><span style='font-size:11px'>{row.held}</span>"
