"""Magnitude by layer: where in the generator the perturbations are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import ceil

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from app.charts.grid import Part, grid
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
    frame = frame[frame["subset"].isin(subsets)]
    subsets = [one for one in subsets if (frame["subset"] == one).any()]
    rows = max(1, ceil(len(subsets) / _PANELS_A_ROW))
    columns = max(1, ceil(len(subsets) / rows))
    panels = grid(
        rows,
        columns,
        [f"<b>Layers: {one}</b>" for one in subsets],
        shared_yaxes="all",
        horizontal_spacing=0.03,
        vertical_spacing=_GAP / (rows * (_PANEL + _GAP)) if rows > 1 else 0.1,
    )
    shown: set[str] = set()
    traces: list[Part] = []
    cells = frame.groupby(["subset", "classifier"], observed=True).indices
    for subset, classifier in sorted(cells, key=lambda one: (subsets.index(one[0]), one[1])):
        bars = frame.iloc[cells[subset, classifier]]
        magnitude, low, high = (bars[name].to_numpy() for name in ("magnitude", "low", "high"))
        trace = {
            "type": "bar",
            "x": [points[one] for one in bars["point"]],
            "y": magnitude,
            "name": classifier,
            "legendgroup": classifier,
            "showlegend": classifier not in shown,
            "marker": {"color": colours[classifier]},
            "error_y": {
                "type": "data",
                "symmetric": False,
                "array": np.maximum(high - magnitude, 0),
                "arrayminus": np.maximum(magnitude - low, 0),
                "thickness": 1.4,
                "width": 3,
                "color": SCHEMES[scheme].text,
            },
            "customdata": bars[["low", "high", "share", "n"]].to_numpy(),
            "hovertemplate": (
                f"<b>{classifier}</b> · %{{x}}<br>‖p_i‖ %{{y:.3g}}"
                " [%{customdata[0]:.3g}, %{customdata[1]:.3g}]<br>%{customdata[2]:.1%} of"
                " ‖p‖² · %{customdata[3]} found trials<extra></extra>"
            ),
        }
        traces += panels.on(subsets.index(subset), [trace])
        shown.add(classifier)
    ordered = {"type": "category", "categoryorder": "array", "categoryarray": list(points)}
    panels.set_axes("x", ordered | {"showgrid": False, "ticks": ""})
    mean = {"title": {"text": "Mean ‖p_i‖₂ (σ)"}, "rangemode": "tozero"}
    panels.set_axes("y", mean, column=0)
    layout = headed(
        scheme,
        title,
        subtitle,
        height=rows * _PANEL + (rows - 1) * _GAP + _TOP + _BOTTOM,
        margin={"t": _TOP, "b": _BOTTOM, "l": 16, "r": 16},
    )
    layout |= {"barmode": "group", "bargap": 0.3}
    legend = {"orientation": "h", "x": 0, "y": 0, "yref": "container", "yanchor": "bottom"}
    return panels.figure(traces, layout | {"legend": legend})
