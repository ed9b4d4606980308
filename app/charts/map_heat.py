"""Maps of two axes as heat maps, a panel a classifier, with regions, starts and judgements."""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil

import numpy as np
import plotly.graph_objects as go
from PIL import Image
from plotly.colors import sample_colorscale
from plotly.subplots import make_subplots

from app.charts.map_parts import (
    ANSWER_COLOURS,
    ANSWERS,
    BOX_COLOURS,
    DASHES,
    Agreement,
    AxisText,
    Box,
    Panel,
    Point,
    Values,
    kept_steps,
)
from app.charts.theme import SCHEMES, SchemeName, template

#: Scores 0 to 1 in one scale on every map; differences −1 to 1 around a neutral middle.
SCORE_SCALE, DIFFERENCE_SCALE = "Viridis", "RdBu"
_FAILING = "rgba(213, 94, 0, 0.45)"
_AGREEMENT = "#CC79A7"
PANEL_HEIGHT = {1: 560, 2: 440, 3: 360, 4: 300}
_MOST_COLUMNS = 4


def heat_maps(
    panels: Sequence[Panel],
    axes: tuple[AxisText, AxisText],
    coordinates: tuple[Values, Values],
    *,
    boxes: Sequence[Box] = (),
    starts: Sequence[tuple[float, float]] = (),
    points: Sequence[Point] = (),
    agreement: Agreement | None = None,
    quantity: str = "score",
    difference: bool = False,
    title: str = "",
    subtitle: str = "",
    animated: bool = False,
    scheme: SchemeName = "light",
) -> go.Figure:
    """A panel a classifier: `values` (p, q) with the first axis to the right.

    `animated`: with a slider over the updates of the boxes. Hovering a score says where it is.
    """
    columns = min(len(panels), _MOST_COLUMNS)
    rows = ceil(len(panels) / columns)
    figure = make_subplots(
        rows,
        columns,
        subplot_titles=[panel.title for panel in panels] if len(panels) > 1 else None,
        shared_xaxes="all",
        shared_yaxes="all",
        horizontal_spacing=0.045 if columns < 4 else 0.03,
        vertical_spacing=0.12 / rows if rows > 1 else 0,
    )
    moving: list[tuple[int, Box]] = []
    seen: set[str] = set()
    for number, panel in enumerate(panels):
        cell = {"row": number // columns + 1, "col": number % columns + 1}
        figure.add_trace(
            go.Heatmap(
                x=coordinates[0],
                y=coordinates[1],
                z=np.asarray(panel.values).T,
                coloraxis="coloraxis",
                name=panel.title,
                hovertemplate=(
                    f"{panel.title}<br>{axes[0].title}: %{{x:.4g}}<br>{axes[1].title}: %{{y:.4g}}"
                    f"<br>{quantity} %{{z:.3f}}<extra></extra>"
                ),
            ),
            **cell,
        )
        if animated:
            figure.add_layout_image(_still(panel.values, coordinates), **cell)
        if agreement is not None:
            for trace in _agreement(agreement, number, seen):
                figure.add_trace(trace, **cell)
        for box in boxes:
            if box.panel == number:
                moving.append((len(figure.data), box))
                figure.add_trace(_box(box, seen), **cell)
        if starts:
            figure.add_trace(_starts(starts, seen), **cell)
        for judgement in ANSWERS:
            chosen = [point for point in points if point.judgement == judgement]
            if chosen:
                figure.add_trace(_points(judgement, chosen, seen), **cell)
    height = PANEL_HEIGHT[columns] * rows + 130
    figure.update_layout(
        template=template(scheme),
        title={"text": title, "subtitle": {"text": subtitle}},
        height=height + (70 if animated else 0),
        margin={
            "t": (96 if title else 40) + (22 if len(panels) > 1 else 0),
            "r": 10,
            "b": 70 + (70 if animated else 0),
            "l": 60,
        },
        dragmode=False,
        coloraxis=_colours(difference, quantity, scheme),
        legend={"orientation": "h", "y": 1.0, "yanchor": "bottom", "x": 1, "xanchor": "right"},
    )
    if len(panels) > 1:
        # The legend goes below, since the panels' names are above.
        figure.update_layout(legend={"y": -0.16 / rows, "yanchor": "top"})
    figure.update_xaxes(range=[axes[0].lower, axes[0].upper], showgrid=False, zeroline=False)
    figure.update_yaxes(range=[axes[1].lower, axes[1].upper], showgrid=False, zeroline=False)
    figure.update_xaxes(title_text=axes[0].title, row=rows)
    figure.update_yaxes(title_text=axes[1].title, col=1)
    if animated and moving:
        _animate(figure, moving, scheme)
    return figure


def outline(box: Values) -> tuple[list[float], list[float]]:
    """A box (2, 2) as a closed line: xs and ys."""
    (left, low), (right, high) = np.asarray(box, float)
    return [left, right, right, left, left], [low, low, high, high, low]


def _colours(difference: bool, quantity: str, scheme: SchemeName) -> dict[str, object]:
    bar = {
        "title": {"text": quantity, "side": "right"},
        "thickness": 12,
        "outlinewidth": 0,
        "tickcolor": SCHEMES[scheme].axis,
    }
    if difference:
        return {"colorscale": DIFFERENCE_SCALE, "cmin": -1, "cmax": 1, "colorbar": bar}
    return {"colorscale": SCORE_SCALE, "cmin": 0, "cmax": 1, "colorbar": bar}


def _still(values: Values, coordinates: tuple[Values, Values]) -> dict[str, object]:
    """The heat map as an image below everything: Plotly takes heat maps away as it animates."""
    colours = sample_colorscale(SCORE_SCALE, np.linspace(0, 1, 256), colortype="tuple")
    table = (255 * np.array(colours)).round().astype(np.uint8)
    levels = (255 * np.nan_to_num(np.asarray(values, float))).round().astype(int).clip(0, 255)
    # Rows from the top; every point of the grid is a pixel.
    pixels = Image.fromarray(table[levels.T[::-1]])
    x, y = coordinates
    wide, high = x[1] - x[0], y[1] - y[0]
    return {
        "source": pixels,
        "x": x[0] - wide / 2,
        "y": y[-1] + high / 2,
        "sizex": x[-1] - x[0] + wide,
        "sizey": y[-1] - y[0] + high,
        "sizing": "stretch",
        "layer": "below",
    }


def _named(name: str, seen: set[str]) -> dict[str, object]:
    """One entry of the legend for a kind of trace, however many there are."""
    shown = name not in seen
    seen.add(name)
    return {"name": name, "legendgroup": name, "showlegend": shown}


def _box(box: Box, seen: set[str]) -> go.Scatter:
    xs, ys = outline(box.trace[-1])
    return go.Scatter(
        x=xs,
        y=ys,
        mode="lines",
        line={"color": BOX_COLOURS[box.kind], "dash": DASHES[box.kind], "width": 3},
        hoveron="points",
        hovertemplate=f"{box.text}<extra></extra>",
        **_named(f"{box.kind} region", seen),
    )


def _starts(starts: Sequence[tuple[float, float]], seen: set[str]) -> go.Scatter:
    return go.Scatter(
        x=[start[0] for start in starts],
        y=[start[1] for start in starts],
        mode="markers",
        marker={
            "symbol": "x",
            "size": 11,
            "color": "#ffffff",
            "line": {"color": "#000000", "width": 1.5},
        },
        hovertemplate="start %{x:.4g}, %{y:.4g}: drag it<extra></extra>",
        **_named("start", seen),
    )


def _points(judgement: str, points: Sequence[Point], seen: set[str]) -> go.Scatter:
    return go.Scatter(
        x=[point.u[0] for point in points],
        y=[point.u[1] for point in points],
        mode="markers",
        marker={
            "size": 9,
            "color": ANSWER_COLOURS[judgement],
            "line": {"color": "#000000", "width": 1.2},
        },
        text=[point.text for point in points],
        hovertemplate="%{text}<extra></extra>",
        **_named(ANSWERS[judgement], seen),
    )


def _agreement(agreement: Agreement, number: int, seen: set[str]) -> list[go.BaseTraceType]:
    """The failing part, and where half of the people agree, with the ends of its interval."""
    x, y = agreement.coordinates
    failing = np.where(agreement.failing[number], 1.0, np.nan)
    name = "classifier fails, people agree"
    traces: list[go.BaseTraceType] = [
        go.Heatmap(
            x=x,
            y=y,
            z=failing.T,
            colorscale=[[0, _FAILING], [1, _FAILING]],
            showscale=False,
            hoverinfo="skip",
            name=name,
        ),
        go.Scatter(  # heat maps have no entry in the legend
            x=[None],
            y=[None],
            mode="markers",
            marker={"symbol": "square", "size": 12, "color": _FAILING},
            **_named(name, seen),
        ),
    ]
    for values, dash, name in (
        (agreement.probability, "solid", "half of the people agree"),
        (agreement.low, "dot", "its 95 % interval"),
        (agreement.high, "dot", "its 95 % interval"),
    ):
        traces.append(
            go.Contour(
                x=x,
                y=y,
                z=np.asarray(values).T,
                contours={"start": 0.5, "end": 0.5, "size": 1, "coloring": "none"},
                line={"color": _AGREEMENT, "width": 3 if dash == "solid" else 1.5, "dash": dash},
                showscale=False,
                hoverinfo="skip",
                **_named(name, seen),
            )
        )
    return traces


def _animate(figure: go.Figure, moving: Sequence[tuple[int, Box]], scheme: SchemeName) -> None:
    """A slider over the boxes' updates, and a button that plays them."""
    longest = max(len(box.trace) for _, box in moving)
    steps = kept_steps(longest)
    frames = []
    for step in steps:
        outlines = [outline(box.trace[min(step, len(box.trace) - 1)]) for _, box in moving]
        frames.append(
            go.Frame(
                name=str(step),
                data=[{"type": "scatter", "x": xs, "y": ys} for xs, ys in outlines],
                traces=[place for place, _ in moving],
            )
        )
    figure.frames = frames
    still = {"mode": "immediate", "frame": {"duration": 0, "redraw": False}}
    playing = {
        "mode": "immediate",
        "fromcurrent": True,
        "frame": {"duration": 60, "redraw": False},
        "transition": {"duration": 0},
    }
    text = {"color": SCHEMES[scheme].text, "size": 13}
    figure.update_layout(
        sliders=[
            {
                "active": len(steps) - 1,
                "currentvalue": {"prefix": "update ", "font": text},
                "x": 0.24,
                "len": 0.76,
                "y": -0.12,
                "pad": {"t": 28},
                "font": {"color": SCHEMES[scheme].muted, "size": 11},
                "steps": [
                    {"label": str(step), "method": "animate", "args": [[str(step)], still]}
                    for step in steps
                ],
            }
        ],
        updatemenus=[
            {
                "type": "buttons",
                "direction": "left",
                "showactive": False,
                "x": 0,
                "y": -0.12,
                "xanchor": "left",
                "yanchor": "top",
                "pad": {"t": 36},
                "font": text,
                "bgcolor": SCHEMES[scheme].background,
                "bordercolor": SCHEMES[scheme].axis,
                "buttons": [
                    {
                        "label": "Grow",
                        "method": "animate",
                        "args": [[str(step) for step in steps], playing | {"fromcurrent": False}],
                    },
                    {"label": "Pause", "method": "animate", "args": [[None], still]},
                ],
            }
        ],
    )
