"""Maps of one axis as profiles: score against the parameter, with regions as bands."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import plotly.graph_objects as go

from app.charts.map_parts import ADVERSARIAL, ROBUST, AxisText, Box, Panel, Values
from app.charts.theme import SchemeName, headed, template, translucent

HEIGHT = 480
_BANDS = {ROBUST: 1.035, ADVERSARIAL: -0.035}


def profiles(
    panels: Sequence[Panel],
    axis: AxisText,
    coordinates: Values,
    *,
    boxes: Sequence[Box] = (),
    starts: Sequence[float] = (),
    quantity: str = "score",
    difference: bool = False,
    title: str = "",
    subtitle: Sequence[str] = (),
    scheme: SchemeName = "light",
) -> go.Figure:
    """A line a classifier; above it the robust regions of each, below it the adversarial ones."""
    figure = go.Figure()
    for number, panel in enumerate(panels):
        figure.add_trace(
            go.Scatter(
                x=coordinates,
                y=panel.values,
                mode="lines",
                line={"color": panel.colour, "width": 2.5},
                name=panel.title,
                hovertemplate=(
                    f"{panel.title}<br>{axis.title}: %{{x:.4g}}<br>{quantity} %{{y:.3f}}"
                    "<extra></extra>"
                ),
            )
        )
        if len(starts):
            figure.add_trace(
                go.Scatter(
                    x=list(starts),
                    y=np.interp(starts, coordinates, panel.values),
                    mode="markers",
                    marker={"symbol": "x", "size": 10, "color": panel.colour},
                    name="start",
                    legendgroup="start",
                    showlegend=number == 0,
                    hovertemplate="start %{x:.4g}: drag it<extra></extra>",
                )
            )
    for box in boxes:
        low, high = box.trace[-1][:, 0]
        colour = panels[box.panel].colour
        offset = _BANDS[box.kind] + np.sign(_BANDS[box.kind]) * 0.03 * box.panel
        figure.add_trace(
            go.Scatter(
                x=[low, high],
                y=[offset, offset],
                mode="lines",
                line={
                    "color": colour,
                    "width": 8,
                    "dash": "solid" if box.kind == ROBUST else "dot",
                },
                showlegend=False,
                hovertemplate=f"{box.text}<extra></extra>",
            )
        )
        figure.add_vrect(
            low, high, fillcolor=translucent(colour, 0.07), line_width=0, layer="below"
        )
    room = 0.08 + 0.03 * len(panels) if boxes else 0.02
    low, high = (-1.0, 1.0) if difference else (0.0, 1.0)
    top = 62 + 18 * len(subtitle) if title else 40
    size = {"height": HEIGHT, "margin": {"t": top, "r": 10, "b": 70, "l": 60}}
    figure.update_layout(
        **headed(scheme, title, subtitle, **size)
        if title
        else {"template": template(scheme), **size},
        dragmode=False,
        legend={"orientation": "h", "y": -0.16, "x": 0},
    )
    figure.update_xaxes(title_text=axis.title, range=[axis.lower, axis.upper])
    figure.update_yaxes(title_text=quantity, range=[low - room, high + room])
    return figure
