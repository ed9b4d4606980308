"""Maps of two axes as heat maps, a panel a classifier, with regions, starts and judgements."""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil

import numpy as np
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from app.charts.map_growth import ROOM, animate, area_image, scores_image
from app.charts.map_judged import (
    FAILING,
    agreement_lines,
    failing_area,
    failing_entry,
    judged_points,
)
from app.charts.map_parts import (
    BOX_COLOURS,
    DASHES,
    Agreement,
    AxisText,
    Box,
    Panel,
    Point,
    Values,
    legend_entry,
    outline,
)
from app.charts.theme import SCHEMES, SchemeName, headed, template

#: Scores 0 to 1 in one scale on every map; differences −1 to 1 around a neutral middle.
SCORE_SCALE, DIFFERENCE_SCALE = "Viridis", "RdBu"
PANEL_HEIGHT = {1: 560, 2: 440, 3: 360, 4: 300}
_MOST_COLUMNS = 4
#: Pixels below the panels: of the axis' title, and of two lines of legend.
_AXIS_TITLE, _LEGEND = 62, 48


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
    subtitle: Sequence[str] = (),
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
                # While growth plays an image is seen in its place, and what lies over that.
                opacity=0 if animated else 1,
                name=panel.title,
                hovertemplate=(
                    f"{panel.title}<br>{axes[0].title}: %{{x:.4g}}<br>{axes[1].title}: %{{y:.4g}}"
                    f"<br>{quantity} %{{z:.3f}}<extra></extra>"
                ),
            ),
            **cell,
        )
        over: list[go.BaseTraceType] = []
        if animated:
            image = scores_image(panel.values, coordinates, SCORE_SCALE)
            figure.add_layout_image(image, **cell)
        if agreement is not None and animated:
            area = area_image(agreement.failing[number], agreement.coordinates, FAILING)
            figure.add_layout_image(area, **cell)
            over.append(failing_entry(seen))
        elif agreement is not None:
            over += failing_area(agreement, number, seen)
        if agreement is not None:
            over += agreement_lines(agreement, seen)
        for trace in over:
            figure.add_trace(trace, **cell)
        for box in boxes:
            if box.panel == number:
                moving.append((len(figure.data), box))
                figure.add_trace(_box(box, seen), **cell)
        if starts:
            figure.add_trace(_starts(starts, seen), **cell)
        for trace in judged_points(points, seen):
            figure.add_trace(trace, **cell)
    plots = PANEL_HEIGHT[columns] * rows
    # Panels have their names above, and what people say has many entries: then it goes below.
    below = len(panels) > 1 or bool(points)
    under = _AXIS_TITLE + (ROOM if animated else 0)
    top = 62 + 18 * len(subtitle) + (22 if len(panels) > 1 else 0) if title else 40
    bottom = under + (_LEGEND if below else 0)
    legend = {"y": -under / plots, "yanchor": "top", "x": 0, "xanchor": "left"}
    if not below:
        legend = {"y": 1.0, "yanchor": "bottom", "x": 1, "xanchor": "right"}
    size = {"height": plots + top + bottom, "margin": {"t": top, "r": 10, "b": bottom, "l": 60}}
    figure.update_layout(
        **headed(scheme, title, subtitle, **size)
        if title
        else {"template": template(scheme), **size},
        dragmode=False,
        coloraxis=_colours(difference, quantity, scheme),
        legend={"orientation": "h"} | legend,
    )
    figure.update_annotations(font_size=14)  # the panels' names
    figure.update_xaxes(range=[axes[0].lower, axes[0].upper], showgrid=False, zeroline=False)
    figure.update_yaxes(range=[axes[1].lower, axes[1].upper], showgrid=False, zeroline=False)
    figure.update_xaxes(title_text=axes[0].title, row=rows)
    figure.update_yaxes(title_text=axes[1].title, col=1)
    if animated and moving:
        animate(figure, moving, plots, scheme)
    return figure


def _colours(difference: bool, quantity: str, scheme: SchemeName) -> dict[str, object]:
    bar = {
        "title": {"text": quantity, "side": "right", "font": {"size": 13}},
        "thickness": 12,
        "outlinewidth": 0,
        "tickcolor": SCHEMES[scheme].axis,
    }
    if difference:
        return {"colorscale": DIFFERENCE_SCALE, "cmin": -1, "cmax": 1, "colorbar": bar}
    return {"colorscale": SCORE_SCALE, "cmin": 0, "cmax": 1, "colorbar": bar}


def _box(box: Box, seen: set[str]) -> go.Scatter:
    xs, ys = outline(box.trace[-1])
    return go.Scatter(
        x=xs,
        y=ys,
        mode="lines",
        line={"color": BOX_COLOURS[box.kind], "dash": DASHES[box.kind], "width": 3},
        hoveron="points",
        hovertemplate=f"{box.text}<extra></extra>",
        **legend_entry(f"{box.kind} region", seen),
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
        **legend_entry("start", seen),
    )
