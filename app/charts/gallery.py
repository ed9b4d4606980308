"""The same sources across classifiers and layers (Dunn et al. 2020, figures 3, 4 and 7 to 10)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pandas as pd
import plotly.graph_objects as go

from app.charts.theme import SCHEMES, SchemeName, headed

#: In units of one picture: the space under a trial's pictures, and between a trial and the next.
_CAPTION, _GAP = 0.24, 0.1
_INSET = 0.03
#: Pixels: the page's usual width, a picture's least and most, a line of a head, the title.
_WIDTH, _LEAST, _MOST, _LINE, _TOP = 1140, 62, 150, 16, 96
_FAINT = 0.22
#: Where a point's customdata has what.
CONDITION_ID, TRIAL_INDEX = 0, 1


def gallery(
    rows: pd.DataFrame,
    columns: pd.DataFrame,
    cells: pd.DataFrame,
    *,
    colours: Mapping[str, str],
    title: str = "",
    subtitle: Sequence[str] = (),
    scheme: SchemeName = "light",
) -> go.Figure:
    """A row a trial: its source, and a column a condition with picture and difference below it.

    `rows`: trial_index, source (an address of a picture, or None), caption. `columns`:
    condition_id, classifier, subset; those of a subset side by side. `cells`: condition_id,
    trial_index, picture, difference (addresses or None), caption, hover, fits (else it is drawn
    faintly).
    """
    ink = SCHEMES[scheme]
    height_of_row = 2 + _CAPTION + _GAP
    unit = min(max(_WIDTH / (len(columns) + 1), _LEAST), _MOST)
    figure = go.Figure()
    place_of_row = {index: place * height_of_row for place, index in enumerate(rows["trial_index"])}
    place_of_column = {one: place + 1.0 for place, one in enumerate(columns["condition_id"])}
    size = 12 if unit > 90 else 10
    names = {one: _wrapped(str(one), max(int(unit / 7), 6)) for one in columns["classifier"]}
    above = _LINE * (1 + max((name.count("<br>") for name in names.values()), default=0)) + 6
    pictures, notes = [], _heads(columns, names, colours, above, unit)
    for row in rows.itertuples():
        y = place_of_row[row.trial_index]
        if pd.notna(row.source):
            pictures.append(_picture(row.source, 0.0, y))
        notes.append(_note(row.caption, 0.0, y + 1.04, size, anchor="left"))
    for cell in cells.itertuples():
        x, y = place_of_column[cell.condition_id], place_of_row[cell.trial_index]
        opacity = 1.0 if cell.fits else _FAINT
        for source, down in ((cell.picture, 0.0), (cell.difference, 1.0)):
            if pd.notna(source):
                pictures.append(_picture(source, x, y + down, opacity))
        below = 2.0 if pd.notna(cell.picture) else 0.4
        notes.append(_note(cell.caption, x + 0.5, y + below, size, opacity))
    figure.add_trace(_to_click(cells, place_of_column, place_of_row, unit, ink.background))
    right, bottom = len(columns) + 1.0, max(len(rows), 1) * height_of_row
    top = _TOP + above + _LINE * (1 + max(len(subtitle) - 2, 0))
    bare = {"visible": False, "fixedrange": True}
    figure.update_xaxes(range=[-0.02, right], constrain="domain", constraintoward="left", **bare)
    figure.update_yaxes(
        range=[bottom, 0.0], scaleanchor="x", constrain="domain", constraintoward="top", **bare
    )
    figure.update_layout(
        **headed(
            scheme,
            title,
            subtitle,
            height=int(bottom * unit + top + _LINE),
            margin={"t": top, "b": 10, "l": 4, "r": 4},
        ),
        images=pictures,
        annotations=notes,
        showlegend=False,
        dragmode=False,
    )
    return figure


def _picture(source: str, x: float, y: float, opacity: float = 1.0) -> dict[str, object]:
    return {
        "source": source,
        "xref": "x",
        "yref": "y",
        "x": x + _INSET,
        "y": y + _INSET,
        "sizex": 1 - 2 * _INSET,
        "sizey": 1 - 2 * _INSET,
        "sizing": "contain",
        "layer": "below",
        "opacity": opacity,
    }


def _note(
    text: str, x: float, y: float, size: int, opacity: float = 1.0, anchor: str = "center"
) -> dict[str, object]:
    return {
        "text": text,
        "x": x,
        "y": y,
        "xanchor": anchor,
        "yanchor": "top",
        "align": anchor,
        "showarrow": False,
        "opacity": max(opacity, 0.5),
        "font": {"size": size},
    }


def _heads(
    columns: pd.DataFrame,
    names: Mapping[str, str],
    colours: Mapping[str, str],
    above: float,
    unit: float,
) -> list[dict[str, object]]:
    """Over the first row: the layers, once for all columns that share them, and the classifiers.

    `names`: classifier → its name in lines; the layers are so many pixels `above`.
    """
    heads = [_head("<b>Source</b>", 0.5, 0)]
    for subset, of in columns.reset_index(drop=True).groupby("subset", sort=False, observed=True):
        middle = (of.index[0] + of.index[-1]) / 2 + 1.5
        heads.append(_head(f"<b>Layers: {subset}</b>", middle, above))
        for place, classifier in zip(of.index, of["classifier"], strict=True):
            text = f"<span style='color:{colours[str(classifier)]}'>{names[classifier]}</span>"
            heads.append(_head(text, place + 1.5, 0, 12 if unit > 90 else 10))
    return heads


def _head(text: str, x: float, up: float, size: int = 13) -> dict[str, object]:
    return {
        "text": text,
        "x": x,
        "y": 0.0,
        "yshift": up + 2,
        "yanchor": "bottom",
        "showarrow": False,
        "font": {"size": size},
    }


def _wrapped(name: str, width: int) -> str:
    """A name in lines of at most so many characters, broken after hyphens."""
    lines = [""]
    for part in name.replace("-", "-\n").split("\n"):
        if lines[-1] and len(lines[-1] + part) > width:
            lines.append("")
        lines[-1] += part
    return "<br>".join(lines)


def _to_click(
    cells: pd.DataFrame,
    place_of_column: Mapping[int, float],
    place_of_row: Mapping[int, float],
    unit: float,
    background: str,
) -> go.Scatter:
    """Unseen squares over the pictures: a layout image can neither be clicked nor hovered over."""
    shown = cells[cells["picture"].notna()]
    return go.Scatter(
        x=[place_of_column[one] + 0.5 for one in shown["condition_id"]],
        y=[place_of_row[one] + 0.5 for one in shown["trial_index"]],
        mode="markers",
        marker={"size": 0.9 * unit, "symbol": "square", "color": "rgba(0,0,0,0)"},
        # Lists: an array of numbers comes back from a click as something else.
        customdata=shown[["condition_id", "trial_index"]].to_numpy().tolist(),
        text=shown["hover"].tolist(),
        hovertemplate="%{text}<extra></extra>",
        hoverlabel={"bgcolor": background},
        cliponaxis=False,
    )
