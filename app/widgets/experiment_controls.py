"""What an experiment's controls say: random directions, and repeated runs."""

from __future__ import annotations

import streamlit as st

from app.access import database
from app.control_rows import control_rows
from data.experiments import Experiment


def controls(one: Experiment) -> None:
    """A table a kind of control; nothing where the experiment has none."""
    for kind in control_rows(database(), one.id):
        st.markdown(f"**{kind.title}**")
        st.dataframe(kind.rows, hide_index=True, width="content")
        st.caption(kind.caption)
