"""The form for a new study: what is asked, by how many, and how the labellers are checked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd
import streamlit as st

from app.access import current_home, database, visitor
from app.runner.menu import read_menu
from app.runner.submit import ensure_worker, submit_strengths
from app.widgets.judge import data_address
from app.widgets.plain_text import plain
from data.experiments import Experiment
from data.images import image_file
from labelling.answers import Answer
from labelling.controls import Gold
from labelling.options import RULES, ExclusionRules, StudyError, StudyOptions
from labelling.studies import LabelText, create_study
from labelling.wording import LANGUAGES

#: So many sources are offered to be marked as gold.
GOLD_OFFERED = 24
UNKNOWN = "not gold"
ANSWERS = {
    "shows it": Answer.LABEL,
    "something else": Answer.SOMETHING_ELSE,
    "unclear": Answer.UNCLEAR,
    "meaningless": Answer.MEANINGLESS,
}


def study_form(choices: Mapping[str, tuple[Experiment, int]]) -> str | None:
    """Show the form; the sentence to show where what was asked for cannot be made.

    `choices`: experiment id → the experiment and how many perturbed images it has found.
    """

    def in_words(experiment_id: str) -> str:
        experiment, count = choices[experiment_id]
        return f"{experiment.name} · {experiment.created_at[:10]} · {count} found"

    left, right = st.columns([2, 3])
    name = left.text_input(
        "Name", key="study-name", help="For researchers only: labellers never see it."
    )
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
    given: dict[str, Any] = {}
    who, checks, words, rules = st.tabs(["Who judges what", "Checks", "Texts", "Exclusion rules"])
    with who:
        given |= _who()
    with checks:
        given |= _checks()
        gold = _gold(chosen) if given["gold_share"] or given["practice_items"] else []
    with words:
        given |= _words()
    with rules:
        given |= _rules()
    made = st.button("Create study", type="primary")
    if not made:
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


def label_text(generator: str, label: int) -> LabelText:
    """How people are asked about a label, from the catalogue. Raises StudyError."""
    menu = read_menu(current_home())
    if menu is None:
        ensure_worker(current_home())
        raise StudyError("The worker, which knows the labels, is starting: try again in a moment.")
    if generator not in menu.generators:
        raise StudyError(
            f"The generator {generator} is not in the catalogue, so that nobody knows what its"
            f" labels are called: put its entry into {current_home().models}."
        )
    choice = menu.generators[generator]
    return LabelText(
        phrase=choice.phrases[label],
        search_term=choice.searches[label],
        gloss=choice.glosses[label],
    )


def _who() -> dict[str, Any]:
    one, two, three, four = st.columns(4, vertical_alignment="bottom")
    with one:
        overlap = _number(
            "Overlap",
            "By how many different people each item is judged. Empty: everybody judges everything.",
            "everybody",
            1,
            1000,
        )
    with two:
        most = _number(
            "Items per person",
            "Nobody is asked about more items than this.",
            "no limit",
            1,
            1_000_000,
        )
    with three:
        cap = _number(
            "Items per source",
            "Nobody sees more items of one source: seeing it sixteen times teaches what changes.",
            "no limit",
            1,
            1000,
        )
    with four:
        pause = _number("Break after", "So many items, then a break is offered.", "never", 5, 10000)
    exhausted = st.toggle(
        "Ask about the sources of exhausted trials too",
        True,
        help="A trial that was never fooled counts only if people say that its source shows its"
        " label.",
    )
    strengths = st.number_input(
        "Pictures at randomised strengths",
        0,
        100_000,
        0,
        width=320,
        help="So many found perturbations are shown again, each at a strength drawn from 0.25 to"
        " 1.5: Results then say at what magnitude people stop agreeing. The worker renders them"
        " once the study is made; wait for that before you invite people.",
    )
    return {
        "strength_items": int(strengths),
        "overlap": overlap,
        "items_per_person": most,
        "source_cap": cap,
        "break_every": pause,
        "exhausted_sources": exhausted,
    }


def _checks() -> dict[str, Any]:
    st.caption(
        "Shares of the items that count, added for everybody. Nobody sees which items these are."
    )
    one, two, three, four = st.columns(4)
    shares = {
        "repeat_share": (one, "Hidden repeats", "The same item again, later, to the same person."),
        "gold_share": (two, "Gold items", "Images of which you say below what is right."),
        "false_label_share": (
            three,
            "False labels",
            "A source asked about under another label: shows who says yes to everything.",
        ),
        "catch_share": (four, "Catch pairs", "The second image is the first one, unchanged."),
    }
    given: dict[str, Any] = {
        option: column.slider(title, 0, 50, 0, 5, format="%d %%", help=text, key=option) / 100
        for option, (column, title, text) in shares.items()
    }
    one, two, three, four = st.columns(4)
    given["practice_items"] = one.number_input(
        "Practice items", 0, 100, 0, help="Gold items that come first and count for nothing else."
    )
    given["qualification"] = (
        two.slider(
            "Right to go on",
            0,
            100,
            0,
            5,
            format="%d %%",
            disabled=not given["practice_items"],
            help="The share of the practice that has to be right.",
        )
        / 100
    )
    given["exposure_ms"] = three.number_input(
        "Exposure (ms)", 0, 10_000, 250, 50, help="An image is seen for so long before keys work."
    )
    given["lease_minutes"] = float(
        four.number_input(
            "Lease (minutes)",
            1,
            1440,
            15,
            help="An item that somebody left unanswered goes to others after so long.",
        )
    )
    return given


def _gold(experiment_ids: Sequence[str]) -> list[Gold]:
    """Sources of the chosen experiments, and what the researcher says is right."""
    offered = _offered(experiment_ids)
    if not offered:
        st.caption("Choose experiments first: their sources are offered here as gold items.")
        return []
    st.write("**Gold items.** Say what is right to answer about some of these sources.")
    table = pd.DataFrame(
        {
            "Image": [
                data_address(image_file(current_home(), stimulus).read_bytes())
                for stimulus, _, _ in offered
            ],
            "Asked about": [phrase for _, _, phrase in offered],
            "Right answer": [UNKNOWN] * len(offered),
        }
    )
    marked = st.data_editor(
        table,
        hide_index=True,
        disabled=["Image", "Asked about"],
        row_height=64,
        height=min(320, 40 + 64 * len(offered)),
        key=f"gold-{'-'.join(experiment_ids)}",
        column_config={
            "Image": st.column_config.ImageColumn("Image", width="small"),
            "Right answer": st.column_config.SelectboxColumn(
                "Right answer", options=[UNKNOWN, *ANSWERS], required=True
            ),
        },
    )
    return [
        Gold(stimulus, label, ANSWERS[answer])
        for (stimulus, label, _), answer in zip(offered, marked["Right answer"], strict=True)
        if answer != UNKNOWN
    ]


_OFFERED = """
SELECT DISTINCT sources.stimulus, results.label, experiments.generator
FROM results
JOIN sources ON sources.id = results.source_id
JOIN conditions ON conditions.id = results.condition_id
JOIN experiments ON experiments.id = conditions.experiment_id
WHERE experiments.id IN (SELECT value FROM json_each(?))
ORDER BY results.trial_index LIMIT ?
"""


def _offered(experiment_ids: Sequence[str]) -> list[tuple[str, int, str]]:
    """(stimulus, label, phrase) of the first sources."""
    listed = "[" + ",".join(f'"{one}"' for one in experiment_ids) + "]"
    rows = database().execute(_OFFERED, [listed, GOLD_OFFERED]).fetchall()
    try:
        return [(it, label, label_text(generator, label).phrase) for it, label, generator in rows]
    except StudyError as error:
        st.warning(plain(str(error)))
        return []


def _words() -> dict[str, Any]:
    st.caption(
        "What labellers read, in Markdown; empty for the text that ships. Nothing here may tell"
        " what the study is for, except the debrief, which comes at the end."
    )
    given: dict[str, Any] = {
        "language": st.selectbox("Language", list(LANGUAGES), key="study-language")
    }
    left, right = st.columns(2)
    with left:
        given["information_sheet"] = st.toggle("Information sheet and consent first", True)
        given["information"] = st.text_area("Information sheet", max_chars=20_000)
        given["debrief"] = st.text_area("Debrief, at the end", max_chars=20_000)
    with right:
        given["instruction_page"] = st.toggle("Instructions before the first item", True)
        given["instructions"] = st.text_area("Instructions", max_chars=20_000)
        given["purpose_question"] = st.toggle(
            "Ask at the end what people think it was for",
            True,
            help="Whoever has guessed the purpose was not blind to it.",
        )
    return given


def _rules() -> dict[str, Any]:
    st.caption(
        "Fixed now, before anybody has judged: whose judgements are left out. Results can always be"
        " read with and without."
    )
    one, two, three, four, five = st.columns(5, vertical_alignment="bottom")
    smallest = {
        "gold": (one, "Gold right", "The smallest share of gold items answered rightly."),
        "false_label": (two, "False labels right", "The smallest share answered “else”."),
        "catch": (three, "Catch pairs right", "The smallest share answered as shown before."),
        "repeats": (four, "Repeats alike", "The smallest share answered as the first time."),
    }
    rules: dict[str, float | None] = {}
    for option, (column, title, text) in smallest.items():
        with column:
            percent = _number(f"{title} (%)", text, "no rule", 0, 100)
        rules[option] = None if percent is None else percent / 100
    with five:
        fastest = _number(
            "Median over (ms)", "Whoever is faster does not look.", "no rule", 0, 60000
        )
    rules["fastest_ms"] = None if fastest is None else float(fastest)
    return {
        "exclusion": ExclusionRules(**rules),
        "rule": st.selectbox(
            "Where people differ, the label counts as shown if it is what … say",
            RULES,
            help="The judging rule that this study was planned with; Results can use another.",
        ),
    }


def _number(title: str, text: str, empty: str, low: int, high: int) -> int | None:
    value = st.number_input(title, low, high, None, placeholder=empty, help=text)
    return None if value is None else int(value)
