"""Several experiments side by side: only what is not the same."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd
import streamlit as st

from app.access import database
from app.runner.differences import described, differences
from app.widgets.page_link import page_link
from app.widgets.plain_text import plain
from data.experiments import Experiment, conditions


def compare(chosen: Sequence[Experiment]) -> None:
    """The differences between definitions, code and weights; a column an experiment."""
    st.subheader(f"{len(chosen)} experiments compared")
    everything = [described(one, conditions(database(), one.id)) for one in chosen]
    found = differences(everything)
    if not found:
        st.success(
            "Their definitions, the code and the models' weights are the same: they differ in their"
            " runs alone."
        )
    else:
        headings = [_heading(one, chosen) for one in chosen]
        st.dataframe(
            pd.DataFrame(
                [{"": name, **dict(zip(headings, of, strict=True))} for name, of in found.items()]
            ),
            hide_index=True,
            height="content",
            row_height=38,
        )
        same = [name for name in everything[0] if name not in found]
        st.caption(f"The same for all: {plain(', '.join(same).lower())}.")
    with st.container(horizontal=True):
        for one in chosen:
            page_link(
                "results",
                f"Results of {plain(one.name)}",
                ":material/show_chart:",
                experiment=one.id,
            )


def _heading(one: Experiment, chosen: Sequence[Experiment]) -> str:
    """Its name, with its id where names are not enough."""
    unique = sum(other.name == one.name for other in chosen) == 1
    return one.name if unique else f"{one.name} ({one.id})"
