"""Every trial is accounted for, from all of them to those counted."""

from __future__ import annotations

import pandas as pd
import pytest

from labelling.funnel import STAGES, funnel
from tests.labelling.trial_tables import trial_table

ROWS = [
    "failed 0",
    "skipped 0",
    "found 1 n",
    "found 1 ?",
    "exhausted 9 y",
    "found 1 y ?",
    "found 1 y n",
    "found 2 y y",
    "found 5 y y",
]


def test_counts_by_hand() -> None:
    table = funnel(trial_table(*ROWS), limit=4).set_index("stage")
    assert table[["trials", "lost", "unjudged"]].T.to_dict("list") == {
        "trials": [9, 0, 0],
        "classifier agreed": [7, 2, 0],
        "person agreed": [5, 1, 1],
        "search succeeded": [4, 1, 0],
        "person still agreed": [2, 1, 1],
        "counted": [1, 1, 0],
    }


def test_each_stage_is_the_one_before_less_what_was_lost() -> None:
    table = funnel(trial_table(*ROWS))
    assert table["stage"].tolist() == STAGES
    after = table["trials"] + table["lost"] + table["unjudged"]
    assert after.tolist()[1:] == table["trials"].tolist()[:-1]


def test_without_a_limit_all_that_people_still_agree_with_count() -> None:
    table = funnel(trial_table(*ROWS)).set_index("stage")["trials"]
    assert table["counted"] == table["person still agreed"] == 2


def test_an_untargeted_trial_that_the_classifier_gets_wrong_goes_on() -> None:
    table = funnel(trial_table("skipped! 0 y", "skipped! 0 n", "skipped! 0")).set_index("stage")
    assert table["trials"].tolist() == [3, 3, 1, 1, 1, 1]
    assert table["unjudged"].tolist() == [0, 0, 1, 0, 0, 0]


def test_conditions_are_kept_apart() -> None:
    both = pd.concat([trial_table(*ROWS, condition=1), trial_table("skipped 0", condition=2)])
    last = funnel(both).groupby("condition_id")["trials"].last()
    assert last.to_dict() == {1: 2, 2: 0}


@pytest.mark.parametrize("rows", [[], ["failed 0"]])
def test_nothing_is_nothing(rows: list[str]) -> None:
    assert funnel(trial_table(*rows))["trials"].sum() == len(rows)
