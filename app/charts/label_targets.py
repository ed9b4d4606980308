"""Label → target: how large a perturbation turns one into the other."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import isinf

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from app.charts.shade import SCALES, ink_on
from app.charts.theme import SCHEMES, SchemeName, headed
from app.figures import figures

#: As in labelling.label_targets: stands for all labels, or all targets.
EVERY = -1
_CELL, _AROUND, _MOST_TEXT = 36, 232, 14


def label_target_map(
    frame: pd.DataFrame,
    *,
    labels: Sequence[int],
    targets: Sequence[int],
    name_of: Callable[[int], str],
    title: str = "",
    subtitle: Sequence[str] = (),
    scheme: SchemeName = "light",
) -> go.Figure:
    """Rows: labels, columns: targets, the last of each for all; colour and text: the median.

    `frame`: rows as `labelling.label_targets.label_targets` gives them. A cell with too few trials
    has no colour and says how many there are; "> half" means that more than half were never fooled.
    """
    ink = SCHEMES[scheme]
    down, across = [*labels, EVERY], [*targets, EVERY]
    by = frame.set_index(["label", "target"])
    finite = frame["median"].replace([np.inf], np.nan).dropna()
    low, high = (float(finite.min()), float(finite.max())) if len(finite) else (0.0, 1.0)
    z = np.full((len(down), len(across)), np.nan)
    hover = [["" for _ in across] for _ in down]
    names = [_name(one, name_of, "all labels") for one in down]
    heads = [_name(one, name_of, "all targets") for one in across]
    figure = go.Figure()
    notes = []
    for i, label in enumerate(down):
        for j, target in enumerate(across):
            if (label, target) not in by.index:
                continue
            cell = by.loc[(label, target)]
            median, n = float(cell["median"]), int(cell["n"])
            known = not (np.isnan(median) or isinf(median))
            z[i, j] = median if known else np.nan
            said = (
                "too few"
                if np.isnan(median)
                else "not reached"
                if isinf(median)
                else figures(median)
            )
            hover[i][j] = (
                f"<b>{names[i]} → {heads[j]}</b><br>median ‖p‖: {said}<br>{int(cell['fooled'])} of"
                f" {n} trials fooled"
            )
            if len(across) <= _MOST_TEXT:
                shade = (median - low) / (high - low) if known and high > low else 0.0
                colour = ink_on(shade, scheme) if known else ink.muted
                text = figures(median) if known else "∞" if isinf(median) else f"n {n}"
                notes.append(
                    {
                        "x": j,
                        "y": i,
                        "text": text,
                        "showarrow": False,
                        "font": {"size": 11, "color": colour},
                    }
                )
    figure.add_trace(
        go.Heatmap(
            z=z,
            x=list(range(len(across))),
            y=list(range(len(down))),
            zmin=low,
            zmax=high if high > low else low + 1,
            colorscale=SCALES[scheme],
            xgap=2,
            ygap=2,
            text=hover,
            hovertemplate="%{text}<extra></extra>",
            hoverongaps=False,
            colorbar={"title": {"text": "Median ‖p‖₂"}, "thickness": 12},
        )
    )
    for place, axis in ((len(labels) - 0.5, "h"), (len(targets) - 0.5, "v")):
        line = {"line_width": 1, "line_color": ink.axis}
        figure.add_hline(y=place, **line) if axis == "h" else figure.add_vline(x=place, **line)
    bare = {"showgrid": False, "zeroline": False, "ticks": ""}
    figure.update_xaxes(
        title_text="Target", tickvals=list(range(len(across))), ticktext=heads, **bare
    )
    figure.update_yaxes(
        title_text="Label",
        tickvals=list(range(len(down))),
        ticktext=names,
        range=[len(down) - 0.5, -0.5],
        **bare,
    )
    figure.update_layout(
        **headed(
            scheme,
            title,
            subtitle,
            height=_CELL * len(down) + _AROUND,
            margin={"t": 112, "b": 80, "l": 16, "r": 16},
        ),
        annotations=notes,
    )
    return figure


def _name(label: int, name_of: Callable[[int], str], every: str) -> str:
    return every if label == EVERY else name_of(label)
