"""Paired differences with their intervals, a line a comparison."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd
import plotly.graph_objects as go

from app.charts.forest import interval_bars, lay_out, two_lines
from app.charts.theme import SCHEMES, SchemeName
from labelling.paired import SIGNIFICANT


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
                error_x=interval_bars(rows, "difference", colours.text),
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
    figure.add_vline(x=0, line_width=1, line_color=colours.axis)
    lay_out(
        figure,
        names,
        axis="Mean difference of min(X, M_max), first − second (σ)",
        title=title,
        subtitle=subtitle,
        scheme=scheme,
    )
    return figure


def _name(row: object) -> str:
    return two_lines(f"{row.one} − {row.other}", row.held)
