"""Magnitude against success (Dunn et al. 2020, figures 5 and 13)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from math import ceil, floor, log10
from typing import Literal

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from app.charts.curve_panels import TICKS, Panels, Part, note
from app.charts.curve_traces import (
    LINES,
    SUBSET_DASHES,
    Curve,
    Trace,
    band,
    bounds,
    curves_in,
    legend_line,
    legend_of_styles,
    line,
    weight_of_traces,
)
from app.charts.grid import BLANK
from app.charts.theme import SCHEMES, SchemeName, headed
from labelling.estimands import AS_PUBLISHED, RAW

PanelOf = Literal["subset", "classifier"]

MAGNITUDE = "Perturbation magnitude ‖p‖₂ (standard deviations σ of the activations)"
#: A figure sends the browser no more points than this, however many curves it has.
MOST_POINTS = 9_600


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
    curves, muted = curves_in(frame), SCHEMES[scheme].muted
    by_subset = panels == "subset"
    names = subsets if by_subset else sorted({curve.classifier for curve in curves})
    at_risk = {} if risk is None else _at_risk(risk, panels, subsets)
    places = Panels(len(names), max(map(len, at_risk.values()), default=0))
    most = max(2, MOST_POINTS // max(1, weight_of_traces(curves, focus)))
    # The focus comes last, so that it lies on top.
    keys = sorted({curve.estimand for curve in curves}, key=lambda key: (key == focus, key))
    traces: list[Trace] = []
    notes: list[Part] = []
    ticks: dict[int, list[str]] = {}
    shown: set[str] = set()
    for place, name in enumerate(names):
        here = [curve for curve in curves if getattr(curve, panels) == name]
        for curve in sorted(here, key=lambda one: keys.index(one.estimand)):
            focused = curve.estimand == focus
            drawn = _drawn(
                curve.thinned(most, logarithmic),
                colours[curve.classifier],
                LINES[curve.estimand][0] if by_subset else _dash(curve.subset, subsets),
                focused=focused,
                in_legend=focused and curve.classifier not in shown,
            )
            traces += _on(places.curves(place), drawn)
            shown |= {curve.classifier} if focused else set()
        if not here:
            traces += _on(places.curves(place), [BLANK])
        of_focus = [curve for curve in here if curve.estimand == focus]
        waits_for = "no trial has ended yet" if focus == RAW.key else "nothing judged yet"
        heading = _panel_title(of_focus, name, panels, colours, subsets, waits_for)
        notes.append(note(heading, places.curves(place), **_HEADING))
        if risk is not None:
            lines = at_risk.get(name, {})
            ticks[place] = [
                f"<span style='color:{colours[one]}'>■</span>" if by_subset else one
                for one in lines
            ]
            counts = _counts(list(lines.values()), muted) if lines else BLANK
            traces += _on(places.counts(place), [counts])
            if lines and place % places.columns == 0:
                notes.append(note(_AT_RISK, places.counts(place), **_BEFORE))
    styles = legend_of_styles(curves, focus, keys if by_subset else [], muted)
    if not by_subset:
        styles = [*_legend_of_subsets(curves, focus, subsets, muted), *styles]
    traces += _on("", styles)
    layout = places.layout(_range(curves, logarithmic), logarithmic, ticks)
    size = {"height": layout["height"], "margin": layout["margin"]}
    layout |= headed(scheme, title, subtitle, **size) | {"annotations": [*notes, _MAGNITUDE_AXIS]}
    # A test has Plotly check such figures; at each drawing that would take as long as the curves.
    return go.Figure({"data": traces, "layout": layout}, _validate=False)


def risk_magnitudes(frame: pd.DataFrame, logarithmic: bool) -> list[float]:
    """Where the axis of the frame's chart has its ticks, for the counts at risk under it."""
    low, high = _range(curves_in(frame), logarithmic)
    if logarithmic:
        decades = range(floor(log10(low)), ceil(log10(high)) + 1)
        steps = (1, 2, 5) if high / low < 100 else (1,)
        ticks = [step * 10.0**decade for decade in decades for step in steps]
    else:
        # As Plotly chooses them for at most so many ticks: 1, 2 or 5 times a power of ten.
        rough = (high - low) / TICKS
        power = 10.0 ** floor(log10(rough))
        step = next(unit * power for unit in (1, 2, 5, 10) if rough <= unit * power)
        ticks = [float(tick) for tick in np.arange(0, high / step) * step]
    return [tick for tick in ticks if low <= tick <= high]


_HEADING = {"y": 1.0, "yshift": 6, "yanchor": "bottom", "x": 0.5, "xanchor": "center"}
_AT_RISK = "<span style='font-size:11px'>at risk</span>"
_BEFORE = {"x": 0, "xanchor": "right", "xshift": -16, "y": 1, "yanchor": "bottom"}
_MAGNITUDE_AXIS: Part = {
    "text": MAGNITUDE,
    "x": 0.5,
    "y": 0,
    "xref": "paper",
    "yref": "paper",
    "yshift": -24,
    "yanchor": "top",
    "showarrow": False,
    "font": {"size": 13},
}


