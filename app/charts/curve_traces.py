"""The traces of one magnitude–success curve: its line, its band, the bounds; and legend entries."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from app.charts.theme import translucent
from labelling.estimands import (
    AS_PUBLISHED,
    ESTIMANDS,
    FOOLED_WHILE_PEOPLE_AGREE,
    RAW,
    SOURCE_JUDGED,
)

#: A trace as Plotly reads it. As dictionaries, sixteen curves with their bands take a tenth of the
#: time that plotly.py takes to make and check an object of each of their attributes.
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


@dataclass(frozen=True)
class Curve:
    """One curve of a frame of `labelling.curves.success_curves`.

    `numbers` has an array for each of NUMBERS, in the order of magnitudes.
    """

    estimand: str
    condition_id: int
    classifier: str
    subset: str
    n: int
    missing: int
    removed_share: float
    band: str
    numbers: dict[str, NDArray[Any]]

    def thinned(self, most: int, logarithmic: bool) -> Curve:
        """At most so many points; on a log axis magnitude 0 becomes the first one above it."""
        numbers, count = self.numbers, len(self.numbers["magnitude"])
        if logarithmic:
            magnitude = numbers["magnitude"]
            positive = magnitude[magnitude > 0]
            start = positive.min() / 10 if len(positive) else 0.01
            numbers = numbers | {"magnitude": np.maximum(magnitude, start)}
        if count > most:
            kept = np.linspace(0, count - 1, most).round().astype(int)
            numbers = {name: column[kept] for name, column in numbers.items()}
        return replace(self, numbers=numbers)


def curves_in(frame: pd.DataFrame) -> list[Curve]:
    """The curves of a frame, in the order of their first rows."""
    columns = {name: frame[name].to_numpy() for name in NUMBERS}
    same = [name for name in Curve.__dataclass_fields__ if name != "numbers"]
    parts = list(frame.groupby(["estimand", "condition_id"], sort=False).indices.values())
    firsts = frame[same].iloc[[rows[0] for rows in parts]].to_dict("records")
    return [
        Curve(
            **first,
            numbers={
                name: column[rows[np.argsort(columns["magnitude"][rows], kind="stable")]]
                for name, column in columns.items()
            },
        )
        for first, rows in zip(firsts, parts, strict=True)
    ]


def line(curve: Curve, *, colour: str, dash: str, focused: bool, in_legend: bool) -> Trace:
    """The curve as steps. A focused one tells its counts, and its points can be clicked."""
    estimand, numbers = ESTIMANDS[curve.estimand], curve.numbers
    hover = (
        f"<b>{curve.classifier}</b>, layers {curve.subset} · {estimand.name.lower()}"
        "<br>‖p‖₂ up to %{x:.3g}: <b>%{y:.1%}</b>"
    )
    trace: Trace = {
        "type": "scatter",
        "x": numbers["magnitude"],
        "y": numbers["proportion"],
        "mode": "lines",
        "name": curve.classifier,
        "legendgroup": curve.classifier,
        "showlegend": in_legend,
        "line": {"color": colour, "dash": dash, "width": LINES[estimand.key][1], "shape": "hv"},
    }
    if focused:
        hover += (
            " [%{customdata[0]:.1%}, %{customdata[1]:.1%}]<br>"
            "%{customdata[2]} fooled of n = %{customdata[3]}; %{customdata[4]} still at risk"
        )
        if curve.missing:
            hover += (
                "<br>%{customdata[5]:.1%} to %{customdata[6]:.1%}, whatever the "
                f"{curve.missing} missing judgements say"
            )
        hover += "<br><i>click: the pictures</i>"
        trace["customdata"] = np.column_stack([numbers[name] for name in _TOLD])
    return trace | {"hovertemplate": hover + "<extra></extra>"}


def band(curve: Curve, colour: str) -> Trace:
    """The pointwise 95 % band."""
    return _between(curve, "low", "high", fillcolor=translucent(colour, 0.16))


def bounds(curve: Curve, colour: str) -> Trace:
    """What the curve could be, whatever the missing judgements say."""
    hatch = {**HATCH, "fgcolor": colour, "fgopacity": 0.45, "fillmode": "replace"}
    shade = translucent(colour, 0.01)
    return _between(curve, "bound_low", "bound_high", fillpattern=hatch, fillcolor=shade)


def _between(curve: Curve, low: str, high: str, **filling: object) -> Trace:
    """The area between two step curves, as one outline: forth along one, back along the other."""
    forth = np.repeat(curve.numbers["magnitude"], 2)[1:]
    lower, upper = (np.repeat(curve.numbers[name], 2)[:-1] for name in (low, high))
    return {
        "type": "scatter",
        "x": np.concatenate([forth, forth[::-1]]),
        "y": np.concatenate([upper, lower[::-1]]),
        "mode": "lines",
        "line": {"width": 0},
        "fill": "toself",
        "legendgroup": curve.classifier,
        "showlegend": False,
        "hoverinfo": "skip",
        **filling,
    }


def legend_of_styles(
    curves: Sequence[Curve], focus: str, keys: Sequence[str], grey: str
) -> list[Trace]:
    """Legend entries without data: each estimand's line, the band, and the bounds."""
    entries = [
        legend_line(ESTIMANDS[key].name, grey, LINES[key][0], LINES[key][1])
        for key in reversed(keys)
    ]
    focused = [curve for curve in curves if curve.estimand == focus]
    if focused:
        name = " / ".join(dict.fromkeys(curve.band for curve in focused))
        marker = {"symbol": "square", "size": 13, "color": translucent(grey, 0.3)}
        square = {"mode": "markers", "line": {"width": 0}, "marker": marker}
        entries.append(_BLANK | square | {"name": f"95 % band ({name})"})
    if any(curve.missing for curve in focused):
        name = "possible, whatever the missing judgements say"
        pattern = {**HATCH, "size": 5, "fgcolor": grey}
        marker = {"color": translucent(grey, 0.05), "pattern": pattern}
        entries.append(_BLANK | {"type": "bar", "name": name, "marker": marker})
    return entries


def legend_line(name: str, colour: str, dash: str, width: float) -> Trace:
    """A legend entry without data that shows a line."""
    style = {"color": colour, "dash": dash, "width": width}
    return _BLANK | {"mode": "lines", "name": name, "line": style}


_BLANK: Trace = {"type": "scatter", "x": [None], "y": [None], "hoverinfo": "skip"}


def weight_of_traces(curves: Sequence[Curve], focus: str) -> int:
    """How many points are sent for each point of a curve: a band, like the bounds, takes four."""
    return len(curves) + 8 * sum(curve.estimand == focus for curve in curves)
