"""The form for a new study: of what experiments have found, or of images made elsewhere."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import streamlit as st

from app.access import current_home, database, visitor
from app.runner.submit import ensure_worker, submit_strengths
from app.serving import served
from app.widgets.study_gold import gold_table
from app.widgets.study_labels import label_text
from app.widgets.study_tabs import options_tabs
from data.experiments import Experiment
from labelling.controls import Gold
from labelling.options import StudyError, StudyOptions
from labelling.outside import create_outside_study, read_table
from labelling.studies import NAMELESS, create_study

FOUND, ELSEWHERE = "Found by experiments", "Made elsewhere"

#: Experiment id → the experiment, and how many perturbed images it has found.
Choices = Mapping[str, tuple[Experiment, int]]


def study_form(choices: Choices) -> str | None:
    """Show the form; the sentence to show where what was asked for cannot be made.

    Images made elsewhere are files of the computer that this runs on: no form for them where the
    app is served to others, who may not name its files.
    """
    origins = [*([FOUND] if choices else []), *([] if served() else [ELSEWHERE])]
    origin = origins[0]
    if len(origins) > 1:
        origin = st.segmented_control(
            "Images", origins, default=origin, required=True, key="study-images"
        )
    return _elsewhere() if origin == ELSEWHERE else _found(choices)


def _found(choices: Choices) -> str | None:
    def in_words(experiment_id: str) -> str:
        experiment, count = choices[experiment_id]
        return f"{experiment.name} · {experiment.created_at[:10]} · {count} found"

    left, right = st.columns([2, 3])
    with left:
        name = _name()
    chosen = right.multiselect(
        "Experiments",
        list(choices),
        format_func=in_words,
        placeholder="Choose one or several",
        key="study-experiments",
    )
    count = sum(choices[one][1] for one in chosen)
    st.caption(
        f"Asks about up to {count} perturbed images, each beside its source; a source is judged"
        " once, and images that several trials share are asked about once."
        if chosen
        else "An experiment is a grid of trials in which a search tried to fool classifiers."
    )
    gold: list[Gold] = []

    def mark_gold(given: Mapping[str, Any]) -> None:
        if given["gold_share"] or given["practice_items"]:
            gold.extend(gold_table(chosen))

    given = options_tabs(made_elsewhere=False, below_checks=mark_gold)
    if not st.button("Create study", type="primary"):
        return None
    try:
        study_id = create_study(
            database(),
            chosen,
            name,
            label_text=label_text,
            created_by=visitor().name,
            options=StudyOptions(**given),
            gold=gold,
        )
    except StudyError as error:
        return str(error)
    if given["strength_items"]:
        ensure_worker(current_home())
        submit_strengths(database(), study_id, owner=visitor().name)
    st.rerun()


def _elsewhere() -> str | None:
    one, two, three = st.columns(3)
    with one:
        name = _name()
    folder = two.text_input(
        "Folder", key="study-folder", help="Of the image files, on this computer."
    )
    table = three.text_input(
        "Table",
        key="study-table",
        help="A CSV file: a row a question, with columns source, perturbed, phrase, and where you"
        " want them label, search, gloss, answer (for images of known answer) and condition.",
    )
    st.caption("Images made elsewhere are judged by the same protocol, and stored as they are now.")

    def say_gold(given: Mapping[str, Any]) -> None:
        if given["gold_share"] or given["practice_items"]:
            st.caption("Gold items are the rows of the table that have an answer.")

    given = options_tabs(made_elsewhere=True, below_checks=say_gold)
    if not st.button("Create study", type="primary"):
        return None
    if not name.strip():
        return NAMELESS
    if not folder.strip() or not table.strip():
        return "Name the folder of the images, and the table."
    try:
        create_outside_study(
            database(),
            current_home(),
            read_table(_path(folder), _path(table)),
            name,
            options=StudyOptions(**given),
            created_by=visitor().name,
        )
    except StudyError as error:
        return str(error)
    st.rerun()


def _name() -> str:
    return st.text_input(
        "Name", key="study-name", help="For researchers only: labellers never see it."
    )


def _path(text: str) -> Path:
    return Path(text.strip()).expanduser()
