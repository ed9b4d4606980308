"""Under an experiment: how many trials an interval takes, and the frozen analysis plan."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations

import pandas as pd
import streamlit as st

from app.access import database, visitor
from app.figures import figures
from app.widgets.plain_text import plain
from data.counted import counted
from data.experiments import Experiment, conditions
from data.plans import PlanRow, judgement_count
from labelling.analysis_plan import (
    NO_PLAN,
    AnalysisPlan,
    Comparison,
    adherence,
    freeze,
    standing_plan,
)
from labelling.eligibility import JudgingRule, finished_part, trial_table
from labelling.estimands import ESTIMANDS, FOOLED_WHILE_PEOPLE_AGREE, RAW
from labelling.means import common_limit
from labelling.options import RULES, ExclusionRules, StudyError
from labelling.planner import METHOD, Size, sizes

_QUANTITIES = {
    "restricted-mean": "restricted mean to M_max",
    "proportion": "proportion fooled at M_max",
    "difference": "paired difference of restricted means",
}
_UNCLEAR = {"disagree": "as no", "missing": "as missing"}


def planning(one: Experiment) -> None:
    """Two folded parts, which read nothing before they are unfolded: much may be stored."""
    key = f"size-{one.id}"
    with st.expander("How many trials and judgements?", key=key, on_change="rerun"):
        if st.session_state[key]:
            _size(one)
    row = standing_plan(database(), one.id)
    key = f"plan-{one.id}"
    title = "Analysis plan" + (" (frozen)" if row else "")
    with st.expander(title, key=key, on_change="rerun"):
        if st.session_state[key]:
            _plan(one, row)


def _plan(one: Experiment, row: PlanRow | None) -> None:
    if row is None:
        st.write(NO_PLAN)
    else:
        st.write(plain(adherence(database(), one.id).in_words()))
        lines = AnalysisPlan.of(row.plan).in_words()
        st.markdown("\n".join(f"- {plain(line)}" for line in lines))
        st.caption(f"Frozen by {plain(row.created_by)}. SHA-256, for a registry:")
        st.code(row.sha256, language=None)
    _freeze(one)


def comparisons(one: Experiment) -> dict[str, Comparison]:
    """Every two classifiers, layer subsets or searches of the experiment, by what it is called."""
    cells = [cell for cell in conditions(database(), one.id) if cell.role == "search"]
    found = {}
    for factor in ("classifier", "subset", "search"):
        levels = dict.fromkeys(getattr(cell, factor) for cell in cells)
        for first, second in combinations(levels, 2):
            found[f"{factor}: {first} with {second}"] = Comparison(factor, first, second)
    return found


def _size(one: Experiment) -> None:
    pilot = finished_part(trial_table(database(), [one.id]))
    if pilot.empty:
        st.write("An experiment with results is a pilot: it says how many more it takes.")
        return
    judged = bool((pilot["source_judgement"] != "missing").any())
    usual = common_limit(pilot)
    pairs = comparisons(one)
    left, middle, right = st.columns(3)
    of = left.selectbox(
        "Interval of",
        [name for name in _QUANTITIES if name != "difference" or pairs],
        format_func=_QUANTITIES.get,
        key=f"size-of-{one.id}",
    )
    keys = list(ESTIMANDS) if judged else [RAW.key]
    estimand = left.selectbox(
        "Estimand", keys, format_func=lambda key: ESTIMANDS[key].name, key=f"size-what-{one.id}"
    )
    width = middle.number_input(
        "Width of the interval, end to end",
        0.001,
        None,
        0.1 if of == "proportion" else 0.5,
        key=f"size-width-{one.id}-{of}",
    )
    limit = middle.number_input(
        "M_max", 0.001, None, round(usual, 3) if usual else 10.0, key=f"size-limit-{one.id}"
    )
    overlap = right.number_input("People an item", 1, 100, 1, key=f"size-overlap-{one.id}")
    chosen: list[str] = []
    if of == "difference":
        chosen = right.multiselect(
            "Compared", list(pairs), list(pairs)[:1], key=f"size-pairs-{one.id}"
        )
    if not judged:
        st.caption("Nothing of this pilot is judged: sizes are of the raw curve, which needs none.")
    if st.button("Work it out", key=f"size-go-{one.id}"):
        try:
            with st.spinner("Drawing experiments from the pilot …", show_time=True):
                found = sizes(
                    pilot,
                    ESTIMANDS[estimand],
                    of=of,
                    width=width,
                    limit=limit,
                    comparisons=[pairs[name] for name in chosen],
                    overlap=int(overlap),
                )
        except StudyError as error:
            st.error(plain(str(error)))
            return
        _show_sizes(found)


def _show_sizes(found: Sequence[Size]) -> None:
    st.dataframe(
        pd.DataFrame(
            {
                "Of": size.what,
                "Trials": size.trials,
                "Trials to be safe": size.trials_high,
                "Judgements": size.judgements,
                "Judgements to be safe": size.judgements_high,
                "The pilot's": figures(size.estimate),
                "with an interval": f"{figures(size.width)} wide" if size.width else "",
                **({"": size.reason or ""} if any(one.reason for one in found) else {}),
            }
            for size in found
        ),
        hide_index=True,
        height="content",
        placeholder="–",
    )
    st.caption(METHOD)


def _freeze(one: Experiment) -> None:
    judged = judgement_count(database(), one.id)
    with st.popover("Freeze an analysis plan", icon=":material/lock:"):
        st.write(
            "What is fixed here nobody can change. Results then say whether they follow it."
            if not judged
            else f"There {'is' if judged == 1 else 'are'} {counted(judged, 'judgement')} of these"
            " pictures already: a plan would be marked as made after the fact."
        )
        left, right = st.columns(2)
        estimand = left.selectbox(
            "Estimand",
            list(ESTIMANDS),
            list(ESTIMANDS).index(FOOLED_WHILE_PEOPLE_AGREE.key),
            format_func=lambda key: ESTIMANDS[key].name,
            key=f"plan-what-{one.id}",
        )
        quorum = right.selectbox("A picture shows its label by", RULES, key=f"plan-rule-{one.id}")
        limit = left.number_input("M_max", 0.001, None, 10.0, key=f"plan-limit-{one.id}")
        unclear = right.selectbox(
            "“Unclear” counts", list(_UNCLEAR), format_func=_UNCLEAR.get, key=f"plan-u-{one.id}"
        )
        trials = left.number_input(
            "Trials a condition", 1, 100_000, one.trials, key=f"plan-trials-{one.id}"
        )
        overlap = right.number_input(
            "People an item", 1, 100, None, placeholder="not fixed", key=f"plan-overlap-{one.id}"
        )
        pairs = comparisons(one)
        chosen = st.multiselect("Comparisons", list(pairs), key=f"plan-pairs-{one.id}")
        rules = _exclusion(one)
        remarks = st.text_area("Remarks", key=f"plan-remarks-{one.id}", max_chars=5000)
        late = bool(judged) and st.checkbox(
            "Freeze it as made after the fact", key=f"plan-late-{one.id}"
        )
        if not st.button("Freeze it", type="primary", key=f"plan-go-{one.id}"):
            return
        try:
            freeze(
                database(),
                one.id,
                AnalysisPlan(
                    rule=JudgingRule(quorum, unclear=unclear, exclusion=rules != ExclusionRules()),
                    estimand=estimand,
                    limit=limit,
                    trials=int(trials),
                    comparisons=tuple(pairs[name] for name in chosen),
                    exclusion=rules,
                    overlap=overlap and int(overlap),
                    remarks=remarks.strip(),
                ),
                created_by=visitor().name,
                after_the_fact=late,
            )
        except StudyError as error:
            st.error(plain(str(error)))
        else:
            st.rerun()


def _exclusion(one: Experiment) -> ExclusionRules:
    st.caption("Left out is who answers rightly less often than this (empty: nobody for it)")
    columns = st.columns(5)
    shares = {
        name: column.number_input(
            title, 0.0, 1.0, None, 0.05, key=f"plan-{name}-{one.id}", placeholder="–"
        )
        for column, (name, title) in zip(
            columns,
            {
                "gold": "Gold",
                "false_label": "False labels",
                "catch": "Catch pairs",
                "repeats": "Repeats",
            }.items(),
            strict=False,
        )
    }
    fastest = columns[4].number_input(
        "Median ms", 0.0, None, None, 50.0, key=f"plan-fastest-{one.id}", placeholder="–"
    )
    return ExclusionRules(**shares, fastest_ms=fastest)
