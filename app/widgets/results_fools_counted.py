"""Which found pictures count among what fools: all, or those that people agree with."""

from __future__ import annotations

import streamlit as st

from app.widgets.address import one_of
from app.widgets.results_data import SelectedResults
from labelling.estimands import FOOLED_WHILE_PEOPLE_AGREE, RAW, Estimand
from labelling.transfers import Counted

_COUNTED = {
    "all": "all",
    "source": "source shows its label",
    "both": "both pictures show it",
}


def chosen_counted(results: SelectedResults) -> Counted:
    """The control; without judgements all count."""
    if not results.judged:
        return "all"
    return st.segmented_control(
        "Found pictures that count",
        list(_COUNTED),
        format_func=_COUNTED.get,
        required=True,
        help="By what people say under the judging rule.",
        **one_of("counted", list(_COUNTED)),
    )


def by_people(counted: Counted) -> Estimand:
    """What the lines under a title have to say of judgements."""
    return RAW if counted == "all" else FOOLED_WHILE_PEOPLE_AGREE
