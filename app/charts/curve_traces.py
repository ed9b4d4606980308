"""The traces of one magnitude–success curve: its line, its band, the bounds; and legend entries."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from app.charts.theme import translucent
from labelling.estimands import (
    AS_PUBLISHED,
    ESTIMANDS,
    FOOLED_WHILE_PEOPLE_AGREE,
    RAW,
    SOURCE_JUDGED,
)

#: A trace as Plotly reads it: of a dictionary the figure makes one object, of an object two.
Trace = dict[str, Any]

#: Each estimand's line, on every chart: (dash, width in pixels).
LINES: dict[str, tuple[str, float]] = {
    FOOLED_WHILE_PEOPLE_AGREE.key: ("solid", 2.5),
    SOURCE_JUDGED.key: ("dot", 2.0),
    AS_PUBLISHED.key: ("dash", 2.0),
    RAW.key: ("solid", 1.5),
}
#: Where a panel is a classifier's, lines tell layer subsets apart, in their order.
SUBSET_DASHES = ("solid", "dash", "dot", "dashdot", "longdash", "longdashdot")
HATCH = {"shape": "/", "size": 9, "solidity": 0.1}
#: What a point of the focused curve brings along, for those who hover over it or click.
_TOLD = ("low", "high", "fooled", "n", "at_risk", "bound_low", "bound_high", "condition_id")
CONDITION_ID = _TOLD.index("condition_id")
#: The columns of a curve that its traces are drawn from.
NUMBERS = ("magnitude", "proportion", *_TOLD)


def thinned(curve: pd.DataFrame, most: int, logarithmic: bool) -> pd.DataFrame:
    """At most so many points, sorted; on a log axis magnitude 0 becomes the first one above it."""
    curve = curve.sort_values("magnitude")
    if logarithmic:
        positive = curve["magnitude"][curve["magnitude"] > 0]
        start = positive.min() / 10 if len(positive) else 0.01
        curve = curve.assign(magnitude=curve["magnitude"].clip(lower=start))
    if len(curve) <= most:
        return curve
    return curve.iloc[np.linspace(0, len(curve) - 1, most).round().astype(int)]


def line(
    curve: pd.DataFrame,
    first: pd.Series,
    *,
    colour: str,
    dash: str,
    focused: bool,
    in_legend: bool,
) -> Trace:
    """The curve as steps. A focused one tells its counts, and its points can be clicked.

    `curve` has the columns NUMBERS; `first` is a whole row, for what is the same in all of them.
    """
    classifier, estimand = first["classifier"], ESTIMANDS[first["estimand"]]
    hover = (
        f"<b>{classifier}</b>, layers {first['subset']} · {estimand.name.lower()}"
        "<br>‖p‖₂ up to %{x:.3g}: <b>%{y:.1%}</b>"
    )
    if focused:
        hover += (
            " [%{customdata[0]:.1%}, %{customdata[1]:.1%}]<br>"
            "%{customdata[2]} fooled of n = %{customdata[3]}; %{customdata[4]} still at risk"
        )
        if first["missing"]:
            hover += (
                "<br>%{customdata[5]:.1%} to %{customdata[6]:.1%}, whatever the "
                f"{first['missing']} missing judgements say"
            )
        hover += "<br><i>click: the pictures</i>"
    trace = dict(
        type="scatter",
        x=curve["magnitude"].to_numpy(),
        y=curve["proportion"].to_numpy(),
        # As objects: of numbers Streamlit would hand over a clicked row as a mapping.
        customdata=curve[list(_TOLD)].to_numpy(dtype=object) if focused else None,
        mode="lines",
        name=classifier,
        legendgroup=classifier,
        showlegend=in_legend,
        line={"color": colour, "dash": dash, "width": LINES[estimand.key][1], "shape": "hv"},
        hovertemplate=hover + "<extra></extra>",
    )
    if focused:
        # Plotly selects points only where there are markers, so they are there, unseen.
        unseen = {"marker": {"opacity": 0}}
        trace.update(
            mode="lines+markers",
            marker={"size": 9, "color": "rgba(0, 0, 0, 0)"},
            selected=unseen,
            unselected=unseen,
        )
    return trace


def band(curve: pd.DataFrame, colour: str, group: str) -> Trace:
    """The pointwise 95 % band."""
    fill = {"fillcolor": translucent(colour, 0.16)}
    return _between(curve, "low", "high", group, **fill)


def bounds(curve: pd.DataFrame, colour: str, group: str) -> Trace:
    """What the curve could be, whatever the missing judgements say."""
    hatch = {**HATCH, "fgcolor": colour, "fgopacity": 0.45, "fillmode": "replace"}
    shade = translucent(colour, 0.01)
    return _between(curve, "bound_low", "bound_high", group, fillpattern=hatch, fillcolor=shade)


def _between(curve: pd.DataFrame, low: str, high: str, group: str, **filling: object) -> Trace:
    """The area between two step curves, as one outline: forth along one, back along the other."""
    forth = np.repeat(curve["magnitude"].to_numpy(), 2)[1:]
    lower, upper = (np.repeat(curve[name].to_numpy(), 2)[:-1] for name in (low, high))
    return {
        "type": "scatter",
        "x": np.concatenate([forth, forth[::-1]]),
        "y": np.concatenate([upper, lower[::-1]]),
        "mode": "lines",
        "line": {"width": 0},
        "fill": "toself",
        "legendgroup": group,
        "showlegend": False,
        "hoverinfo": "skip",
        **filling,
    }


def legend_of_styles(
    frame: pd.DataFrame, focus: str, keys: Sequence[str], grey: str
) -> list[go.Scatter | go.Bar]:
    """Legend entries without data: each estimand's line, the band, and the bounds."""
    blank = {"x": [None], "y": [None], "hoverinfo": "skip"}
    entries: list[go.Scatter | go.Bar] = [
        go.Scatter(
            **blank,
            mode="lines",
            name=ESTIMANDS[key].name,
            line={"color": grey, "dash": LINES[key][0], "width": LINES[key][1]},
        )
        for key in reversed(keys)
    ]
    focused = frame[frame["estimand"] == focus]
    square = {"mode": "markers", "line": {"width": 0}}
    if len(focused):
        name = " / ".join(focused["band"].unique())
        marker = {"symbol": "square", "size": 13, "color": translucent(grey, 0.3)}
        entries.append(go.Scatter(**blank, **square, name=f"95 % band ({name})", marker=marker))
    if len(focused) and focused["missing"].any():
        name = "possible, whatever the missing judgements say"
        pattern = {**HATCH, "size": 5, "fgcolor": grey}
        marker = {"color": translucent(grey, 0.05), "pattern": pattern}
        entries.append(go.Bar(**blank, name=name, marker=marker))
    return entries


def weight_of_traces(frame: pd.DataFrame, focus: str) -> int:
    """How many points are sent for each point of a curve: a band, like the bounds, takes four."""
    curves = frame.groupby(["condition_id", "estimand"]).ngroups
    focused = frame[frame["estimand"] == focus]["condition_id"].nunique()
    return curves + 8 * focused
