"""One search as curves: its course, its magnitude by point, its confidences by strength."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import pandas as pd
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from app.charts.theme import SCHEMES, SchemeName, template, translucent

COURSE_HEIGHT = 340
STRENGTH_HEIGHT = 320


def course_of_run(
    history: pd.DataFrame,
    *,
    colour: str,
    scheme: SchemeName = "light",
    budget: int | None = None,
) -> go.Figure:
    """Margin (above) and magnitude under its bound (below) against the step.

    `history`: rows with step, margin, magnitude and bound. Before the first row the axes are there,
    empty, over the steps of the `budget`, so that nothing moves when the search begins.
    """
    figure = go.Figure(_empty_course(colour, scheme))
    for trace, column in zip(figure.data, ("margin", "magnitude", "bound"), strict=True):
        trace.x, trace.y = history["step"], history[column]
    last = history["step"].max() if len(history) else budget or 1
    figure.layout.xaxis.range = figure.layout.xaxis2.range = [0, max(float(last), 1) * 1.02]
    return figure


def magnitude_by_point(
    magnitudes: pd.DataFrame, *, colour: str, scheme: SchemeName = "light"
) -> go.Figure:
    """One bar a point of the generator, in the chain's order.

    `magnitudes`: rows with point, magnitude (‖p_i‖₂) and active (whether its weight is above 0).
    """
    figure = go.Figure(_no_bars(colour, scheme))
    [bars] = figure.data
    bars.x, bars.y = magnitudes["point"], magnitudes["magnitude"]
    bars.text = [
        f"{magnitude:#.3g}" if active else "–"
        for magnitude, active in zip(magnitudes["magnitude"], magnitudes["active"], strict=True)
    ]
    top = float(magnitudes["magnitude"].max()) if len(magnitudes) else 0.0
    figure.layout.yaxis.range = [0, 1.18 * top or 1]
    return figure


# Plotly takes long to check a layout. These two charts are drawn several times a second, so their
# layouts are made once.


@lru_cache(maxsize=64)
def _empty_course(colour: str, scheme: SchemeName) -> dict[str, Any]:
    scheme_colours = SCHEMES[scheme]
    figure = make_subplots(2, 1, shared_xaxes=True, vertical_spacing=0.09)
    line = {"color": colour, "width": 2}
    dashes = {"color": scheme_colours.text, "width": 1.5, "dash": "dash"}
    for name, row, style in (
        ("margin", 1, line),
        ("magnitude ‖p‖₂", 2, line),
        ("bound", 2, dashes),
    ):
        figure.add_trace(
            go.Scatter(
                name=name,
                line=style,
                mode="lines",
                showlegend=row == 2,
                hovertemplate=f"step %{{x}}<br>{name} %{{y:.3g}}<extra></extra>",
            ),
            row=row,
            col=1,
        )
    figure.add_hline(0, line={"color": scheme_colours.muted, "width": 1}, row=1, col=1)
    figure.add_annotation(
        text="above 0: fooled",
        x=0,
        y=0,
        xref="x domain",
        yref="y",
        xanchor="left",
        yanchor="bottom",
        showarrow=False,
        font={"size": 12, "color": scheme_colours.muted},
    )
    figure.update_xaxes(title_text="Step", row=2)
    figure.update_yaxes(title_text="Margin (logits)", row=1)
    figure.update_yaxes(title_text="Magnitude", rangemode="tozero", row=2)
    figure.update_layout(
        template=template(scheme),
        height=COURSE_HEIGHT,
        margin={"t": 28, "b": 44, "l": 64, "r": 12},
        legend={"orientation": "h", "x": 0, "y": 1.02, "yanchor": "bottom"},
    )
    return figure.to_dict()


@lru_cache(maxsize=64)
def _no_bars(colour: str, scheme: SchemeName) -> dict[str, Any]:
    figure = go.Figure(
        go.Bar(
            marker_color=colour,
            textposition="outside",
            textfont={"size": 12, "color": SCHEMES[scheme].text},
            cliponaxis=False,
            hovertemplate="%{x}<br>‖p‖₂ %{y:.3g}<extra></extra>",
        )
    )
    figure.update_yaxes(title_text="Magnitude at the point")
    figure.update_xaxes(ticks="")
    figure.update_layout(
        template=template(scheme),
        height=COURSE_HEIGHT,
        bargap=0.35,
        margin={"t": 28, "b": 44, "l": 64, "r": 12},
        showlegend=False,
    )
    return figure.to_dict()


def confidence_by_strength(
    strengths: pd.DataFrame,
    *,
    label: str,
    fooled_label: str,
    colour: str,
    scheme: SchemeName = "light",
) -> go.Figure:
    """Confidence in the label and in what the classifier was fooled into, against the strength.

    `strengths`: rows with strength, label_confidence, fooled_confidence and fooled. The strengths
    at which the classifier is fooled are shaded, and a dotted line marks the first of them.
    """
    muted = SCHEMES[scheme].muted
    figure = go.Figure()
    for name, column, dash in (
        (label, "label_confidence", "dash"),
        (fooled_label, "fooled_confidence", "solid"),
    ):
        figure.add_trace(
            go.Scatter(
                x=strengths["strength"],
                y=strengths[column],
                name=name,
                line={"color": colour, "width": 2, "dash": dash},
                mode="lines+markers",
                marker={"size": 4},
                hovertemplate=f"strength %{{x:.2f}}<br>{name} %{{y:.3f}}<extra></extra>",
            )
        )
    for begin, end in fooled_ranges(strengths):
        figure.add_vrect(
            begin, end, fillcolor=translucent(colour, 0.1), line_width=0, layer="below"
        )
    if strengths["fooled"].any():
        first = float(strengths.loc[strengths["fooled"], "strength"].min())
        figure.add_vline(first, line={"color": muted, "width": 1.5, "dash": "dot"})
    figure.update_xaxes(title_text="Strength (1 = the perturbation found)", range=[0, 1.51])
    figure.update_yaxes(title_text="Confidence", range=[0, 1.02])
    figure.update_layout(
        template=template(scheme),
        height=STRENGTH_HEIGHT,
        margin={"t": 36, "b": 48, "l": 60, "r": 12},
        legend={"orientation": "h", "x": 0, "y": 1.02, "yanchor": "bottom"},
    )
    return figure


def fooled_ranges(strengths: pd.DataFrame) -> list[tuple[float, float]]:
    """Where the classifier is fooled: from the first to the last strength of each unbroken run."""
    ranges: list[tuple[float, float]] = []
    open_since: float | None = None
    for strength, fooled in zip(strengths["strength"], strengths["fooled"], strict=True):
        if fooled:
            open_since = strength if open_since is None else open_since
            last = strength
        elif open_since is not None:
            ranges.append((open_since, last))
            open_since = None
    return ranges if open_since is None else [*ranges, (open_since, last)]