def _on(axes: str, traces: Iterable[Trace]) -> list[Trace]:
    """The traces, drawn on the axes of this number."""
    return [trace | {"xaxis": f"x{axes}", "yaxis": f"y{axes}"} for trace in traces]


def _drawn(curve: Curve, colour: str, dash: str, *, focused: bool, in_legend: bool) -> list[Trace]:
    """A curve's traces, the line on top."""
    area = [band(curve, colour)] if focused else []
    if focused and curve.missing:
        area.append(bounds(curve, colour))
    return [*area, line(curve, colour=colour, dash=dash, focused=focused, in_legend=in_legend)]


def _dash(subset: str, subsets: Sequence[str]) -> str:
    return SUBSET_DASHES[list(subsets).index(subset) % len(SUBSET_DASHES)]


def _legend_of_subsets(
    curves: Sequence[Curve], focus: str, subsets: Sequence[str], grey: str
) -> list[Trace]:
    there = {curve.subset for curve in curves}
    return [
        legend_line(f"layers: {subset}", grey, _dash(subset, subsets), LINES[focus][1])
        for subset in subsets
        if subset in there
    ]


def _panel_title(
    focused: Sequence[Curve],
    name: str,
    panels: PanelOf,
    colours: Mapping[str, str],
    subsets: Sequence[str],
    waits_for: str,
) -> str:
    """The panel's name, and the denominator (and the share removed): of each curve, or their range.
    Without a curve: what it waits for.

    Four curves' shares, or the names of four layer subsets, would not fit over a panel.
    """
    heading = f"Layers: {name}" if panels == "subset" else name
    ordered = sorted(focused, key=lambda one: (one.classifier, list(subsets).index(one.subset)))
    published = any(curve.estimand == AS_PUBLISHED.key for curve in ordered)
    if not ordered:
        under = f"no curve: {waits_for}"
    elif panels == "subset" and len(ordered) <= (2 if published else 4):
        under = "   ".join(
            f"<span style='color:{colours[curve.classifier]}'>■</span> {_counted([curve])}"
            for curve in ordered
        )
    else:
        under = _counted(ordered)
    return f"<b>{heading}</b><br><span style='font-size:12px'>{under}</span>"


def _counted(curves: Sequence[Curve]) -> str:
    text = f"n = {_span(curve.n for curve in curves)}"
    if any(curve.estimand == AS_PUBLISHED.key for curve in curves):
        shares = _span(f"{curve.removed_share:.0%}" for curve in curves)
        text += f" ({shares} of the eligible removed)"
    return text


def _span(values: Iterable[object]) -> str:
    ordered = sorted(set(values), key=lambda value: float(str(value).rstrip("%")))
    return f"{ordered[0]}" if len(ordered) == 1 else f"{ordered[0]} to {ordered[-1]}"


#: A line of counts: the magnitudes, and how many are at risk there.
Line = tuple[np.ndarray, np.ndarray]


def _at_risk(
    risk: pd.DataFrame, panels: PanelOf, subsets: Sequence[str]
) -> dict[str, dict[str, Line]]:
    """For each panel a line a curve, under the classifier's or the subset's name."""
    magnitude, count = risk["magnitude"].to_numpy(), risk["at_risk"].to_numpy()
    place = {subset: number for number, subset in enumerate(subsets)}
    groups = risk.groupby(["classifier", "subset"], sort=False).indices.items()
    lines: dict[str, dict[str, Line]] = {}
    for (classifier, subset), rows in sorted(
        groups, key=lambda one: (one[0][0], place.get(one[0][1], 0))
    ):
        panel, name = (subset, classifier) if panels == "subset" else (classifier, subset)
        lines.setdefault(panel, {})[name] = magnitude[rows], count[rows]
    return lines


def _counts(lines: Sequence[Line], colour: str) -> Trace:
    """The numbers, a line a curve, under the ticks of the axis above."""
    return {
        "type": "scatter",
        "x": np.concatenate([magnitude for magnitude, _ in lines]),
        "y": np.repeat(np.arange(len(lines)), [len(count) for _, count in lines]),
        "text": [str(one) for _, count in lines for one in count.tolist()],
        "mode": "text",
        "textfont": {"size": 11, "color": colour},
        "cliponaxis": False,
        "hoverinfo": "skip",
        "showlegend": False,
    }


def _range(curves: Sequence[Curve], logarithmic: bool) -> tuple[float, float]:
    """Where to look: up to the last magnitude at which any curve still moves."""
    steps = np.concatenate(
        [
            curve.numbers["magnitude"][np.diff(curve.numbers["proportion"], prepend=0.0) > 0]
            for curve in curves
        ]
    )
    steps = steps[steps > 0]
    if not len(steps):
        largest = max((curve.numbers["magnitude"].max() for curve in curves), default=1.0)
        return (0.1, 1.0) if logarithmic else (0.0, float(max(1.0, largest or 1.0)))
    if logarithmic:
        return float(steps.min()) * 0.8, float(steps.max()) * 1.15
    return 0.0, float(steps.max()) * 1.05
