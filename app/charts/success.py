"""Magnitude against success (Dunn et al. 2020, figures 5 and 13)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from math import ceil, floor, log10
from typing import Literal

import numpy as np
import pandas as pd
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from app.charts.curve_traces import (
    LINES,
    NUMBERS,
    SUBSET_DASHES,
    Trace,
    band,
    bounds,
    legend_of_styles,
    line,
    thinned,
    weight_of_traces,
)
from app.charts.theme import SCHEMES, SchemeName, headed
from labelling.estimands import AS_PUBLISHED

PanelOf = Literal["subset", "classifier"]

MAGNITUDE = "Perturbation magnitude ‖p‖₂ (standard deviations σ of the activations)"
#: A figure sends the browser no more points than this, however many curves it has.
MOST_POINTS = 9_600
_PANELS_A_ROW = 4
#: In pixels.
_PANEL, _GAP, _RISK_LINE, _TOP, _BOTTOM = 330, 62, 17, 132, 112
_TICKS = 7


def success_curves(
    frame: pd.DataFrame,
    *,
    focus: str,
    colours: Mapping[str, str],
    panels: PanelOf = "subset",
    subsets: Sequence[str] | None = None,
    risk: pd.DataFrame | None = None,
    title: str = "",
    subtitle: Sequence[str] = (),
    logarithmic: bool = False,
    scheme: SchemeName = "light",
) -> go.Figure:
    """Curves with a panel a layer subset or a classifier, and a colour a classifier.

    `frame`: rows as `labelling.curves.success_curves` gives them, of one or more estimands; of one
    search and schedule. `focus` is the key of the estimand that gets the 95 % band, the bounds for
    missing judgements and the counts. In panels of layers the others are thin companions, told
    apart by line style; in panels of classifiers line styles tell layers apart, and the focus is
    drawn alone. `colours`: classifier → colour. `subsets` is their order. `risk`: rows (subset,
    classifier, magnitude, at_risk) at `risk_magnitudes`, written under each panel. `subtitle` is
    lines under the title. Raises ValueError when the frame mixes searches or schedules, since their
    magnitudes are not comparable.
    """
    if len(frame[["search", "schedule_name"]].drop_duplicates()) > 1:
        raise ValueError("Curves of different searches or schedules do not go into one chart.")
    subsets = list(subsets or frame["subset"].unique())
    if panels == "classifier":
        frame = frame[frame["estimand"] == focus]
    names = subsets if panels == "subset" else sorted(frame["classifier"].unique())
    layout = _Layout(len(names), _lines_of_risk(risk, panels))
    figure = make_subplots(
        2 * layout.rows,
        layout.columns,
        subplot_titles=[""] * (2 * layout.rows * layout.columns),
        shared_xaxes="all",
        horizontal_spacing=0.035,
        vertical_spacing=_GAP / layout.height,
        row_heights=[_PANEL, layout.risk] * layout.rows,
    )
    figure.layout.annotations = ()
    most = max(2, MOST_POINTS // max(1, weight_of_traces(frame, focus)))
    # The focus comes last, so that it lies on top.
    keys = sorted(frame["estimand"].unique(), key=lambda key: (key == focus, key))
    shown: set[str] = set()
    for place, name in enumerate(names):
        cell = {"row": 2 * (place // layout.columns) + 1, "col": place % layout.columns + 1}
        here = frame[frame[panels] == name]
        _draw(figure, cell, here, keys, focus, colours, panels, subsets, most, logarithmic, shown)
        text = _panel_title(here[here["estimand"] == focus], name, panels, colours, subsets)
        _annotate(figure, cell, text, y=1.0, yshift=6, yanchor="bottom", x=0.5, xanchor="center")
        if risk is not None:
            _write_risk(figure, cell, risk[risk[panels] == name], panels, colours, subsets, scheme)
    styles = legend_of_styles(
        frame, focus, keys if panels == "subset" else [], SCHEMES[scheme].muted
    )
    if panels == "classifier":
        styles = [*_legend_of_subsets(frame, focus, subsets, SCHEMES[scheme].muted), *styles]
    for entry in styles:
        figure.add_trace(entry, row=1, col=1)
    _lay_out(figure, frame, logarithmic, layout, names)
    figure.update_layout(
        **headed(scheme, title, subtitle),
    )
    return figure


def risk_magnitudes(frame: pd.DataFrame, logarithmic: bool) -> list[float]:
    """Where the axis of the frame's chart has its ticks, for the counts at risk under it."""
    low, high = _range(frame, logarithmic)
    if logarithmic:
        decades = range(floor(log10(low)), ceil(log10(high)) + 1)
        steps = (1, 2, 5) if high / low < 100 else (1,)
        ticks = [step * 10.0**decade for decade in decades for step in steps]
    else:
        # As Plotly chooses them for at most so many ticks: 1, 2 or 5 times a power of ten.
        rough = (high - low) / _TICKS
        power = 10.0 ** floor(log10(rough))
        step = next(unit * power for unit in (1, 2, 5, 10) if rough <= unit * power)
        ticks = [float(tick) for tick in np.arange(0, high / step) * step]
    return [tick for tick in ticks if low <= tick <= high]


