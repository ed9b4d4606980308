"""Magnitude against success (Dunn et al. 2020, figures 5 and 13)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import ceil

import numpy as np
import pandas as pd
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from app.charts.theme import SCHEMES, SchemeName, template, translucent
from labelling.estimands import (
    AS_PUBLISHED,
    ESTIMANDS,
    FOOLED_WHILE_PEOPLE_AGREE,
    RAW,
    SOURCE_JUDGED,
)

#: Each estimand's line, on every chart: (dash, width in pixels).
LINES: dict[str, tuple[str, float]] = {
    FOOLED_WHILE_PEOPLE_AGREE.key: ("solid", 2.5),
    SOURCE_JUDGED.key: ("dot", 2.0),
    AS_PUBLISHED.key: ("dash", 2.0),
    RAW.key: ("solid", 1.5),
}
MAGNITUDE = "Perturbation magnitude ‖p‖₂ (standard deviations σ of the activations)"
#: A figure sends the browser no more points than this, however many curves it has.
MOST_POINTS = 6000
HATCH = {"shape": "/", "size": 9, "solidity": 0.1}
_PANELS_A_ROW = 4
_PANEL_HEIGHT, _AROUND = 350, 204  # pixels


def success_curves(
    frame: pd.DataFrame,
    *,
    focus: str,
    colours: Mapping[str, str],
    subsets: Sequence[str] | None = None,
    trials: int | None = None,
    title: str = "",
    subtitle: Sequence[str] = (),
    logarithmic: bool = False,
    scheme: SchemeName = "light",
) -> go.Figure:
    """Curves with a panel a layer subset, a colour a classifier, a line style an estimand.

    `frame`: rows as `labelling.curves.success_curves` gives them, of one or more estimands; of one
    search and schedule. `focus` is the key of the estimand that gets the 95 % band, the bounds for
    missing judgements and the counts; the others are thin companions. `colours`: classifier →
    colour. `subsets` orders the panels. `subtitle` is lines under the title. Raises ValueError when
    the frame mixes searches or schedules, since their magnitudes are not comparable.
    """
    if len(frame[["search", "schedule_name"]].drop_duplicates()) > 1:
        raise ValueError("Curves of different searches or schedules do not go into one chart.")
    panels = list(subsets or frame["subset"].unique())
    rows = max(1, ceil(len(panels) / _PANELS_A_ROW))
    columns = ceil(len(panels) / rows) or 1
    figure = make_subplots(
        rows,
        columns,
        subplot_titles=[_panel_title(frame, panel, focus, colours) for panel in panels],
        shared_xaxes="all",
        shared_yaxes="all",
        horizontal_spacing=0.03,
        vertical_spacing=0.24 / rows,
    )
    thinning = max(2, MOST_POINTS // max(1, _traces(frame, focus)))
    shown: set[str] = set()
    # The focus comes last, so that it lies on top.
    keys = sorted(frame["estimand"].unique(), key=lambda key: (key == focus, key))
    for place, panel in enumerate(panels):
        cell = {"row": place // columns + 1, "col": place % columns + 1}
        for key in keys:
            chosen = frame[(frame["subset"] == panel) & (frame["estimand"] == key)]
            for classifier, curve in chosen.groupby("classifier"):
                curve = _prepared(curve, thinning, logarithmic)
                colour = colours[classifier]
                if key == focus:
                    figure.add_traces(_band(curve, colour, classifier), **_cells(cell, 2))
                    if curve["missing"].iloc[0]:
                        figure.add_traces(_bounds(curve, colour, classifier), **_cells(cell, 2))
                line = _line(curve, key, classifier, colour, key == focus)
                line.showlegend = key == focus and classifier not in shown
                if key == focus:
                    shown.add(classifier)
                figure.add_trace(line, **cell)
    for entry in _legend_of_styles(frame, focus, keys, SCHEMES[scheme].muted):
        figure.add_trace(entry, row=1, col=1)
    _lay_out(figure, frame, logarithmic, rows, columns)
    lines = "<br>".join(subtitle)
    figure.update_layout(
        template=template(scheme),
        title={"text": title, "subtitle": {"text": lines}, "y": 1, "yref": "container"},
        title_pad={"t": 16},
    )
    return figure


def _lay_out(
    figure: go.Figure, frame: pd.DataFrame, logarithmic: bool, rows: int, columns: int
) -> None:
    low, high = _range(frame, logarithmic)
    figure.update_xaxes(
        type="log" if logarithmic else "linear",
        range=[np.log10(low), np.log10(high)] if logarithmic else [low, high],
        dtick="D2" if logarithmic and high / low < 100 else None,
        showticklabels=True,
    )
    figure.update_yaxes(range=[0, 1.015], tickformat=".0%", dtick=0.2)
    figure.update_yaxes(title_text="Proportion fooled", col=1)
    figure.update_layout(
        height=rows * _PANEL_HEIGHT + _AROUND,
        margin={"t": 132, "b": 100, "l": 64, "r": 16},
        hovermode="closest",
        legend={
            "orientation": "h",
            "x": 0,
            "xanchor": "left",
            "y": -74 / (rows * _PANEL_HEIGHT),
            "yanchor": "top",
            "itemsizing": "trace",
            "tracegroupgap": 0,
        },
    )
    figure.add_annotation(
        text=MAGNITUDE,
        x=0.5,
        y=0,
        xref="paper",
        yref="paper",
        yshift=-34,
        yanchor="top",
        showarrow=False,
        font_size=13,
    )


def _cells(cell: dict[str, int], count: int) -> dict[str, list[int]]:
    return {"rows": [cell["row"]] * count, "cols": [cell["col"]] * count}


def _panel_title(frame: pd.DataFrame, panel: str, focus: str, colours: Mapping[str, str]) -> str:
    """The subset's name, and for each classifier the denominator (and the share removed)."""
    chosen = frame[(frame["subset"] == panel) & (frame["estimand"] == focus)]
    counts = []
    for classifier, curve in chosen.groupby("classifier"):
        text = f"n = {curve['n'].iloc[0]}"
        if focus == AS_PUBLISHED.key:
            text += f" ({curve['removed_share'].iloc[0]:.0%} of the eligible removed)"
        counts.append(f"<span style='color:{colours[classifier]}'>■</span> {text}")
    under = "   ".join(counts) or "no curve: nothing judged yet"
    return f"<b>Layers: {panel}</b><br><span style='font-size:12px'>{under}</span>"


