"""The options of a new study, in tabs: who judges what, the checks, the texts, the rules."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import streamlit as st

from labelling.options import RULES, ExclusionRules
from labelling.wording import LANGUAGES


def options_tabs(
    *, made_elsewhere: bool, below_checks: Callable[[dict[str, Any]], None]
) -> dict[str, Any]:
    """Show them; what was chosen, as `StudyOptions` takes it.

    `below_checks` shows what the checks chosen so far need, in their tab.
    """
    given: dict[str, Any] = {}
    who, checks, words, rules = st.tabs(["Who judges what", "Checks", "Texts", "Exclusion rules"])
    with who:
        given |= _who(made_elsewhere)
    with checks:
        given |= _checks()
        below_checks(given)
    with words:
        given |= _words()
    with rules:
        given |= _rules()
    return given


def _who(made_elsewhere: bool) -> dict[str, Any]:
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
            "Nobody sees more items of one source: seeing it sixteen times teaches what changes."
            " Hidden repeats and other checks count, too; 1 leaves no room for repeats.",
            "no limit",
            1,
            1000,
        )
    with four:
        pause = _number("Break after", "So many items, then a break is offered.", "never", 5, 10000)
    given = {
        "overlap": overlap,
        "items_per_person": most,
        "source_cap": cap,
        "break_every": pause,
    }
    return given if made_elsewhere else given | _of_searches()


def _of_searches() -> dict[str, Any]:
    """What only pictures that a search has found can be asked about."""
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
    return {"exhausted_sources": exhausted, "strength_items": int(strengths)}


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