class _Layout:
    """Rows and columns of panels, and heights in pixels."""

    def __init__(self, panels: int, risk_lines: int) -> None:
        self.rows = max(1, ceil(panels / _PANELS_A_ROW))
        self.columns = ceil(panels / self.rows) or 1
        self.risk = max(1, _RISK_LINE * risk_lines)
        self.height = self.rows * (_PANEL + self.risk) + (2 * self.rows - 1) * _GAP


def _lines_of_risk(risk: pd.DataFrame | None, panels: PanelOf) -> int:
    if risk is None or risk.empty:
        return 0
    return int(risk["classifier" if panels == "subset" else "subset"].nunique())


def _draw(
    figure: go.Figure,
    cell: dict[str, int],
    here: pd.DataFrame,
    keys: Sequence[str],
    focus: str,
    colours: Mapping[str, str],
    panels: PanelOf,
    subsets: Sequence[str],
    most: int,
    logarithmic: bool,
    shown: set[str],
) -> None:
    traces: list[Trace] = []
    for key in keys:
        for _, curve in here[here["estimand"] == key].groupby("condition_id", sort=False):
            first = curve.iloc[0]
            classifier, subset = first["classifier"], first["subset"]
            colour = colours[classifier]
            points = thinned(curve[list(NUMBERS)], most, logarithmic)
            if key == focus:
                traces.append(band(points, colour, classifier))
                if first["missing"]:
                    traces.append(bounds(points, colour, classifier))
            traces.append(
                line(
                    points,
                    first,
                    colour=colour,
                    dash=LINES[key][0] if panels == "subset" else _dash(subset, subsets),
                    focused=key == focus,
                    in_legend=key == focus and classifier not in shown,
                )
            )
            shown |= {classifier} if key == focus else set()
    figure.add_traces(traces, **_cells(cell, len(traces)))


def _dash(subset: str, subsets: Sequence[str]) -> str:
    return SUBSET_DASHES[list(subsets).index(subset) % len(SUBSET_DASHES)]


def _legend_of_subsets(
    frame: pd.DataFrame, focus: str, subsets: Sequence[str], grey: str
) -> list[go.Scatter]:
    there = set(frame["subset"])
    return [
        go.Scatter(
            x=[None],
            y=[None],
            hoverinfo="skip",
            mode="lines",
            name=f"layers: {subset}",
            line={"color": grey, "dash": _dash(subset, subsets), "width": LINES[focus][1]},
        )
        for subset in subsets
        if subset in there
    ]


def _panel_title(
    focused: pd.DataFrame,
    name: str,
    panels: PanelOf,
    colours: Mapping[str, str],
    subsets: Sequence[str],
) -> str:
    """The panel's name, and the denominator (and the share removed): of each curve, or their range.

    Four curves' shares, or the names of four layer subsets, would not fit over a panel.
    """
    heading = f"Layers: {name}" if panels == "subset" else name
    firsts = [curve.iloc[0] for _, curve in _in_order(focused, subsets)]
    published = any(first["estimand"] == AS_PUBLISHED.key for first in firsts)
    if not firsts:
        under = "no curve: nothing judged yet"
    elif panels == "subset" and len(firsts) <= (2 if published else 4):
        under = "   ".join(
            f"<span style='color:{colours[first['classifier']]}'>■</span> {_counted([first])}"
            for first in firsts
        )
    else:
        under = _counted(firsts)
    return f"<b>{heading}</b><br><span style='font-size:12px'>{under}</span>"


def _counted(firsts: Sequence[pd.Series]) -> str:
    text = f"n = {_span(first['n'] for first in firsts)}"
    if any(first["estimand"] == AS_PUBLISHED.key for first in firsts):
        shares = _span(f"{first['removed_share']:.0%}" for first in firsts)
        text += f" ({shares} of the eligible removed)"
    return text


def _span(values: Iterable[object]) -> str:
    ordered = sorted(set(values), key=lambda value: float(str(value).rstrip("%")))
    return f"{ordered[0]}" if len(ordered) == 1 else f"{ordered[0]} to {ordered[-1]}"


def _in_order(focused: pd.DataFrame, subsets: Sequence[str]) -> list[tuple[object, pd.DataFrame]]:
    place = {subset: number for number, subset in enumerate(subsets)}
    groups = focused.groupby(["classifier", "subset"], sort=True)
    return sorted(groups, key=lambda one: (one[0][0], place.get(one[0][1], 0)))


