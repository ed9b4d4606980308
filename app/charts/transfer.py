"""What is found against one classifier, tested on the others: a matrix a layer subset."""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil

import pandas as pd
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from app.charts.shade import SCALES, ink_on
from app.charts.theme import SCHEMES, SchemeName, headed

_PANELS_A_ROW = 3
_CELL, _LEAST, _TOP, _BOTTOM = 58, 150, 128, 92  # pixels


def transfer_matrices(
    frame: pd.DataFrame,
    *,
    subsets: Sequence[str],
    title: str = "",
    subtitle: Sequence[str] = (),
    scheme: SchemeName = "light",
) -> go.Figure:
    """Rows: found against; columns: tested on; colour and text: the share, under it n.

    `frame`: rows as `labelling.transfers.transfer_matrix` gives them. The diagonal has no colour:
    the search itself made it.
    """
    ink = SCHEMES[scheme]
    subsets = [one for one in subsets if (frame["subset"] == one).any()]
    rows = max(1, ceil(len(subsets) / _PANELS_A_ROW))
    columns = max(1, ceil(len(subsets) / rows))
    found, tested = (
        sorted(frame[name].astype(str).unique()) for name in ("found_for", "tested_on")
    )
    height = max(_CELL * max(len(found), 1), _LEAST)
    figure = make_subplots(
        rows,
        columns,
        subplot_titles=[f"<b>Layers: {one}</b>" for one in subsets],
        shared_yaxes=True,
        horizontal_spacing=0.04,
        vertical_spacing=0.5 / rows if rows > 1 else 0.1,
    )
    # One by one Plotly would copy all that are there already, each time.
    notes = [note.to_plotly_json() for note in figure.layout.annotations]
    for place, subset in enumerate(subsets):
        cell = {"row": place // columns + 1, "col": place % columns + 1}
        part = frame[frame["subset"] == subset].assign(
            found_for=lambda one: one["found_for"].astype(str),
            tested_on=lambda one: one["tested_on"].astype(str),
        )
        by = part.set_index(["found_for", "tested_on"])
        crossed = part[~part["by_construction"]].set_index(["found_for", "tested_on"])["share"]
        values = crossed.unstack().reindex(index=found, columns=tested).astype(float)
        hover = [
            [
                _hover(by.loc[one, other], one, other) if (one, other) in by.index else ""
                for other in tested
            ]
            for one in found
        ]
        figure.add_trace(
            go.Heatmap(
                x=tested,
                y=found,
                z=values.to_numpy(),
                zmin=0,
                zmax=1,
                coloraxis="coloraxis",
                xgap=2,
                ygap=2,
                text=hover,
                hovertemplate="%{text}<extra></extra>",
                hoverongaps=True,
            ),
            **cell,
        )
        for row in part.itertuples():
            shade = 0.0 if row.by_construction or pd.isna(row.share) else row.share
            colour = ink.muted if row.by_construction else ink_on(shade, scheme)
            axes = figure.get_subplot(**cell)
            notes.append(
                {
                    "xref": axes.yaxis.anchor,
                    "yref": axes.xaxis.anchor,
                    "x": row.tested_on,
                    "y": row.found_for,
                    "text": _text(row),
                    "showarrow": False,
                    "font": {"size": 13, "color": colour},
                }
            )
    figure.update_yaxes(autorange="reversed", showgrid=False, ticks="", type="category")
    figure.update_xaxes(showgrid=False, ticks="", type="category", tickangle=0)
    figure.update_yaxes(title_text="Found against", col=1)
    figure.update_xaxes(title_text="Tested on", row=rows)
    figure.update_layout(
        annotations=notes,
        **headed(
            scheme,
            title,
            subtitle,
            height=rows * height + (rows - 1) * 96 + _TOP + _BOTTOM,
            margin={"t": _TOP, "b": _BOTTOM, "l": 16, "r": 16},
        ),
        coloraxis={
            "colorscale": SCALES[scheme],
            "cmin": 0,
            "cmax": 1,
            "colorbar": {
                "title": {"text": "Share"},
                "tickformat": ".0%",
                "thickness": 12,
                "len": 1,
            },
        },
    )
    return figure


def _text(row: object) -> str:
    if row.by_construction:
        return f"found<br><span style='font-size:11px'>n = {row.n}</span>"
    if not row.n:
        return "not tested" if row.unasked else "–"
    return f"{row.share:.0%}<br><span style='font-size:11px'>n = {row.n}</span>"


def _hover(row: pd.Series, found_for: str, tested_on: str) -> str:
    head = f"found against <b>{found_for}</b>, tested on <b>{tested_on}</b><br>"
    if row["by_construction"]:
        return f"{head}{row['n']} found: fooled by construction"
    waiting = f"<br>{row['unasked']} not tested yet" if row["unasked"] else ""
    if not row["n"]:
        return f"{head}no trial whose source it calls by its label{waiting}"
    return (
        f"{head}{row['fooled']} of {row['n']}: {row['share']:.1%}"
        f" [{row['low']:.1%}, {row['high']:.1%}]{waiting}"
    )
