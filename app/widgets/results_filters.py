"""The bar of filters of the Results page, with every choice in the address."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from app.access import database
from app.widgets.address import one_of, some_of
from app.widgets.judging_rule import judging_rule
from app.widgets.results_data import Selection
from data.experiments import Experiment, StoredCondition, conditions
from data.studies import studies

_TRIALS = {"own": "own set", "common": "common set"}


def filters(experiments: Sequence[Experiment]) -> Selection:
    """Draw the bar; what is selected. `experiments` is not empty, the newest first."""
    with st.container(key="filters", horizontal=True, vertical_alignment="bottom", gap="medium"):
        experiment = _experiment(experiments)
        # A control is no search: its magnitudes are those that a search found.
        cells = [cell for cell in conditions(database(), experiment.id) if cell.role == "search"]
        search, schedule = _search(cells)
        cells = [cell for cell in cells if (cell.search, cell.schedule_name) == (search, schedule)]
        subsets = _several("Layers", "layers", [cell.subset for cell in cells])
        classifiers = _several(
            "Classifiers", "classifiers", sorted(cell.classifier for cell in cells)
        )
        common = _which_trials()
        over = [study for study in studies(database()) if experiment.id in study.experiment_ids]
        rule = judging_rule(over)
    budgets = tuple(sorted({cell.schedule["budget"] for cell in cells}))
    return Selection(experiment, search, schedule, budgets, subsets, classifiers, rule, common)


def _experiment(experiments: Sequence[Experiment]) -> Experiment:
    """The chosen experiment, named in the address even when it is the newest one today."""
    by_id = {experiment.id: experiment for experiment in experiments}
    if st.query_params.get("experiment") not in by_id:
        st.query_params["experiment"] = experiments[0].id
    chosen = st.selectbox(
        "Experiment",
        list(by_id),
        format_func=lambda one: f"{by_id[one].name} · {by_id[one].created_at[:10]} · {one}",
        width=360,
        **one_of("experiment", list(by_id), default=""),
    )
    return by_id[chosen]


def _search(cells: Sequence[StoredCondition]) -> tuple[str, str]:
    """One search with one schedule: magnitudes of different ones are not comparable."""
    names = {
        f"{cell.search}, {cell.schedule_name}": (cell.search, cell.schedule_name) for cell in cells
    }
    chosen = st.selectbox(
        "Search and schedule",
        list(names),
        width=220,
        help="A magnitude is what suffices for this search on this schedule, so curves of different"
        " ones are never drawn together.",
        **one_of("search", list(names)),
    )
    return names[chosen]


def _several(label: str, name: str, values: Sequence[str]) -> tuple[str, ...]:
    """Any number of the values; none chosen means all."""
    distinct = list(dict.fromkeys(values))
    chosen = st.pills(
        label, distinct, selection_mode="multi", **some_of(name, distinct, default=distinct)
    )
    return tuple(value for value in distinct if value in chosen) or tuple(distinct)


def _which_trials() -> bool:
    """Whether only trials that enter under every selected condition count."""
    chosen = st.segmented_control(
        "Trials",
        list(_TRIALS),
        format_func=_TRIALS.get,
        required=True,
        help="Own: each condition with all trials that enter under it. Common: only those that"
        " enter under every selected condition, so that all curves are of the same sources.",
        **one_of("trials", list(_TRIALS)),
    )
    return chosen == "common"