def _write_risk(
    figure: go.Figure,
    cell: dict[str, int],
    risk: pd.DataFrame,
    panels: PanelOf,
    colours: Mapping[str, str],
    subsets: Sequence[str],
    scheme: SchemeName,
) -> None:
    """A line of numbers a curve, under the ticks of the axis above."""
    under = {"row": cell["row"] + 1, "col": cell["col"]}
    lines = [] if risk.empty else _in_order(risk, subsets)
    if lines:
        counts = pd.concat([counts for _, counts in lines])
        each = [len(counts) for _, counts in lines]
        figure.add_trace(
            {
                "type": "scatter",
                "x": counts["magnitude"].to_numpy(),
                "y": np.repeat(np.arange(len(lines)), each),
                "text": counts["at_risk"].astype(str).to_numpy(object),
                "mode": "text",
                "textfont": {"size": 11, "color": SCHEMES[scheme].muted},
                "cliponaxis": False,
                "hoverinfo": "skip",
                "showlegend": False,
            },
            **under,
        )
    figure.update_yaxes(
        tickmode="array",
        tickvals=list(range(len(lines))),
        ticktext=[
            f"<span style='color:{colours[classifier]}'>■</span>" if panels == "subset" else subset
            for (classifier, subset), _ in lines
        ],
        range=[max(len(lines), 1) - 0.5, -0.5],
        ticklabelstandoff=18,
        **under,
    )
    if cell["col"] == 1 and lines:
        text = "<span style='font-size:11px'>at risk</span>"
        place = {"x": 0, "xanchor": "right", "xshift": -16, "y": 1, "yanchor": "bottom"}
        _annotate(figure, under, text, **place)


def _annotate(figure: go.Figure, cell: dict[str, int], text: str, **place: object) -> None:
    """Text placed within the domain of a cell."""
    trace_free = figure.get_subplot(cell["row"], cell["col"])
    x, y = trace_free.xaxis.anchor, trace_free.yaxis.anchor  # such as y3 and x3
    figure.add_annotation(
        text=text,
        xref=f"{y} domain",
        yref=f"{x} domain",
        showarrow=False,
        font={"size": 14},
        **place,
    )


def _lay_out(
    figure: go.Figure, frame: pd.DataFrame, logarithmic: bool, layout: _Layout, names: Sequence[str]
) -> None:
    low, high = _range(frame, logarithmic)
    across = {
        "type": "log" if logarithmic else "linear",
        "range": [np.log10(low), np.log10(high)] if logarithmic else [low, high],
        "dtick": "D2" if logarithmic and high / low < 100 else None,
        "nticks": None if logarithmic else _TICKS,
        # Plotly finds margins by drawing again and again: with sixteen curves that takes a second.
        "automargin": False,
    }
    up = {"fixedrange": True, "automargin": False}
    bare = {"showgrid": False, "showline": False, "ticks": "", "zeroline": False}
    axes: dict[str, dict[str, object]] = {}
    for place in range(layout.rows * layout.columns):
        row, column = 2 * (place // layout.columns) + 1, place % layout.columns + 1
        above, below = (figure.get_subplot(one, column) for one in (row, row + 1))
        seen = {} if place < len(names) else {"visible": False}
        axes[_name(above.xaxis)] = across | {"showticklabels": True} | seen
        axes[_name(above.yaxis)] = (
            up
            | {"range": [0, 1.015], "tickformat": ".0%", "dtick": 0.2}
            | {"showticklabels": column == 1}
            | ({"title": {"text": "Proportion fooled"}} if column == 1 else {})
            | seen
        )
        axes[_name(below.xaxis)] = across | bare | {"showticklabels": False} | seen
        axes[_name(below.yaxis)] = up | bare | seen
    # One update of all axes: one by one they would take as long as the curves.
    figure.update_layout(
        axes,
        height=layout.height + _TOP + _BOTTOM,
        margin={"t": _TOP, "b": _BOTTOM, "l": 76, "r": 16},
        hovermode="closest",
        clickmode="event+select",
        legend={
            "orientation": "h",
            "x": 0,
            "xanchor": "left",
            "y": -58 / layout.height,
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
        yshift=-24,
        yanchor="top",
        showarrow=False,
        font_size=13,
    )


def _name(axis: object) -> str:
    """An axis's name in the layout, such as "xaxis3"."""
    return axis.plotly_name


def _cells(cell: dict[str, int], count: int) -> dict[str, list[int]]:
    return {"rows": [cell["row"]] * count, "cols": [cell["col"]] * count}


def _range(frame: pd.DataFrame, logarithmic: bool) -> tuple[float, float]:
    """Where to look: up to the last magnitude at which any curve still moves."""
    ordered = frame.sort_values("magnitude")
    groups = ordered.groupby(["estimand", "condition_id"])["proportion"]
    steps = ordered[ordered["proportion"] > groups.shift(fill_value=0.0)]["magnitude"]
    steps = steps[steps > 0]
    if steps.empty:
        return (0.1, 1.0) if logarithmic else (0.0, max(1.0, frame["magnitude"].max() or 1.0))
    return (steps.min() * 0.8 if logarithmic else 0.0), steps.max() * (
        1.15 if logarithmic else 1.05
    )
