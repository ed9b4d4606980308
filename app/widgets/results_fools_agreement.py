"""People: at what magnitude they stop agreeing, from pictures at randomised strengths."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

import pandas as pd
import streamlit as st

from app.access import current_home, database
from app.charts.agreement import agreement
from app.fools_words import AGREEMENT, half_in_words
from app.widgets.address import one_of
from app.widgets.figure_files import chart, files
from app.widgets.page_link import page_link
from app.widgets.plain_text import plain
from app.widgets.results_choices import colours, file_name, for_whom
from app.widgets.results_data import SelectedResults, Selection, under_other_rules
from app.widgets.results_kept import standing_codes
from app.widgets.scheme import current_scheme
from labelling.eligibility import JudgingRule
from labelling.estimands import FOOLED_WHILE_PEOPLE_AGREE
from labelling.strengths import (
    Fits,
    agreement_curves,
    agreement_fits,
    entering,
    fitted,
    strength_count,
    strength_items,
    strength_table,
)
from labelling.votes import Asked, asked

_TRIAL = ["condition_id", "trial_index"]
_AGAINST = {"magnitude": "magnitude shown", "strength": "strength"}


def agreement_part(selection: Selection, results: SelectedResults) -> None:
    """The fitted curves and where half agree, or what to do first."""
    experiment_id = selection.experiment.id
    items = strength_count(database(), experiment_id)
    if not items:
        with st.container(border=True, horizontal=True, vertical_alignment="center"):
            st.write(
                "**No picture of this experiment was shown at a randomised strength.** Trials that"
                " need a large magnitude are different trials, so their own magnitudes cannot say"
                " where people stop agreeing. Make a study with pictures at randomised strengths."
            )
            page_link("studies", "Set up a study", ":material/arrow_forward:")
        return
    against = st.segmented_control(
        "Against",
        list(_AGAINST),
        format_func=_AGAINST.get,
        required=True,
        help="Strength alone was drawn by chance; the magnitude shown is strength times that of the"
        " trial's own perturbation.",
        **one_of("against", list(_AGAINST)),
    )
    table, fitted_each = _fitted(results, items, against)
    for other in under_other_rules(selection):
        results.ahead(lambda other=other: _fitted(SelectedResults(other), items, against))
    fits = agreement_fits(fitted_each)
    if fits.empty:
        st.info("No picture at a randomised strength is of the conditions that are selected.")
        return
    answers = table[entering(table).to_numpy()]
    figure = agreement(
        agreement_curves(fitted_each),
        fits,
        answers,
        against=against,
        subsets=selection.subsets,
        colours=colours(selection),
        title=f"Where people stop agreeing: {len(answers)} judged pictures at randomised strengths",
        subtitle=for_whom(selection, results, FOOLED_WHILE_PEOPLE_AGREE),
        scheme=current_scheme(),
    )
    name = file_name(selection, "agreement")
    chart(figure, name)
    st.markdown("\n".join(f"- {plain(half_in_words(row, against))}" for row in fits.itertuples()))
    st.caption(AGREEMENT)
    files(
        {
            "Fits": (name, fits),
            "Pictures": (f"{name}-pictures", table.drop(columns="experiment_id")),
        },
        selection.stamp,
        figure,
    )


@lru_cache(maxsize=8)
def _fitted(results: SelectedResults, items: int, against: str) -> tuple[pd.DataFrame, Fits]:
    """The table of the selected trials, and each condition's fit; `items`: how many there are."""
    left_out = None if results.left_out is None else tuple(results.left_out)
    asked_of = (results.selection.experiment.id, results.selection.rule, items)
    table = _table(current_home().root, *asked_of, _judgements(), left_out)
    trials = pd.MultiIndex.from_frame(results.trials[_TRIAL])
    table = table[pd.MultiIndex.from_frame(table[_TRIAL]).isin(trials)]
    return table, fitted(table, against)


_NEWEST = """
SELECT (SELECT coalesce(max(id), 0) FROM judgements), (SELECT count(*) FROM retractions),
    (SELECT coalesce(max(id), 0) FROM labeller_events)
"""


def _judgements() -> tuple[int, ...]:
    """What tells that somebody has judged, or taken something back."""
    return tuple(database().execute(_NEWEST).fetchone())


@lru_cache(maxsize=8)
def _table(
    root: Path,
    experiment_id: str,
    rule: JudgingRule,
    items: int,
    judgements: tuple[int, ...],
    excluded: tuple[int, ...] | None,
) -> pd.DataFrame:
    table, pictures = _items(root, experiment_id, items)
    return strength_table(
        database(),
        experiment_id,
        rule,
        items=table,
        codes=standing_codes(root, judgements[0]),
        pictures=pictures,
        excluded=excluded,
    )


@lru_cache(maxsize=4)
def _items(root: Path, experiment_id: str, items: int) -> tuple[pd.DataFrame, Asked]:
    table = strength_items(database(), experiment_id)
    return table, asked(database(), table)
