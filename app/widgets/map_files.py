"""Files of the maps in view: scores, regions, figure, a link, and the maps themselves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from urllib.parse import urlencode

import numpy as np
import pandas as pd
import plotly.graph_objects as go
import streamlit as st

from app.access import database
from app.widgets.download import download, download_table
from app.widgets.figure_files import figure_buttons
from app.widgets.map_data import OpenMap
from data.maps import map_content
from labelling.exchange import write_table


def map_files(name: str, maps: Sequence[OpenMap], figure: go.Figure, regions: pd.DataFrame) -> None:
    """The row of downloads; nothing is written before somebody presses."""
    with st.container(horizontal=True, vertical_alignment="center", key="map-files"):
        figure_buttons(name, figure, name)
        download_table("Scores", lambda format: write_table(scores_table(maps), format), name)
        if len(regions):
            download_table(
                "Regions",
                lambda format: write_table(stamped(maps, regions), format),
                f"{name}-regions",
            )
        for one in maps[:1]:
            download(
                "Map (npz)",
                lambda one=one: map_content(database(), one.stored.id) or b"",
                f"map-{one.stored.id}.npz",
                "application/octet-stream",
            )
        with st.popover("Permalink", icon=":material/link:"):
            named = {key: st.query_params.get_all(key) for key in st.query_params}
            query = urlencode({"map": [one.stored.id for one in maps]} | named, doseq=True)
            st.code(f"{st.context.url}?{query}", language=None)


def table_files(name: str, tables: Mapping[str, pd.DataFrame]) -> None:
    """Tables, each by its title; the empty ones are left out."""
    with st.container(horizontal=True, key=f"{name}-files"):
        for title, table in tables.items():
            if len(table):
                file = f"{name}-{title.lower().replace(' ', '-')}"
                download_table(title, partial(write_table, table), file)


def scores_table(maps: Sequence[OpenMap]) -> pd.DataFrame:
    """A row a point and classifier: where it is, its score, the label predicted (-1: not known)."""
    parts = []
    for one in maps:
        grids = np.meshgrid(*one.found.coordinates, indexing="ij")
        axes = [axis.name for axis in one.found.description.space.axes]
        for number, network in enumerate(one.networks):
            parts.append(
                pd.DataFrame(
                    {name: grid.ravel() for name, grid in zip(axes, grids, strict=True)}
                    | {
                        "classifier": network,
                        "score": one.found.scores[number].ravel(),
                        "predicted": one.found.predicted[number].ravel(),
                        "measured": one.found.measured.ravel(),
                        "label": one.label_name,
                        "map": one.stored.name,
                        "map_id": one.stored.id,
                        "code_version": one.stored.code_version,
                    }
                )
            )
    return pd.concat(parts, ignore_index=True)


def stamped(maps: Sequence[OpenMap], table: pd.DataFrame) -> pd.DataFrame:
    """The table with what it is of in each row."""
    return table.assign(
        map="; ".join(one.stored.name for one in maps),
        map_id="; ".join(one.stored.id for one in maps),
    )
