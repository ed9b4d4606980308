"""Where the trials went, from all of them to those counted: bars by stage and classifier."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import ceil

import pandas as pd
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from app.charts.theme import SCHEMES, SchemeName, headed, translucent

_PANELS_A_ROW = 4
_AROUND = 190  # pixels
HATCH = {"shape": "/", "size": 6, "solidity": 0.18}


def funnel_bars(
    frame: pd.DataFrame,
    *,
    colours: Mapping[str, str],
    subsets: Sequence[str] | None = None,
    title: str = "",
    subtitle: Sequence[str] = (),
    scheme: SchemeName = "light",
) -> go.Figure:
    """A panel a layer subset, a group of bars a stage, a colour a classifier.

    `frame`: rows as `labelling.funnel.funnel` gives them. The pale end of a bar is the trials that
    wait for a judgement there.
    """
    panels = list(subsets or frame["subset"].unique())
    rows = max(1, ceil(len(panels) / _PANELS_A_ROW))
    columns = ceil(len(panels) / rows) or 1
    figure = make_subplots(
        rows,
        columns,
        subplot_titles=[f"<b>Layers: {panel}</b>" for panel in panels],
        shared_yaxes="all",
        shared_xaxes="all",
        horizontal_spacing=0.03,
        vertical_spacing=0.2 / rows,
    )
    classifiers = sorted(frame["classifier"].unique())
    for place, panel in enumerate(panels):
        cell = {"row": place // columns + 1, "col": place % columns + 1}
        for classifier in classifiers:
            bars = frame[(frame["subset"] == panel) & (frame["classifier"] == classifier)]
            reached, waiting = _bars(bars, classifier, colours[classifier])
            reached.showlegend = place == 0
            figure.add_traces([reached, waiting], rows=[cell["row"]] * 2, cols=[cell["col"]] * 2)
    if frame["unjudged"].any():
        figure.add_trace(_waiting_in_legend(SCHEMES[scheme].muted), row=1, col=1)
    stages = frame["stage"].nunique()
    bar_height = max(44, 16 * len(classifiers) + 14)
    figure.update_yaxes(autorange="reversed", showgrid=False, ticks="")
    figure.update_xaxes(title_text="Trials", rangemode="tozero", row=rows)
    room = 1.4 if frame["unjudged"].any() else 1.12  # for the counts beside the bars
    figure.update_xaxes(range=[0, room * max(frame["trials"].max(), 1)], showticklabels=True)
    figure.update_layout(
        **headed(
            scheme,
            title,
            subtitle,
            height=rows * stages * bar_height + _AROUND,
            margin={"t": 116, "b": 90, "l": 130, "r": 16},
        ),
        barmode="group",
        bargap=0.28,
        bargroupgap=0.08,
        legend={"orientation": "h", "x": 0, "y": -0.16, "yanchor": "top", "traceorder": "normal"},
    )
    return figure


def _bars(bars: pd.DataFrame, classifier: str, colour: str) -> tuple[go.Bar, go.Bar]:
    shared = {
        "y": bars["stage"],
        "orientation": "h",
        "offsetgroup": classifier,
        "legendgroup": classifier,
        "cliponaxis": False,
    }
    label = {"textposition": "outside", "textfont_size": 12, "constraintext": "none"}
    why = [
        f"<br>{lost} lost: {reason}" if lost else ""
        for lost, reason in zip(bars["lost"], bars["why"], strict=True)
    ]
    reached = go.Bar(
        x=bars["trials"],
        name=classifier,
        marker_color=colour,
        text=bars["trials"].astype(str).where(bars["unjudged"] == 0, ""),
        **label,
        customdata=why,
        hovertemplate=(
            f"<b>{classifier}</b> · %{{y}}<br>%{{x}} trials%{{customdata}}<extra></extra>"
        ),
        **shared,
    )
    waiting = go.Bar(
        x=bars["unjudged"],
        base=bars["trials"],
        marker={
            "color": translucent(colour, 0.08),
            "pattern": {**HATCH, "fgcolor": colour},
        },
        text=[
            f"{reached} + {waits} unjudged" if waits else ""
            for reached, waits in zip(bars["trials"], bars["unjudged"], strict=True)
        ],
        **label,
        showlegend=False,
        hovertemplate=(
            f"<b>{classifier}</b> · %{{y}}<br>%{{x}} wait for a judgement<extra></extra>"
        ),
        **shared,
    )
    return reached, waiting


def _waiting_in_legend(grey: str) -> go.Bar:
    return go.Bar(
        x=[None],
        y=[None],
        name="wait for a judgement",
        marker={
            "color": translucent(grey, 0.08),
            "pattern": {**HATCH, "fgcolor": grey},
        },
        hoverinfo="skip",
    )
