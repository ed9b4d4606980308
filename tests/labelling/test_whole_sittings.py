"""Whatever one answers and undoes, every item comes to an end and nothing stands in the way.

All answers here are drawn at random, by no person.
"""

from __future__ import annotations

import random
from contextlib import closing
from pathlib import Path

import pytest
from sqlite_utils import Database

from data.database import open_database
from data.home import Home
from data.judgements import judgements
from data.labellers import labeller_of
from data.results import add_stimulus
from labelling.answers import Answer
from labelling.controls import Gold
from labelling.options import StudyOptions
from labelling.queue import Task, next_task, record, undo
from labelling.stages import Stage, agree, say_purpose, stage, start
from labelling.studies import create_study, invite
from tests.labelling.synthetic_study import add_experiment, at_once, label_text, source_picture

EVERYTHING = StudyOptions(
    information_sheet=True,
    instruction_page=True,
    purpose_question=True,
    practice_items=1,
    repeat_share=0.4,
    gold_share=0.3,
    false_label_share=0.3,
    catch_share=0.4,
    break_every=5,
)


def labeller_of_a_new_study(database: Database, home: Home) -> int:
    experiment_id = add_experiment(database, home, trials=3)
    gold = [
        Gold(add_stimulus(database, home, source_picture(900 + index)), 3, Answer.LABEL)
        for index in range(4)
    ]
    study_id = create_study(
        database,
        [experiment_id],
        "all of it",
        label_text=label_text,
        created_by="test",
        options=EVERYTHING,
        gold=gold,
    )
    labeller = labeller_of(database, invite(database, study_id, "robot (synthetic)"))
    agree(database, labeller.id)
    start(database, labeller.id)
    return labeller.id


@pytest.mark.parametrize("seed", range(12))
def test_random_answers_and_undoings_lead_to_the_end(tmp_path: Path, seed: int) -> None:
    home, draws = Home(tmp_path), random.Random(seed)
    with closing(open_database(home, durable=True)) as database:
        labeller_id = labeller_of_a_new_study(database, home)
        numbers: list[int] = []
        while (task := next_task(database, labeller_id)) is not None:
            assert len(numbers) < 500
            numbers.append(task.number)
            if task.undo and draws.random() < 0.2:
                assert undo(database, labeller_id)
                continue
            answer = Answer(draws.choice([1, 1, 2, 3, 4]))
            assert record(
                database, labeller_id, task.item_id, task.side, answer, number=task.number
            )
        assert stage(database, labeller_id) is Stage.PURPOSE
        say_purpose(database, labeller_id, "")
        assert stage(database, labeller_id) is Stage.END
        stood = judgements(database, labeller_id=labeller_id)
        images = {(one.side, one.stimulus, one.label, one.repeat) for one in stood}
        assert len(images) == len(stood)


def test_a_break_is_offered_before_an_item_whose_source_is_known(tmp_path: Path) -> None:
    home = Home(tmp_path)
    with closing(open_database(home, durable=True)) as database:
        experiment_id = add_experiment(database, home, trials=2)
        options = at_once(break_every=5)
        study_id = create_study(
            database,
            [experiment_id],
            "breaks",
            label_text=label_text,
            created_by="test",
            options=options,
        )
        labeller = labeller_of(database, invite(database, study_id, "robot (synthetic)"))
        tasks: list[Task] = []
        while (task := next_task(database, labeller.id)) is not None:
            tasks.append(task)
            record(database, labeller.id, task.item_id, task.side, Answer.LABEL)
        assert [(task.done, task.side) for task in tasks if task.rest] == [(5, "perturbed")]
