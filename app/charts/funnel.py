"""Where the trials went, from all of them to those counted: bars by stage and classifier."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import ceil

import pandas as pd
import plotly.graph_objects as go

from app.charts.grid import Part, grid
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
    cells = grid(
        rows,
        columns,
        [f"<b>Layers: {panel}</b>" for panel in panels],
        shared_yaxes="all",
        shared_xaxes="all",
        horizontal_spacing=0.03,
        vertical_spacing=0.2 / rows,
    )
    classifiers = sorted(frame["classifier"].unique())
    bars_of = frame.groupby(["subset", "classifier"], observed=True).indices
    traces: list[Part] = []
    for place, panel in enumerate(panels):
        for classifier in classifiers:
            bars = frame.iloc[bars_of.get((panel, classifier), [])]
            legend = place == 0
            traces += cells.on(place, _bars(bars, classifier, colours[classifier], legend))
    if frame["unjudged"].any():
        traces += cells.on(0, [_waiting_in_legend(SCHEMES[scheme].muted)])
    stages = frame["stage"].nunique()
    bar_height = max(44, 16 * len(classifiers) + 14)
    cells.set_axes("y", {"autorange": "reversed", "showgrid": False, "ticks": ""})
    cells.set_axes("x", {"title": {"text": "Trials"}, "rangemode": "tozero"}, row=rows - 1)
    room = 1.4 if frame["unjudged"].any() else 1.12  # for the counts beside the bars
    most = room * max(frame["trials"].max(), 1)
    cells.set_axes("x", {"range": [0, most], "showticklabels": True})
    layout = headed(
        scheme,
        title,
        subtitle,
        height=rows * stages * bar_height + _AROUND,
        margin={"t": 116, "b": 90, "l": 130, "r": 16},
    )
    layout |= {"barmode": "group", "bargap": 0.28, "bargroupgap": 0.08}
    legend = {"orientation": "h", "x": 0, "y": -0.16, "yanchor": "top", "traceorder": "normal"}
    return cells.figure(traces, layout | {"legend": legend})


def _bars(bars: pd.DataFrame, classifier: str, colour: str, legend: bool) -> list[Part]:
    columns = [bars[name].tolist() for name in ("trials", "unjudged", "lost", "why")]
    trials, unjudged, lost, why = columns
    shared = {
        "type": "bar",
        "y": bars["stage"].tolist(),
        "orientation": "h",
        "offsetgroup": classifier,
        "legendgroup": classifier,
        "cliponaxis": False,
        "textposition": "outside",
        "textfont": {"size": 12},
        "constraintext": "none",
    }
    reached = {
        "x": trials,
        "name": classifier,
        "marker": {"color": colour},
        "text": [str(n) if not m else "" for n, m in zip(trials, unjudged, strict=True)],
        "customdata": [
            f"<br>{n} lost: {reason}" if n else "" for n, reason in zip(lost, why, strict=True)
        ],
        "hovertemplate": (
            f"<b>{classifier}</b> · %{{y}}<br>%{{x}} trials%{{customdata}}<extra></extra>"
        ),
        "showlegend": legend,
    }
    waiting = {
        "x": unjudged,
        "base": trials,
        "marker": {
            "color": translucent(colour, 0.08),
            "pattern": {**HATCH, "fgcolor": colour},
        },
        "text": [f"{n} + {m} unjudged" if m else "" for n, m in zip(trials, unjudged, strict=True)],
        "showlegend": False,
        "hovertemplate": (
            f"<b>{classifier}</b> · %{{y}}<br>%{{x}} wait for a judgement<extra></extra>"
        ),
    }
    return [shared | reached, shared | waiting]


def _waiting_in_legend(grey: str) -> Part:
    return {
        "type": "bar",
        "x": [None],
        "y": [None],
        "name": "wait for a judgement",
        "marker": {
            "color": translucent(grey, 0.08),
            "pattern": {**HATCH, "fgcolor": grey},
        },
        "hoverinfo": "skip",
    }
