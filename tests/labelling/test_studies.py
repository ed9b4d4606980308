"""What a study asks, and whom."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest
from sqlite_utils import Database

from data.database import open_database
from data.home import Home
from data.labellers import labeller_of, labellers, revoke_labeller
from data.studies import items
from labelling.options import StudyError, StudyOptions, options_of
from labelling.studies import completion_code, create_study, invite
from tests.labelling.synthetic_study import LABELS, add_experiment, label_text


@pytest.fixture
def home(tmp_path) -> Home:
    return Home(tmp_path)


@pytest.fixture
def database(home) -> Iterator[Database]:
    database = open_database(home)
    yield database
    database.close()


def make(database: Database, *experiment_ids: str, **options) -> str:
    return create_study(
        database, experiment_ids, "Study", label_text=label_text, created_by="test", **options
    )


def test_an_item_a_found_result_condition_by_condition(database, home):
    study_id = make(database, add_experiment(database, home, trials=3))
    asked = items(database, study_id)
    assert len(asked) == 3 * 4
    assert [item.position for item in asked] == list(range(12))
    assert len({item.perturbed_stimulus for item in asked}) == 12
    sources = [item.source_stimulus for item in asked]
    assert sources == sources[:3] * 4
    assert [item.label for item in asked[:3]] == [LABELS[0], LABELS[1], LABELS[0]]
    assert (asked[0].phrase, asked[0].search_term) == ("a three", "three")


def test_the_same_question_of_two_experiments_is_asked_once(database, home):
    one, two = (add_experiment(database, home, trials=2, name=name) for name in "ab")
    assert len(items(database, make(database, one, two))) == len(
        items(database, make(database, one))
    )


@pytest.mark.parametrize(("option", "lone"), [(True, 1), (False, 0)])
def test_the_source_of_a_trial_that_only_exhausted_is_asked_alone(database, home, option, lone):
    """Trial 0 is exhausted throughout, trial 1 only under the first condition."""
    experiment_id = add_experiment(
        database, home, trials=2, found=lambda trial, condition: trial == 1 and condition > 0
    )
    study_id = make(database, experiment_id, options=StudyOptions(exhausted_sources=option))
    asked = items(database, study_id)
    assert len([item for item in asked if item.perturbed_stimulus is None]) == lone
    assert len([item for item in asked if item.perturbed_stimulus is not None]) == 3
    assert options_of(database, study_id).exhausted_sources is option


@pytest.mark.parametrize(
    ("name", "experiments", "sentence"),
    [
        ("  ", 1, "Give the study a name."),
        ("Study", 0, "Choose at least one experiment."),
        ("Study", None, "There is no experiment nowhere"),
    ],
)
def test_what_cannot_be_made_says_why_and_leaves_nothing(
    database, home, name, experiments, sentence
):
    chosen = (
        ["nowhere"]
        if experiments is None
        else [add_experiment(database, home, trials=1) for _ in range(experiments)]
    )
    with pytest.raises(StudyError, match=sentence):
        create_study(database, chosen, name, label_text=label_text, created_by="test")
    assert database["studies"].count == 0


def test_an_experiment_without_results_has_nothing_to_judge(database, home):
    experiment_id = add_experiment(database, home, trials=0)
    with pytest.raises(StudyError, match="nothing yet"):
        make(database, experiment_id)
    assert database["studies"].count == 0


def test_an_invitation_admits_one_person_to_one_study(database, home):
    study_id = make(database, add_experiment(database, home, trials=1))
    token = invite(database, study_id, " Ada ")
    labeller = labeller_of(database, token)
    assert (labeller.study_id, labeller.name) == (study_id, "Ada")
    assert labeller_of(database, token[:-1] + "_") is None
    revoke_labeller(database, labeller.id)
    assert labeller_of(database, token) is None


def test_an_invitation_needs_a_name(database, home):
    study_id = make(database, add_experiment(database, home, trials=1))
    with pytest.raises(StudyError, match="name"):
        invite(database, study_id, " ")
    assert labellers(database, study_id) == []


def test_the_code_at_the_end_is_ones_own_and_does_not_change(database, home):
    study_id = make(database, add_experiment(database, home, trials=1))
    ada, bob = (labeller_of(database, invite(database, study_id, name)) for name in ("Ada", "Bob"))
    assert completion_code(ada) == completion_code(replace(ada, name="renamed"))
    assert completion_code(ada) != completion_code(bob)
    assert len(completion_code(ada)) == 8
