"""What is asked, and which answers count. Every judgement here is synthetic."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import pytest
from sqlite_utils import Database

from data.database import open_database
from data.home import Home
from data.judgements import judgements
from data.labellers import labeller_of
from data.studies import close_study, items
from labelling.answers import Answer, options
from labelling.progress import progress
from labelling.queue import Task, next_task, record
from labelling.studies import create_study, invite
from tests.labelling.synthetic_study import add_experiment, at_once, label_text

LABEL, ELSE, UNCLEAR, MEANINGLESS = Answer
CONDITIONS = 4


@dataclass(frozen=True)
class Study:
    """A study on a disk of its own, with one labeller."""

    database: Database
    id: str
    labeller: int

    def next(self) -> Task | None:
        return next_task(self.database, self.labeller)

    def answer(self, answer: Answer) -> Task:
        """Answers the current task, which has to be accepted, and returns it."""
        task = self.next()
        assert task is not None
        assert record(self.database, self.labeller, task.item_id, task.side, answer)
        return task

    def answer_all(self, decide: Callable[[Task], Answer]) -> list[Task]:
        asked = []
        while (task := self.next()) is not None:
            asked.append(self.answer(decide(task)))
        return asked

    def another_labeller(self) -> Study:
        return Study(self.database, self.id, _labeller(self.database, self.id))


def _labeller(database: Database, study_id: str) -> int:
    return labeller_of(database, invite(database, study_id, "synthetic")).id


@pytest.fixture
def make(tmp_path) -> Iterator[Callable[..., Study]]:
    home = Home(tmp_path)
    database = open_database(home, durable=True)

    def make(**experiment) -> Study:
        experiment_id = add_experiment(database, home, **experiment)
        study_id = create_study(
            database,
            [experiment_id],
            "study",
            label_text=label_text,
            created_by="test",
            options=at_once(),
        )
        return Study(database, study_id, _labeller(database, study_id))

    yield make
    database.close()


def test_the_four_answers_are_the_papers_sentences():
    assert options("a seven") == [
        "This is an image of a seven",
        "This is an image of something else",
        "It is unclear what this image shows",
        "This is not an image of anything meaningful",
    ]
    assert [answer.value for answer in Answer] == [1, 2, 3, 4]


# --- What is asked -----------------------------------------------------------------------------


def test_a_source_that_shows_the_label_opens_the_perturbed_image(make):
    study = make(trials=1)
    first = study.answer(LABEL)
    second = study.next()
    assert (first.side, second.side) == ("source", "perturbed")
    assert second.item_id == first.item_id
    assert second.source_answer is LABEL


def test_the_perturbed_image_is_not_in_the_task_before_the_source_is_judged(make):
    study = make(trials=2)
    for task in study.answer_all(lambda task: LABEL):
        assert (task.perturbed_stimulus is None) == (task.side == "source")


@pytest.mark.parametrize("answer", [ELSE, UNCLEAR, MEANINGLESS])
def test_a_rejected_source_closes_all_its_items(make, answer):
    study = make(trials=2)
    rejected = study.answer(answer)
    rest = study.answer_all(lambda task: LABEL)
    assert rejected.source_stimulus not in {task.source_stimulus for task in rest}
    assert len(progress(study.database, study.labeller).finished) == 2 * CONDITIONS


def test_a_shared_source_is_asked_once_and_then_shown_answered(make):
    study = make(trials=3)
    asked = study.answer_all(lambda task: LABEL)
    assert Counter(task.side for task in asked) == {"source": 3, "perturbed": 3 * CONDITIONS}
    of_source = Counter(task.source_stimulus for task in asked if task.side == "source")
    assert set(of_source.values()) == {1}
    assert {task.source_answer for task in asked if task.side == "perturbed"} == {LABEL}


def test_an_exhausted_trial_asks_about_its_source_alone(make):
    study = make(trials=2, found=lambda trial, condition: trial == 0)
    asked = study.answer_all(lambda task: LABEL)
    assert Counter(task.side for task in asked) == {"source": 2, "perturbed": CONDITIONS}


def test_the_end_comes_when_everything_is_judged_or_the_study_is_closed(make):
    study = make(trials=1)
    assert study.next() is not None
    close_study(study.database, study.id)
    assert study.next() is None
    close_study(study.database, study.id, closed=False)
    study.answer_all(lambda task: LABEL)
    assert study.next() is None
    count = progress(study.database, study.labeller)
    assert (count.done, count.total) == (CONDITIONS, CONDITIONS)


def test_the_count_never_goes_back_and_ends_at_the_total(make):
    study = make(trials=4)
    asked = study.answer_all(lambda task: LABEL if task.number % 3 else ELSE)
    counts = [task.done for task in asked]
    assert counts == sorted(counts)
    assert counts[0] == 0
    totals = [task.total for task in asked]
    assert totals[0] == 4 * CONDITIONS
    assert totals == sorted(totals, reverse=True), "what a rejected source resolves is not shown"
    assert totals[-1] == len({task.number for task in asked}) == asked[-1].done + 1


def test_the_image_ahead_is_the_next_source(make):
    study = make(trials=5)
    while (task := study.next()) is not None:
        study.answer(UNCLEAR)
        after = study.next()
        following = after and (after.item_id, after.number, after.source_stimulus)
        assert task.ahead == following


def test_labellers_of_one_study_do_not_see_each_others_answers(make):
    first = make(trials=2)
    second = first.another_labeller()
    first.answer_all(lambda task: ELSE)
    assert second.next().done == 0
    assert second.next().source_answer is None


# --- What counts -------------------------------------------------------------------------------


def test_an_answer_that_comes_twice_is_stored_once(make):
    study = make(trials=2)
    task = study.answer(ELSE)
    assert not record(study.database, study.labeller, task.item_id, task.side, LABEL)
    (stored,) = judgements(study.database, labeller_id=study.labeller)
    assert (stored.item_id, stored.answer) == (task.item_id, ELSE)


def test_only_the_current_item_and_side_may_be_answered(make):
    study = make(trials=2)
    task = study.next()
    others = [item.id for item in items(study.database, study.id) if item.id != task.item_id]
    attempts = [(other, side) for other in others for side in ("source", "perturbed")]
    for item_id, side in [*attempts, (task.item_id, "perturbed"), (10**9, "source")]:
        assert not record(study.database, study.labeller, item_id, side, LABEL)
    assert judgements(study.database) == []


def test_an_answer_to_another_study_is_refused(make):
    study, other = make(trials=1), make(trials=1, name="other")
    task = other.next()
    assert not record(study.database, study.labeller, task.item_id, task.side, LABEL)
    assert judgements(study.database) == []


def test_of_windows_that_answer_at_the_same_moment_one_is_heard(make, tmp_path):
    """Threads with connections of their own, let go together at each of the tasks."""
    study = make(trials=6)
    windows = 4
    barrier = threading.Barrier(windows)

    def press(window: int) -> list[bool]:
        database = open_database(Home(tmp_path), durable=True)
        heard = []
        for _ in range(6):
            task = next_task(database, study.labeller)
            barrier.wait()
            answer = Answer(2 + window % 3)
            heard.append(record(database, study.labeller, task.item_id, task.side, answer))
            barrier.wait()
        database.close()
        return heard

    with ThreadPoolExecutor(windows) as pool:
        heard = list(pool.map(press, range(windows)))
    assert [sum(presses) for presses in zip(*heard, strict=True)] == [1] * 6
    assert len(judgements(study.database)) == 6


def test_a_judgement_keeps_when_and_how_fast(make):
    study = make(trials=1)
    task = study.next()
    record(
        study.database,
        study.labeller,
        task.item_id,
        task.side,
        LABEL,
        response_ms=431.5,
        shown_at="2026-01-01T00:00:00.000000Z",
    )
    (stored,) = judgements(study.database)
    assert (stored.response_ms, stored.shown_at) == (431.5, "2026-01-01T00:00:00.000000Z")
    assert stored.stimulus == task.source_stimulus


# --- Coming back -------------------------------------------------------------------------------


def test_one_goes_on_exactly_where_one_stopped(make, tmp_path):
    """Stopping after every single answer, in a new connection, gives the very same session."""
    study = make(trials=3)
    twin = study.another_labeller()
    seed = study.database.execute(
        "SELECT order_seed FROM labellers WHERE id = ?", [study.labeller]
    ).fetchone()
    study.database.execute(
        "UPDATE labellers SET order_seed = ? WHERE id = ?", [*seed, twin.labeller]
    )

    def decide(task: Task) -> Answer:
        return Answer(1 + task.item_id % 4)

    in_one_go = [(task.item_id, task.side) for task in study.answer_all(decide)]
    with_breaks = []
    while True:
        database = open_database(Home(tmp_path), durable=True)
        resumed = Study(database, twin.id, twin.labeller)
        task = resumed.next()
        if task is not None:
            resumed.answer(decide(task))
            with_breaks.append((task.item_id, task.side))
        database.close()
        if task is None:
            break
    assert with_breaks == in_one_go