def _prepared(curve: pd.DataFrame, most: int, logarithmic: bool) -> pd.DataFrame:
    """At most so many points, sorted; on a log axis magnitude 0 becomes the first one above it."""
    curve = curve.sort_values("magnitude")
    if logarithmic:
        positive = curve["magnitude"][curve["magnitude"] > 0]
        start = positive.min() / 10 if len(positive) else 0.01
        curve = curve.assign(magnitude=curve["magnitude"].clip(lower=start))
    if len(curve) <= most:
        return curve
    return curve.iloc[np.linspace(0, len(curve) - 1, most).round().astype(int)]


def _line(curve: pd.DataFrame, key: str, classifier: str, colour: str, focused: bool) -> go.Scatter:
    dash, width = LINES[key]
    details = curve[["low", "high", "fooled", "n", "at_risk", "bound_low", "bound_high"]]
    hover = (
        f"<b>{classifier}</b> · {ESTIMANDS[key].name.lower()}<br>"
        "‖p‖₂ up to %{x:.3g}: <b>%{y:.1%}</b>"
    )
    if focused:
        hover += (
            " [%{customdata[0]:.1%}, %{customdata[1]:.1%}]<br>"
            "%{customdata[2]} fooled of n = %{customdata[3]}; %{customdata[4]} still at risk"
        )
        if curve["missing"].iloc[0]:
            hover += (
                "<br>%{customdata[5]:.1%} to %{customdata[6]:.1%}, whatever the "
                f"{curve['missing'].iloc[0]} missing judgements say"
            )
    return go.Scatter(
        x=curve["magnitude"],
        y=curve["proportion"],
        customdata=details.to_numpy() if focused else None,
        mode="lines",
        name=classifier,
        legendgroup=classifier,
        line={"color": colour, "dash": dash, "width": width, "shape": "hv"},
        hovertemplate=hover + "<extra></extra>",
    )


def _band(curve: pd.DataFrame, colour: str, classifier: str) -> list[go.Scatter]:
    fill = {"fillcolor": translucent(colour, 0.16)}
    return _between(curve["magnitude"], curve["low"], curve["high"], classifier, **fill)


def _bounds(curve: pd.DataFrame, colour: str, classifier: str) -> list[go.Scatter]:
    hatch = {**HATCH, "fgcolor": colour, "fgopacity": 0.45, "fillmode": "replace"}
    return _between(
        curve["magnitude"],
        curve["bound_low"],
        curve["bound_high"],
        classifier,
        fillpattern=hatch,
        fillcolor=translucent(colour, 0.01),
    )


def _between(
    x: pd.Series, low: pd.Series, high: pd.Series, classifier: str, **filling: object
) -> list[go.Scatter]:
    edge = {
        "x": x,
        "mode": "lines",
        "line": {"width": 0, "shape": "hv"},
        "legendgroup": classifier,
        "showlegend": False,
        "hoverinfo": "skip",
    }
    return [
        go.Scatter(y=low, **edge),
        go.Scatter(y=high, fill="tonexty", **edge, **filling),
    ]


def _legend_of_styles(
    frame: pd.DataFrame, focus: str, keys: Sequence[str], grey: str
) -> list[go.Scatter | go.Bar]:
    """Legend entries without data: each estimand's line, the band, and the bounds."""
    blank = {"x": [None], "y": [None], "hoverinfo": "skip"}
    entries = [
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
        band = " / ".join(focused["band"].unique())
        marker = {"symbol": "square", "size": 13, "color": translucent(grey, 0.3)}
        entries.append(go.Scatter(**blank, **square, name=f"95 % band ({band})", marker=marker))
    if len(focused) and focused["missing"].any():
        name = "possible, whatever the missing judgements say"
        pattern = {**HATCH, "size": 5, "fgcolor": grey}
        marker = {"color": translucent(grey, 0.05), "pattern": pattern}
        entries.append(go.Bar(**blank, name=name, marker=marker))
    return entries


def _traces(frame: pd.DataFrame, focus: str) -> int:
    """How many traces the frame will make: the focus has a band and bounds beside its line."""
    curves = frame.groupby(["subset", "classifier", "estimand"]).ngroups
    focused = frame[frame["estimand"] == focus].groupby(["subset", "classifier"]).ngroups
    return curves + 4 * focused


def _range(frame: pd.DataFrame, logarithmic: bool) -> tuple[float, float]:
    """Where to look: up to the last magnitude at which any curve still moves."""
    ordered = frame.sort_values("magnitude")
    groups = ordered.groupby(["estimand", "subset", "classifier"])["proportion"]
    steps = ordered[ordered["proportion"] > groups.shift(fill_value=0.0)]["magnitude"]
    steps = steps[steps > 0]
    if steps.empty:
        return (0.1, 1.0) if logarithmic else (0.0, max(1.0, frame["magnitude"].max() or 1.0))
    return (steps.min() * 0.8 if logarithmic else 0.0), steps.max() * (
        1.15 if logarithmic else 1.05
    )
