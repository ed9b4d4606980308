"""At what magnitude people stop agreeing: fitted curves over what was answered."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import ceil, isfinite

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from app.charts.grid import BLANK, Part, grid
from app.charts.theme import SchemeName, headed, translucent
from labelling.intervals import wilson

#: Answers are gathered into so many groups of one size, to see how the curve fits them.
GROUPS = 8
FEWEST_A_GROUP = 5
_PANELS_A_ROW = 3
_PANEL, _GAP, _TOP, _BOTTOM = 320, 92, 128, 132  # pixels
AXES = {
    "magnitude": "Magnitude shown, s·‖p‖₂ (σ)",
    "strength": "Strength s, in parts of the perturbation that was found",
}


#: A fitted curve's columns: x, share, low, high.
Curve = dict[str, np.ndarray]


def agreement(
    curves: pd.DataFrame,
    fits: pd.DataFrame,
    answers: pd.DataFrame,
    *,
    against: str,
    subsets: Sequence[str],
    colours: Mapping[str, str],
    title: str = "",
    subtitle: Sequence[str] = (),
    scheme: SchemeName = "light",
) -> go.Figure:
    """A panel a layer subset: the fitted share with its band, and the answers in groups.

    `curves` and `fits` as `labelling.strengths` gives them; `answers`: the judged rows of its
    table. A dotted line falls where half agree.
    """
    subsets = [one for one in subsets if (fits["subset"] == one).any()]
    rows = max(1, ceil(len(subsets) / _PANELS_A_ROW))
    columns = max(1, ceil(len(subsets) / rows))
    panels = grid(
        rows,
        columns,
        [f"<b>Layers: {one}</b>" for one in subsets],
        shared_xaxes="all",
        shared_yaxes="all",
        horizontal_spacing=0.03,
        vertical_spacing=_GAP / (rows * (_PANEL + _GAP)) if rows > 1 else 0.1,
    )
    shown: set[str] = set()
    traces: list[Part] = []
    shown_of = answers.groupby("condition_id").indices
    curve_of = curves.groupby("condition_id").indices
    curve_values = {name: curves[name].to_numpy(float) for name in ("x", "share", "low", "high")}
    for place, subset in enumerate(subsets):
        for fit in fits[fits["subset"] == subset].itertuples():
            name, colour = str(fit.classifier), colours[str(fit.classifier)]
            group = {"legendgroup": name, "name": name}
            here: list[Part] = []
            if fit.condition_id in curve_of:
                rows_of = curve_of[fit.condition_id]
                curve = {column: values[rows_of] for column, values in curve_values.items()}
                here.append(_band(curve, colour))
                here.append(_line(curve, fit, colour, group, name not in shown))
                shown.add(name)
                if isfinite(fit.half) and fit.half <= curve["x"].max():
                    here.append(_half(fit, colour))
            grouped = groups(answers.iloc[shown_of.get(fit.condition_id, [])], against)
            if len(grouped):
                here.append(_points(grouped, colour, group, name not in shown))
                shown.add(name)
            traces += panels.on(place, here or [BLANK])
    panels.set_axes("x", {"rangemode": "tozero", "showticklabels": True})
    panels.set_axes("x", {"title": {"text": AXES[against]}}, row=rows - 1)
    panels.set_axes("y", {"range": [-0.02, 1.02], "tickformat": ".0%"})
    panels.set_axes("y", {"title": {"text": "People still say the label"}}, column=0)
    layout = headed(
        scheme,
        title,
        subtitle,
        height=rows * _PANEL + (rows - 1) * _GAP + _TOP + _BOTTOM,
        margin={"t": _TOP, "b": _BOTTOM, "l": 16, "r": 16},
    )
    legend = {"orientation": "h", "x": 0, "y": 0, "yref": "container", "yanchor": "bottom"}
    return panels.figure(traces, layout | {"legend": legend})


def groups(answers: pd.DataFrame, against: str) -> pd.DataFrame:
    """Answers in groups of one size along the axis: mean x, share agreeing, Wilson's interval."""
    count = min(GROUPS, len(answers) // FEWEST_A_GROUP)
    if count == 0:
        return pd.DataFrame(columns=["x", "share", "low", "high", "n"])
    ordered = answers.sort_values(against, kind="stable")
    x = ordered[against].to_numpy(float)
    agrees = (ordered["perturbed_judgement"] == "agree").to_numpy(bool)
    parts = np.array_split(np.arange(len(x)), count)
    n = np.array([len(part) for part in parts])
    share = np.array([agrees[part].mean() for part in parts])
    low, high = wilson(share, n)
    mean = [x[part].mean() for part in parts]
    return pd.DataFrame({"x": mean, "share": share, "low": low, "high": high, "n": n})


def _band(curve: Curve, colour: str) -> Part:
    return {
        "type": "scatter",
        "x": np.concatenate([curve["x"], curve["x"][::-1]]),
        "y": np.concatenate([curve["low"], curve["high"][::-1]]),
        "fill": "toself",
        "fillcolor": translucent(colour, 0.16),
        "line": {"width": 0},
        "showlegend": False,
        "hoverinfo": "skip",
    }


def _line(curve: Curve, fit: object, colour: str, group: dict[str, str], legend: bool) -> Part:
    return {
        "type": "scatter",
        "x": curve["x"],
        "y": curve["share"],
        "mode": "lines",
        "line": {"color": colour, "width": 2.2},
        "showlegend": legend,
        "customdata": np.column_stack([curve["low"], curve["high"]]),
        "hovertemplate": (
            f"<b>{fit.classifier}</b><br>at %{{x:.3g}}: %{{y:.0%}} [%{{customdata[0]:.0%}},"
            f" %{{customdata[1]:.0%}}]<br>{fit.pictures} pictures of {fit.sources} sources"
            "<extra></extra>"
        ),
        **group,
    }


def _half(fit: object, colour: str) -> Part:
    return {
        "type": "scatter",
        "x": [fit.half, fit.half],
        "y": [0.0, 0.5],
        "mode": "lines",
        "line": {"color": colour, "width": 1.4, "dash": "dot"},
        "showlegend": False,
        "hoverinfo": "skip",
    }


def _points(grouped: pd.DataFrame, colour: str, group: dict[str, str], legend: bool) -> Part:
    x, share, low, high = (grouped[name].to_numpy() for name in ("x", "share", "low", "high"))
    return {
        "type": "scatter",
        "x": x,
        "y": share,
        "mode": "markers",
        "marker": {"color": colour, "size": 7, "line": {"width": 0}},
        "error_y": {
            "type": "data",
            "symmetric": False,
            "array": high - share,
            "arrayminus": share - low,
            "thickness": 1,
            "width": 0,
            "color": translucent(colour, 0.55),
        },
        "showlegend": legend,
        "customdata": np.column_stack([grouped["n"].to_numpy(), low, high]),
        "hovertemplate": (
            "%{customdata[0]} pictures around %{x:.3g}: %{y:.0%} [%{customdata[1]:.0%},"
            " %{customdata[2]:.0%}]<extra></extra>"
        ),
        **group,
    }
