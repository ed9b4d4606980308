"""The table of experiments and of Explore's searches: filtered, sorted, and rows chosen in it."""

from __future__ import annotations

from collections.abc import Sequence
from zlib import crc32

import pandas as pd
import streamlit as st

from app.access import database
from app.guard import guarded
from app.widgets.address import one_of, some_of
from data.experiments import Experiment, experiments
from data.summaries import Summary, summaries

CHOSEN = "experiment"  # in the address: one is shown, several are compared
KINDS = {"experiment": "Experiments", "exploration": "Searches of Explore"}
STATES = ("queued", "running", "done", "stopped", "failed", "not started")
WHICH = {"current": "Current", "archived": "Archived"}
#: Where no filter hides anything: what to do first.
NOTHING = {
    "experiment": "There is no experiment yet: define one under New experiment, and start it.",
    "exploration": "Nothing was searched in Explore yet: press Run there.",
}
OUTCOMES = ("found", "exhausted", "skipped", "failed")
REFRESH_SECONDS = 2.0
#: The newest so many are listed; a filter finds the others.
MOST_ROWS = 500


def chosen_ids() -> list[str]:
    """The ids of the rows that are chosen, by the address."""
    return list(dict.fromkeys(st.query_params.get_all(CHOSEN)))


def choose(ids: Sequence[str]) -> None:
    """Put these into the address, and draw the page anew."""
    if ids:
        st.query_params[CHOSEN] = list(ids)
    else:
        st.query_params.pop(CHOSEN, None)
    st.rerun()


def experiment_table() -> bool:
    """The filters and the table; whether it has a row."""
    with st.container(horizontal=True, vertical_alignment="bottom", gap="medium"):
        kind = st.segmented_control(
            "List", list(KINDS), format_func=KINDS.get, required=True, **one_of("kind", list(KINDS))
        )
        which = st.segmented_control(
            "Of these",
            list(WHICH),
            format_func=WHICH.get,
            required=True,
            **one_of("which", list(WHICH)),
        )
        states = st.multiselect(
            "State", STATES, placeholder="any", width=240, **some_of("state", STATES, default=())
        )
        text = st.text_input(
            "Name, id, model or owner", key="experiments-text", placeholder="any", width=280
        )
    listed, working = _listed(kind, which, states, text)
    if not listed:
        st.info(_why_nothing(kind, which))
        return False
    st.fragment(guarded(_table), run_every=REFRESH_SECONDS if working else None)(
        [one.id for one in listed], working
    )
    return True


def _why_nothing(kind: str, which: str) -> str:
    stored = experiments(database(), kind=kind, archived=True)
    if not stored:
        return NOTHING[kind]
    if which == "archived" and all(one.archived_at is None for one in stored):
        return "None is archived."
    if which == "current" and all(one.archived_at is not None for one in stored):
        return "All are archived: choose Archived above to see them."
    return "None of them fits: change the filters above."


def _listed(
    kind: str, which: str, states: Sequence[str], text: str
) -> tuple[list[Experiment], bool]:
    """Those that the filters leave, the newest first, and whether any of them is at work."""
    words = text.lower().split()
    found = [
        one
        for one in experiments(database(), kind=kind, archived=True)
        if (one.archived_at is not None) == (which == "archived")
        and all(word in _text(one) for word in words)
    ]
    known = summaries(database(), [one.id for one in found])
    if states:
        found = [one for one in found if _state(one, known[one.id]) in states]
    working = any(known[one.id].state in ("queued", "running") for one in found)
    return found[:MOST_ROWS], working


def _text(one: Experiment) -> str:
    """What is searched for words."""
    cells = one.definition.get("conditions", ())
    classifiers = (str(cell.get("classifier", "")) for cell in cells)
    return " ".join([one.name, one.id, one.generator, one.created_by, *classifiers]).lower()


def _table(ids: Sequence[str], working: bool) -> None:
    """Drawn again and again while one is working."""
    stored = {one.id: one for one in experiments(database(), archived=True)}
    listed = [stored[one] for one in ids if one in stored]
    known = summaries(database(), [one.id for one in listed])
    picked = st.dataframe(
        pd.DataFrame([_row(one, known[one.id]) for one in listed]),
        hide_index=True,
        on_select="rerun",
        selection_mode="multi-row",
        # Other rows, another table: a selection is of places.
        key=f"experiments-table-{crc32(' '.join(ids).encode())}",
        column_config={
            "Done": st.column_config.ProgressColumn(
                "Done", format="percent", min_value=0, max_value=1
            )
        },
    )
    rows = [listed[row].id for row in picked.selection.rows if row < len(listed)]
    if rows != st.session_state.get("experiments-picked", []):
        st.session_state["experiments-picked"] = rows
        if rows != chosen_ids():
            choose(rows)
    if working and not any(one.state in ("queued", "running") for one in known.values()):
        st.rerun()


def _row(one: Experiment, summary: Summary) -> dict[str, object]:
    total = one.trials * summary.cells
    return {
        "Name": one.name,
        "Started": one.created_at[:16].replace("T", " "),
        "Generator": one.generator,
        "Conditions": summary.searched,
        "Trials": one.trials,
        "Done": summary.done / total if total else 0.0,
        **{outcome.capitalize(): summary.outcomes.get(outcome, 0) for outcome in OUTCOMES},
        "State": _state(one, summary),
        "Owner": one.created_by,
    }


def _state(one: Experiment, summary: Summary) -> str:
    complete = 0 < summary.done == one.trials * summary.cells
    return "done" if complete else summary.state
