"""What people say, drawn over a map: judged pictures, and the surface of agreement."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import plotly.graph_objects as go
from contourpy import contour_generator

from app.charts.map_parts import (
    ANSWERS,
    DISAGREE,
    SYMBOLS,
    Agreement,
    Point,
    Values,
    legend_entry,
)

#: Where the classifier fails while people agree: colour and opacity.
FAILING = (213, 94, 0, 115)
_FAILING = "rgba(213, 94, 0, 0.45)"
_AGREEMENT = "#CC79A7"
_OUTLINE = {"color": "#000000", "width": 1.2}


def judged_points(points: Sequence[Point], seen: set[str]) -> Iterator[go.Scatter]:
    """A trace an answer; diamonds where the answers come to a no under the rule."""
    for answer, (colour, name) in ANSWERS.items():
        of_answer = [point for point in points if point.answer == answer]
        if not of_answer:
            continue
        line = _OUTLINE if answer != "meaningless" else _OUTLINE | {"color": "#ffffff"}
        look = {"size": 10, "color": colour, "line": line}
        yield _entry(name, look | {"symbol": "circle"}, seen)
        yield go.Scatter(
            x=[point.u[0] for point in of_answer],
            y=[point.u[1] for point in of_answer],
            mode="markers",
            marker=look | {"symbol": [SYMBOLS[point.judgement] for point in of_answer]},
            text=[point.text for point in of_answer],
            hovertemplate="%{text}<extra></extra>",
            **legend_entry(name, seen),
        )
    if any(point.judgement == "disagree" for point in points):
        look = {"symbol": SYMBOLS["disagree"], "size": 10, "color": "#b3b3b3", "line": _OUTLINE}
        yield _entry(DISAGREE, look, seen)


def agreement_lines(agreement: Agreement, seen: set[str]) -> Iterator[go.Scatter]:
    """Where half of the people agree, with the ends of its interval: lines, which animate."""
    for values, dash, width, name in (
        (agreement.probability, "solid", 3, "half of the people agree"),
        (agreement.low, "dot", 1.5, "its 95 % interval"),
        (agreement.high, "dot", 1.5, "its 95 % interval"),
    ):
        xs, ys = _half(agreement.coordinates, values)
        yield go.Scatter(
            x=xs,
            y=ys,
            mode="lines",
            line={"color": _AGREEMENT, "width": width, "dash": dash},
            hoverinfo="skip",
            **legend_entry(name, seen),
        )


def failing_area(agreement: Agreement, number: int, seen: set[str]) -> Iterator[go.BaseTraceType]:
    """The part of a panel in which its classifier fails while people agree, and its name."""
    x, y = agreement.coordinates
    yield go.Heatmap(
        x=x,
        y=y,
        z=np.where(agreement.failing[number], 1.0, np.nan).T,
        colorscale=[[0, _FAILING], [1, _FAILING]],
        showscale=False,
        hoverinfo="skip",
        name="classifier fails, people agree",
    )
    yield failing_entry(seen)


def failing_entry(seen: set[str]) -> go.Scatter:
    """Heat maps and images have no entry in the legend."""
    marker = {"symbol": "square", "size": 12, "color": _FAILING}
    return _entry("classifier fails, people agree", marker, seen)


def _entry(name: str, marker: dict[str, object], seen: set[str]) -> go.Scatter:
    return go.Scatter(x=[None], y=[None], mode="markers", marker=marker, **legend_entry(name, seen))


def _half(
    coordinates: tuple[Values, Values], values: Values
) -> tuple[list[float | None], list[float | None]]:
    """The lines along which the values (p, q) are one half, with gaps between them."""
    lines = contour_generator(*coordinates, np.asarray(values, float).T).lines(0.5)
    xs: list[float | None] = []
    ys: list[float | None] = []
    for line in lines:
        xs += [*line[:, 0].tolist(), None]
        ys += [*line[:, 1].tolist(), None]
    return xs, ys
