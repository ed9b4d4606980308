"""Magnitude by layer: where in the generator the perturbations are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import ceil

import pandas as pd
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from app.charts.theme import SCHEMES, SchemeName, headed

_PANELS_A_ROW = 3
_PANEL, _GAP, _TOP, _BOTTOM = 270, 96, 124, 128  # pixels


def magnitude_by_layer(
    frame: pd.DataFrame,
    *,
    points: Sequence[str],
    subsets: Sequence[str],
    colours: Mapping[str, str],
    title: str = "",
    subtitle: Sequence[str] = (),
    scheme: SchemeName = "light",
) -> go.Figure:
    """A panel a layer subset: the mean ‖p_i‖₂ at each point with its interval, by classifier.

    `frame`: rows as `labelling.layer_shares.layer_shares` gives them; `points`: their names.
    """
    subsets = [one for one in subsets if (frame["subset"] == one).any()]
    rows = max(1, ceil(len(subsets) / _PANELS_A_ROW))
    columns = max(1, ceil(len(subsets) / rows))
    figure = make_subplots(
        rows,
        columns,
        subplot_titles=[f"<b>Layers: {one}</b>" for one in subsets],
        shared_yaxes="all",
        horizontal_spacing=0.03,
        vertical_spacing=_GAP / (rows * (_PANEL + _GAP)) if rows > 1 else 0.1,
    )
    shown: set[str] = set()
    for place, subset in enumerate(subsets):
        cell = {"row": place // columns + 1, "col": place % columns + 1}
        here = frame[frame["subset"] == subset]
        for classifier in sorted(here["classifier"].astype(str).unique()):
            bars = here[here["classifier"] == classifier]
            figure.add_trace(
                go.Bar(
                    x=[points[one] for one in bars["point"]],
                    y=bars["magnitude"],
                    name=classifier,
                    legendgroup=classifier,
                    showlegend=classifier not in shown,
                    marker_color=colours[classifier],
                    error_y={
                        "type": "data",
                        "symmetric": False,
                        "array": (bars["high"] - bars["magnitude"]).clip(lower=0),
                        "arrayminus": (bars["magnitude"] - bars["low"]).clip(lower=0),
                        "thickness": 1.4,
                        "width": 3,
                        "color": SCHEMES[scheme].text,
                    },
                    customdata=bars[["low", "high", "share", "n"]].to_numpy(),
                    hovertemplate=(
                        f"<b>{classifier}</b> · %{{x}}<br>‖p_i‖ %{{y:.3g}}"
                        " [%{customdata[0]:.3g}, %{customdata[1]:.3g}]<br>%{customdata[2]:.1%} of"
                        " ‖p‖² · %{customdata[3]} found trials<extra></extra>"
                    ),
                ),
                **cell,
            )
            shown.add(classifier)
    figure.update_xaxes(
        type="category", categoryorder="array", categoryarray=list(points), showgrid=False, ticks=""
    )
    figure.update_yaxes(title_text="Mean ‖p_i‖₂ (σ)", rangemode="tozero", col=1)
    figure.update_layout(
        **headed(
            scheme,
            title,
            subtitle,
            height=rows * _PANEL + (rows - 1) * _GAP + _TOP + _BOTTOM,
            margin={"t": _TOP, "b": _BOTTOM, "l": 16, "r": 16},
        ),
        barmode="group",
        bargap=0.3,
        legend={"orientation": "h", "x": 0, "y": 0, "yref": "container", "yanchor": "bottom"},
    )
    return figure
