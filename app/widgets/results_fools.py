"""The view of what fools what: other classifiers, labels, layers, and people."""

from __future__ import annotations

import streamlit as st

from app.widgets.address import one_of
from app.widgets.results_data import SelectedResults, Selection
from app.widgets.results_fools_agreement import agreement_part
from app.widgets.results_fools_labels import labels_part
from app.widgets.results_fools_layers import layers_part
from app.widgets.results_fools_transfer import transfer_part

PARTS = {
    "Other classifiers": transfer_part,
    "Labels": labels_part,
    "Layers": layers_part,
    "People": agreement_part,
}


def fools_view(selection: Selection, results: SelectedResults) -> None:
    """One of the four parts, with its own chart, sentences and files."""
    part = st.segmented_control(
        "What fools what",
        list(PARTS),
        required=True,
        label_visibility="collapsed",
        **one_of("fools", list(PARTS)),
    )
    PARTS[part](selection, results)
