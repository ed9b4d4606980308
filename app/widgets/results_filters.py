"""The bar of filters of the Results page, with every choice in the address."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from app.access import database
from app.widgets.address import one_of, some_of
from app.widgets.results_data import Selection
from data.results import Experiment, StoredCondition, conditions
from data.studies import Study, labellers, studies
from labelling.eligibility import JudgingRule

#: Each rule's name, and what it asks for.
_QUORUMS = {
    "majority": ("Majority", "more than half"),
    "unanimous": ("Unanimous", "everybody"),
    "any": ("Any", "at least one"),
    "labeller": ("One labeller", "the named person"),
}
_TRIALS = {"own": "own set", "common": "common set"}
_EXCLUSION = {"off": "everybody", "on": "not whom they exclude"}
_UNCLEAR = {"disagree": "as no", "missing": "as missing"}


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
        rule = _judging(experiment)
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


def _judging(experiment: Experiment) -> JudgingRule:
    over = [study for study in studies(database()) if experiment.id in study.experiment_ids]
    with st.popover("Judging rule", icon=":material/how_to_vote:"):
        people = _people(over)
        quorums = {key: words for key, words in _QUORUMS.items() if key != "labeller" or people}
        quorum = st.radio(
            "A picture shows its label when the answer “this is an image of …” is given by",
            list(quorums),
            format_func=lambda key: quorums[key][0],
            captions=[caption for _, caption in quorums.values()],
            **one_of("rule", list(quorums)),
        )
        person = None
        if quorum == "labeller":
            person = st.selectbox("Labeller", people, **one_of("labeller", people))
        unclear = st.segmented_control(
            "“It is unclear what this image shows” counts",
            list(_UNCLEAR),
            format_func=_UNCLEAR.get,
            required=True,
            **one_of("unclear", list(_UNCLEAR)),
        )
        chosen = _studies(over)
        counted = _labellers(people) if quorum != "labeller" else ()
        exclusion = st.segmented_control(
            "Exclusion rules, fixed in each study before it began",
            list(_EXCLUSION),
            format_func=_EXCLUSION.get,
            required=True,
            **one_of("exclusion", list(_EXCLUSION)),
        )
    return JudgingRule(quorum, person, unclear, chosen, exclusion == "on", counted)


def _people(over: Sequence[Study]) -> list[str]:
    names = (person.name for study in over for person in labellers(database(), study.id))
    return sorted(set(names))


def _labellers(people: Sequence[str]) -> tuple[str, ...]:
    """Whose judgements count; nobody named means everybody's."""
    if len(people) < 2:
        return ()
    return tuple(
        st.multiselect(
            "Only judgements by",
            people,
            placeholder="all labellers",
            **some_of("labellers", people, default=()),
        )
    )


def _studies(over: Sequence[Study]) -> tuple[str, ...]:
    """The studies whose judgements count; none named means all."""
    if len(over) < 2:
        return ()
    names = {study.id: study.name for study in over}
    return tuple(
        st.multiselect(
            "Only judgements of",
            list(names),
            format_func=names.get,
            placeholder="all studies",
            **some_of("studies", list(names), default=()),
        )
    )
