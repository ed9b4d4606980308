"""Charts of a study's quality: who answers what where others answer otherwise, and drift."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from app.charts.shade import SCALES
from app.charts.theme import OKABE_ITO, SchemeName, template

#: Short names of the four answers, in the order of their keys.
ANSWER_NAMES = ("the label", "something else", "unclear", "meaningless")


def confusion_chart(confusion: np.ndarray, *, scheme: SchemeName = "light") -> go.Figure:
    """What two people say of one image: the share of pairs in each cell, by row.

    confusion: (4, 4) counts of ordered pairs.
    """
    rows = confusion.sum(axis=1, keepdims=True)
    shares = np.divide(confusion, rows, out=np.zeros(confusion.shape), where=rows > 0)
    figure = go.Figure(
        go.Heatmap(
            z=shares,
            x=list(ANSWER_NAMES),
            y=list(ANSWER_NAMES),
            text=[[f"{count:,}" for count in row] for row in confusion],
            texttemplate="%{text}",
            hovertemplate="One said “%{y}”, another “%{x}”: %{text} pairs, %{z:.0%} of the row"
            "<extra></extra>",
            colorscale=SCALES[scheme],
            zmin=0,
            zmax=1,
            showscale=False,
        )
    )
    figure.update_yaxes(autorange="reversed", title="one says")
    figure.update_xaxes(title="another says")
    figure.update_layout(title="Two people, one image", **_layout(scheme))
    return figure


def drift_chart(
    drift: pd.DataFrame, names: Sequence[str], *, scheme: SchemeName = "light"
) -> go.Figure:
    """The share of “it shows the label” over each labeller's tenths, from the first to the last.

    drift: columns labeller, part, said_label, judgements.
    """
    figure = go.Figure()
    for name in names:
        own = drift[drift["labeller"] == name]
        figure.add_scatter(
            x=own["part"],
            y=own["said_label"],
            customdata=own["judgements"],
            name=name,
            mode="lines+markers",
            hovertemplate=f"{name}, tenth %{{x}}: %{{y:.0%}} of %{{customdata}}<extra></extra>",
        )
    figure.update_yaxes(range=[-0.02, 1.03], tickformat=".0%", title="said “the label”")
    figure.update_xaxes(dtick=1, title="tenth of a person's judgements")
    figure.update_layout(title="Drift", colorway=OKABE_ITO, **_layout(scheme))
    return figure


def _layout(scheme: SchemeName) -> dict[str, object]:
    return {"template": template(scheme), "height": 320, "margin": {"t": 48, "b": 8, "r": 8}}
