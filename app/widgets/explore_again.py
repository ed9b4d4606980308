"""On Explore, under a search of a stored trial: whether it was found again as it is stored."""

from __future__ import annotations

import streamlit as st

from app.access import database
from app.runner.again import comparison
from app.runner.request import StoredTrial
from app.widgets.plain_text import plain
from data.experiments import Experiment, conditions
from data.results import result


def found_again(experiment: Experiment) -> None:
    """Say so, where the search was one of a stored trial and has ended."""
    record = experiment.definition.get("again")
    if record is None:
        return
    stored = StoredTrial(**record)
    [condition] = conditions(database(), experiment.id)
    now = result(database(), condition.id, 0)
    if now is not None:
        st.info(
            f"Trial {stored.trial_index} of {plain(stored.name)}. "
            + plain(comparison(stored, now.outcome, now.magnitude)),
            icon=":material/history:",
        )
