"""A study over a plane: asked like any other, and found again as points of it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from sqlite_utils import Database

from data.database import open_database
from data.home import Home
from data.labellers import labeller_of
from data.results import add_stimulus
from data.studies import items
from labelling.answers import Answer
from labelling.eligibility import JudgingRule
from labelling.options import StudyError
from labelling.plane_study import create_plane_study, judged_points, plane_key, plane_studies
from labelling.queue import next_task, record
from labelling.studies import LabelText, invite
from tests.data.rows import pixels
from tests.labelling.synthetic_study import at_once

SPACE: dict[str, Any] = {
    "kind": "PerturbationPlane",
    "source": {"generator": "mnist-conv", "checksum": "d" * 64, "label": 7, "seed": 4},
    "scales_checksum": "s" * 64,
    "first": {"classifier": "mnist-standard", "perturbation_id": "a"},
    "second": {"kind": "RandomDirection", "seed": 0},
    "lower": [-0.5, -0.5],
    "upper": [1.5, 1.5],
}
POINTS = [(0.5, 0.25), (1.0, 0.75), (-0.25, 1.25)]


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path / "home")


@pytest.fixture
def durable(home: Home) -> Database:
    return open_database(home, durable=True)


def a_study(database: Database, home: Home) -> tuple[str, str, list[str]]:
    """Its id, the source's stimulus, and those of POINTS."""
    source = add_stimulus(database, home, pixels(0))
    stimuli = [add_stimulus(database, home, pixels(number)) for number in (1, 2, 3)]
    study_id = create_plane_study(
        database,
        "a plane",
        space=SPACE,
        source=source,
        pictures=list(zip(POINTS, stimuli, strict=True)),
        text=LabelText("a seven", "seven"),
        created_by="ada",
        options=at_once(),
    )
    return study_id, source, stimuli


def judge(
    database: Database, study_id: str, says: dict[str, Answer], name: str = "someone"
) -> None:
    """One more person who judges everything: `says`, else that it shows the label."""
    person = labeller_of(database, invite(database, study_id, name))
    while (task := next_task(database, person.id)) is not None:
        stimulus = task.source_stimulus if task.side == "source" else task.perturbed_stimulus
        answer = says.get(stimulus, Answer.LABEL)
        assert record(database, person.id, task.item_id, task.side, answer)


def test_the_plane_is_the_same_however_much_of_it_a_map_covers_and_wherever_tensors_are() -> None:
    elsewhere = SPACE | {"upper": [2.0, 2.0], "first": SPACE["first"] | {"perturbation_id": None}}
    assert plane_key(elsewhere) == plane_key(SPACE)
    assert plane_key(SPACE | {"second": {"kind": "RandomDirection", "seed": 1}}) != plane_key(SPACE)


def test_judged_pictures_are_points_with_what_people_say(durable: Database, home: Home) -> None:
    study_id, source, stimuli = a_study(durable, home)
    assert {one.kind for one in items(durable, study_id)} == {"plane"}
    no, unclear = Answer.SOMETHING_ELSE, Answer.UNCLEAR
    judge(durable, study_id, {stimuli[1]: no, stimuli[2]: unclear})
    judge(durable, study_id, {stimuli[1]: no, stimuli[2]: Answer.LABEL})
    judge(durable, study_id, {stimuli[1]: Answer.MEANINGLESS, stimuli[2]: unclear})
    known = {(0.0, 0.0): source, (1.0, 0.0): None}
    found = {
        one.u: (one.judgement, one.yes, one.asked) for one in judged_points(durable, SPACE, known)
    }
    assert found == {
        (0.0, 0.0): ("agree", 3, 3),
        POINTS[0]: ("agree", 3, 3),
        POINTS[1]: ("disagree", 0, 3),
        POINTS[2]: ("disagree", 1, 3),
    }
    lenient = judged_points(durable, SPACE, known, JudgingRule(unclear="missing"))
    assert {one.u: one.judgement for one in lenient}[POINTS[2]] == "agree"
    another = SPACE | {"scales_checksum": "t" * 64}
    assert judged_points(durable, another, {}) == []
    assert plane_studies(durable, another, {}) == []
    assert plane_studies(durable, SPACE, {}) == plane_studies(durable, another, known) == [study_id]


def test_the_rule_says_whose_answers_count_and_what_they_come_to(
    durable: Database, home: Home
) -> None:
    study_id, source, stimuli = a_study(durable, home)
    no, unclear = Answer.SOMETHING_ELSE, Answer.UNCLEAR
    judge(durable, study_id, {stimuli[0]: no, stimuli[1]: Answer.MEANINGLESS}, "ada")
    judge(durable, study_id, {stimuli[1]: Answer.MEANINGLESS, stimuli[2]: unclear}, "bob")
    judge(durable, study_id, {stimuli[1]: unclear, stimuli[2]: unclear}, "cem")

    def told(rule: JudgingRule) -> list[tuple[str, tuple[int, ...], str]]:
        points = {one.u: one for one in judged_points(durable, SPACE, {(0.0, 0.0): source}, rule)}
        return [(points[u].judgement, points[u].answers, points[u].answer) for u in POINTS]

    assert told(JudgingRule()) == [
        ("agree", (2, 1, 0, 0), "label"),
        ("disagree", (0, 0, 1, 2), "meaningless"),
        ("disagree", (1, 0, 2, 0), "unclear"),
    ]
    assert [one for one, *_ in told(JudgingRule("any"))] == ["agree", "disagree", "agree"]
    assert [one for one, *_ in told(JudgingRule("unanimous"))] == ["disagree"] * 3
    assert told(JudgingRule("labeller", "ada")) == [
        ("disagree", (0, 1, 0, 0), "something else"),
        ("disagree", (0, 0, 0, 1), "meaningless"),
        ("agree", (1, 0, 0, 0), "label"),
    ]
    assert [one for *_, one in told(JudgingRule(labellers=("ada", "bob")))] == [
        "tie",
        "meaningless",
        "tie",
    ]
    assert {one for *_, one in told(JudgingRule(studies=("another",)))} == {""}


def test_whoever_rejects_the_source_is_shown_no_picture_of_the_plane(
    durable: Database, home: Home
) -> None:
    study_id, source, _ = a_study(durable, home)
    judge(durable, study_id, {source: Answer.MEANINGLESS})
    points = judged_points(durable, SPACE, {(0.0, 0.0): source})
    assert {one.judgement for one in points if one.u != (0.0, 0.0)} == {"missing"}
    assert {one.judgement for one in points if one.u == (0.0, 0.0)} == {"disagree"}


def test_a_plane_without_pictures_is_no_study(durable: Database) -> None:
    with pytest.raises(StudyError, match="no picture"):
        create_plane_study(
            durable,
            "empty",
            space=SPACE,
            source="0" * 64,
            pictures=[],
            text=LabelText("a seven", "seven"),
            created_by="ada",
        )
