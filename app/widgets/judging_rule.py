"""The choice of a judging rule: when people count as saying that a picture shows its label."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from app.access import database
from app.widgets.address import one_of, some_of
from data.labellers import labellers
from data.studies import Study
from labelling.eligibility import JudgingRule

#: Each rule's name, and what it asks for.
_QUORUMS = {
    "majority": ("Majority", "more than half"),
    "unanimous": ("Unanimous", "everybody"),
    "any": ("Any", "at least one"),
    "labeller": ("One labeller", "the named person"),
}
_EXCLUSION = {"off": "everybody", "on": "not whom they exclude"}
_UNCLEAR = {"disagree": "as no", "missing": "as missing"}


def judging_rule(over: Sequence[Study]) -> JudgingRule:
    """A button that unfolds the rule; the rule that is chosen. `over`: whose judgements there are.

    Everything is in the address: rule, labeller, unclear, studies, labellers, exclusion.
    """
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
