"""Which judgements attach to which trial, and what several labellers' answers come to."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pandas as pd
import pytest
from sqlite_utils import Database

from data import studies
from data.database import open_database
from data.home import Home
from data.judgements import add_judgement
from data.judgements import judgements as stored_judgements
from data.labellers import labeller_of
from labelling.answers import Answer
from labelling.eligibility import JudgingRule, finished_part, trial_table
from labelling.studies import create_study, invite
from tests.labelling.synthetic_study import add_experiment, label_text
from tests.labelling.trial_tables import COLUMNS
from tests.labelling.trial_tables import trial_table as written

YES, NO, UNCLEAR, NOTHING = Answer


@pytest.fixture
def database(tmp_path) -> Iterator[Database]:
    database = open_database(Home(tmp_path), durable=True)
    yield database
    database.close()


@pytest.fixture
def experiment_id(database: Database, tmp_path) -> str:
    """Three trials under two classifiers; the last trial of the second one is exhausted."""
    return add_experiment(
        database,
        Home(tmp_path),
        trials=3,
        subsets=("first",),
        found=lambda trial, condition: (trial, condition) != (2, 1),
    )


@pytest.fixture
def judge(database: Database, experiment_id: str) -> Callable[..., None]:
    """`judge("Ada", 0, YES, first=NO)`: a labeller's answers about trial 0 and its pictures.

    `first` and `second` are about the perturbed picture under that classifier; `study` names
    another study over the same experiment.
    """
    made: dict[str, str] = {}
    invited: dict[tuple[str, str], int] = {}

    def answer(
        name: str,
        trial: int,
        source: Answer,
        *,
        first: Answer | None = None,
        second: Answer | None = None,
        study: str = "a study",
        **more: object,
    ) -> None:
        if study not in made:
            made[study] = create_study(
                database, [experiment_id], study, label_text=label_text, created_by="test"
            )
        if (study, name) not in invited:
            token = invite(database, made[study], name)
            invited[study, name] = labeller_of(database, token).id
        for condition, perturbed in enumerate((first, second)):
            sides = {"source": source, "perturbed": perturbed}
            for side, given in sides.items():
                if given is not None:
                    add_judgement(
                        database,
                        labeller_id=invited[study, name],
                        item_id=item_of(database, made[study], experiment_id, trial, condition),
                        side=side,
                        answer=given.value,
                        **more,
                    )

    return answer


def item_of(
    database: Database, study_id: str, experiment_id: str, trial: int, condition: int
) -> int:
    """The study's item of a trial under the condition at this position, or of its source."""
    (item_id,) = database.execute(
        """
        SELECT study_items.id FROM results
        JOIN conditions ON conditions.id = results.condition_id
        JOIN sources ON sources.id = results.source_id
        JOIN study_items ON study_items.source_stimulus = sources.stimulus
            AND (study_items.perturbed_stimulus = results.stimulus OR results.stimulus IS NULL)
        WHERE study_items.study_id = ? AND conditions.experiment_id = ?
            AND results.trial_index = ? AND conditions.position = ?
        """,
        [study_id, experiment_id, trial, condition],
    ).fetchone()
    return item_id


def judgements(table: pd.DataFrame, side: str) -> list[list[str]]:
    """Per condition, the trials' judgements: the initials of agree, disagree, missing."""
    column = table[f"{side}_judgement"].str[0]
    return [column[rows].tolist() for rows in table.groupby("condition_id").groups.values()]


def test_without_judgements_everything_is_missing(database: Database, experiment_id: str) -> None:
    table = trial_table(database, [experiment_id])
    assert set(table.columns) == set(COLUMNS)
    assert table["outcome"].tolist() == ["found"] * 5 + ["exhausted"]
    assert table["trial_index"].tolist() == [0, 1, 2] * 2
    assert judgements(table, "source") == [["m"] * 3] * 2
    assert judgements(table, "perturbed") == [["m"] * 3] * 2


def test_a_source_is_judged_once_for_all_its_trials(database, experiment_id, judge) -> None:
    judge("Ada", 0, YES, first=NO)
    judge("Ada", 1, UNCLEAR)
    judge("Ada", 2, YES, first=YES)
    table = trial_table(database, [experiment_id])
    assert judgements(table, "source") == [["a", "d", "a"]] * 2
    assert judgements(table, "perturbed") == [["d", "m", "a"], ["m", "m", "m"]]


@pytest.mark.parametrize(
    ("answers", "majority", "unanimous", "at_least_one"),
    [
        ([YES], "agree", "agree", "agree"),
        ([NO], "disagree", "disagree", "disagree"),
        ([NOTHING], "disagree", "disagree", "disagree"),
        ([YES, NO], "missing", "disagree", "agree"),
        ([YES, YES, NO], "agree", "disagree", "agree"),
        ([YES, NO, UNCLEAR], "disagree", "disagree", "agree"),
        ([YES, YES, YES], "agree", "agree", "agree"),
    ],
)
def test_what_several_labellers_come_to(
    database, experiment_id, judge, answers, majority, unanimous, at_least_one
) -> None:
    for number, answer in enumerate(answers):
        judge(f"labeller {number}", 0, answer)
    for rule, expected in {
        JudgingRule(): majority,
        JudgingRule("unanimous"): unanimous,
        JudgingRule("any"): at_least_one,
    }.items():
        table = trial_table(database, [experiment_id], rule)
        assert table["source_judgement"][0] == expected, rule


def test_one_persons_word(database, experiment_id, judge) -> None:
    judge("Ada", 0, YES)
    judge("Ben", 0, NO)
    for name, expected in {"Ada": "agree", "Ben": "disagree", "Cleo": "missing"}.items():
        rule = JudgingRule("labeller", labeller=name)
        assert trial_table(database, [experiment_id], rule)["source_judgement"][0] == expected


def test_unclear_is_no_unless_it_is_said_to_be_missing(database, experiment_id, judge) -> None:
    judge("Ada", 0, UNCLEAR)
    judge("Ada", 1, NOTHING)
    as_no = trial_table(database, [experiment_id])
    as_missing = trial_table(database, [experiment_id], JudgingRule(unclear="missing"))
    assert judgements(as_no, "source")[0] == ["d", "d", "m"]
    assert judgements(as_missing, "source")[0] == ["m", "d", "m"]


def test_only_the_named_studies_are_read(database, experiment_id, judge) -> None:
    judge("Ada", 0, YES, study="one")
    judge("Ada", 0, NO, study="another")
    both = trial_table(database, [experiment_id])
    ids = {study.name: study.id for study in studies.studies(database)}
    one = trial_table(database, [experiment_id], JudgingRule(studies=(ids["one"],)))
    assert (both["source_judgement"][0], one["source_judgement"][0]) == ("missing", "agree")


def test_a_correction_replaces_and_a_repetition_does_not_count(
    database, experiment_id, judge
) -> None:
    judge("Ada", 0, YES)
    (first,) = stored_judgements(database)
    judge("Ada", 0, NO, supersedes=first.id)
    judge("Ada", 0, YES, repeat=1)
    assert trial_table(database, [experiment_id])["source_judgement"][0] == "disagree"


def test_other_experiments_stay_out(database, experiment_id, judge, tmp_path) -> None:
    other = add_experiment(database, Home(tmp_path), trials=3, subsets=("first",))
    judge("Ada", 0, YES, first=NO)
    tables = {
        name: trial_table(database, ids)
        for name, ids in {"one": [experiment_id], "other": [other]}.items()
    }
    assert len(tables["other"]) == 6
    # The same pictures under the same label: judged for one, judged for all.
    assert judgements(tables["one"], "perturbed")[0] == judgements(tables["other"], "perturbed")[0]
    both = trial_table(database, [experiment_id, other])
    assert len(both) == 12 and both["experiment_id"].nunique() == 2
    assert trial_table(database, []).empty


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        ({"quorum": "most"}, "majority, unanimous, any, labeller"),
        ({"quorum": "labeller"}, "Name a labeller"),
        ({"quorum": "any", "labeller": "Ada"}, "Name a labeller"),
    ],
)
def test_a_rule_that_makes_no_sense_says_why(arguments: dict[str, str], complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint):
        JudgingRule(**arguments)


def test_the_rule_in_words() -> None:
    assert JudgingRule("labeller", "Ada", "missing").in_words() == (
        "Ada; “unclear” counts as missing"
    )


def test_only_trials_before_the_first_unfinished_one_count() -> None:
    """Easy trials end first, so the stored results of a running experiment are not a fair part."""
    rows = ["exhausted 9", "found 1", "found 1", "found 1"]
    table = pd.concat([written(*rows, condition=1), written(*rows, condition=2)])
    running = table[(table["condition_id"] == 1) | (table["trial_index"] != 1)]
    left = finished_part(running.sample(frac=1, random_state=0))
    assert left.groupby("condition_id").size().to_dict() == {1: 4, 2: 1}
    assert len(finished_part(table)) == len(table)
