"""Every item by so many different people: slots, leases, caps. Every judgement is synthetic."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing

import pytest
from sqlite_utils import Database

from data.assignments import COUNTED, assign
from data.database import open_database
from data.home import Home
from data.judgements import judgements
from data.labellers import labeller_of
from data.studies import close_study, items
from labelling.answers import Answer
from labelling.progress import study_progress
from labelling.queue import Task, came_too_late, may_undo, next_task, record, undo
from labelling.stages import Stage, say_purpose, stage, withdraw
from labelling.studies import create_study, invite
from tests.labelling.labelling_crowd import crowded_study, every_item, label_together, resolved
from tests.labelling.synthetic_study import add_experiment, at_once, label_text


class Study:
    """A study and its people; time passes when it is told to."""

    def __init__(self, database: Database, study_id: str, monkeypatch: pytest.MonkeyPatch) -> None:
        self.database, self.id = database, study_id
        self._monkeypatch, self._now = monkeypatch, 1e9
        self.wait(0)

    def wait(self, minutes: float) -> None:
        """The clock that leases are read by goes on."""
        self._now += minutes * 60
        self._monkeypatch.setattr("labelling.sitting.time.time", lambda: self._now)

    def person(self) -> int:
        return labeller_of(self.database, invite(self.database, self.id, "synthetic")).id

    def next(self, person: int) -> Task | None:
        return next_task(self.database, person)

    def answer(self, person: int, answer: Answer = Answer.LABEL) -> Task:
        task = self.next(person)
        assert task is not None
        assert record(self.database, person, task.item_id, task.side, answer)
        return task

    def finish(self, person: int, item_id: int) -> None:
        """That item is done by that person, as if by the rejection of its source elsewhere."""
        assign(
            self.database,
            study_id=self.id,
            labeller_id=person,
            item_id=item_id,
            round=COUNTED,
            place=None,
            lease_expires=None,
        )

    def answer_all(self, person: int, answer: Answer = Answer.LABEL) -> list[Task]:
        asked = []
        while self.next(person) is not None:
            asked.append(self.answer(person, answer))
        return asked


@pytest.fixture
def make(tmp_path, monkeypatch) -> Iterator[Callable[..., Study]]:
    with closing(open_database(Home(tmp_path), durable=True)) as database:

        def make(trials: int, **options: object) -> Study:
            experiment_id = add_experiment(database, Home(tmp_path), trials=trials)
            study_id = create_study(
                database,
                [experiment_id],
                "study",
                label_text=label_text,
                created_by="test",
                options=at_once(**options),
            )
            return Study(database, study_id, monkeypatch)

        yield make


def test_a_crowd_resolves_every_item_by_exactly_as_many_people_as_asked(tmp_path) -> None:
    study_id = crowded_study(tmp_path, trials=6, overlap=3)
    label_together(tmp_path, study_id, 8)
    with closing(open_database(Home(tmp_path))) as database:
        content = every_item(database, study_id)
        assert resolved(database, study_id) == Counter({item: 3 for item in content})
        assert study_progress(database, study_id).open == 0


def test_two_people_never_hold_the_same_slot(make) -> None:
    study = make(trials=2, overlap=1)
    people = [study.person() for _ in range(6)]
    tasks = [task for person in people if (task := study.next(person)) is not None]
    assert len({task.item_id for task in tasks}) == len(tasks) == 4, "eight items, two held by each"
    assert stage(study.database, people[-1]) is Stage.LATER


def test_what_somebody_left_goes_to_the_next_when_the_lease_runs_out(make) -> None:
    study = make(trials=1, overlap=1, lease_minutes=10)
    gone, present = study.person(), study.person()
    left = study.answer(gone)
    study.answer_all(present)
    assert stage(study.database, present) is Stage.LATER
    study.wait(11)
    assert left.item_id in {task.item_id for task in study.answer_all(present)}
    assert stage(study.database, present) is Stage.END


def test_whoever_comes_back_too_late_answers_nothing(make) -> None:
    study = make(trials=1, overlap=1, lease_minutes=10)
    late, quick = study.person(), study.person()
    study.answer(late)
    asked = study.next(late)
    study.wait(11)
    study.answer_all(quick)
    assert not record(study.database, late, asked.item_id, asked.side, Answer.LABEL)
    assert came_too_late(study.database, late, asked.item_id, asked.number)
    assert study.next(late) is None
    assert came_too_late(study.database, late, asked.item_id, asked.number)
    assert set(resolved(study.database, study.id).values()) == {1}


def test_an_answer_given_twice_did_not_come_too_late_but_one_after_the_end_did(make) -> None:
    study = make(trials=2)
    person = study.person()
    task = study.answer(person, Answer.UNCLEAR)
    assert not came_too_late(study.database, person, task.item_id, task.number)
    close_study(study.database, study.id)
    assert came_too_late(study.database, person, task.item_id, task.number)


def test_the_number_of_an_item_that_others_took_is_not_given_to_another(make) -> None:
    """A browser may still show the one under that number, or have it loaded."""
    study = make(trials=3, overlap=1, lease_minutes=10)
    late, quick = study.person(), study.person()
    asked = study.next(late)
    study.wait(11)
    for item_id in (asked.item_id, asked.ahead[0]):
        study.finish(quick, item_id)
    assert study.next(late).number > asked.ahead[1]


def test_whoever_comes_back_in_time_goes_on(make) -> None:
    study = make(trials=1, overlap=1, lease_minutes=10)
    person = study.person()
    study.answer(person)
    asked = study.next(person)
    study.wait(11)
    assert record(study.database, person, asked.item_id, asked.side, Answer.LABEL)


def test_a_heartbeat_keeps_the_lease(make) -> None:
    """A browser in which somebody looks asks for its task again: judge.js, every third of it."""
    study = make(trials=1, overlap=1, lease_minutes=10)
    slow, other = study.person(), study.person()
    asked = study.next(slow)
    for _ in range(3):
        study.wait(6)
        assert study.next(slow) == asked
    assert asked.item_id not in {task.item_id for task in study.answer_all(other)}
    assert record(study.database, slow, asked.item_id, asked.side, Answer.LABEL)


#: Whatever shows a source counts.
CHECKS = {
    "nothing else": {},
    "catch pairs": {"catch_share": 0.5},
    "false labels": {"false_label_share": 0.5},
    "hidden repeats": {"repeat_share": 0.5},
    "all of them": {"catch_share": 0.5, "false_label_share": 0.5, "repeat_share": 0.5},
}


@pytest.mark.parametrize("checks", CHECKS)
@pytest.mark.parametrize("cap", [1, 2])
def test_nobody_sees_more_of_one_source_than_the_cap(make, cap, checks) -> None:
    # A repeat comes ten items later: fewer sources are all at the cap by then.
    trials = 12 if "repeat_share" in CHECKS[checks] else 4
    study = make(trials=trials, source_cap=cap, **CHECKS[checks])
    asked = study.answer_all(study.person())
    shown = {task.number: task for task in asked}
    sources = Counter(task.source_stimulus for task in shown.values())
    assert max(sources.values()) == cap
    assert asked[-1].total == len(shown), "what is said to be left is what comes"
    if not CHECKS[checks]:
        assert set(sources.values()) == {cap}
    elif cap > 1:
        assert len(shown) > len({task.item_id for task in asked} & pairs(study)), "checks, too"


@pytest.mark.parametrize(("trials", "cap"), [(1, 3), (4, 2), (4, 3)])
def test_what_a_cap_leaves_out_is_not_counted_as_left(make, trials, cap) -> None:
    study = make(trials=trials, source_cap=cap)
    assert {task.total for task in study.answer_all(study.person())} == {trials * cap}


def test_without_a_cap_every_pair_and_every_check_is_shown(make) -> None:
    study = make(trials=4, **CHECKS["all of them"])
    shown = {task.number: task for task in study.answer_all(study.person())}
    assert max(Counter(task.source_stimulus for task in shown.values()).values()) > 4


def pairs(study: Study) -> set[int]:
    return {item.id for item in items(study.database, study.id) if item.kind == "pair"}


def test_a_person_has_no_more_items_than_agreed(make) -> None:
    study = make(trials=3, items_per_person=5)
    person = study.person()
    first = study.next(person)
    asked = study.answer_all(person)
    assert first.total == 5
    assert len({task.item_id for task in asked}) == 5
    assert stage(study.database, person) is Stage.END


def test_withdrawing_gives_the_slots_to_others_and_takes_the_judgements_out(make) -> None:
    study = make(trials=1, overlap=1)
    leaving, staying = study.person(), study.person()
    study.answer_all(leaving)
    assert study.next(staying) is None
    logged = len(judgements(study.database, superseded=True))
    withdraw(study.database, leaving)
    assert judgements(study.database) == []
    assert len(judgements(study.database, superseded=True)) == logged, "the log is append-only"
    assert stage(study.database, leaving) is Stage.WITHDRAWN
    assert study.next(leaving) is None
    study.answer_all(staying)
    assert {one.labeller_id for one in judgements(study.database)} == {staying}
    assert set(resolved(study.database, study.id).values()) == {1}


def test_undoing_a_rejection_opens_the_pairs_that_it_resolved(make) -> None:
    study = make(trials=2, overlap=1)
    person = study.person()
    rejected = study.answer(person, Answer.MEANINGLESS)
    assert sum(resolved(study.database, study.id).values()) == 4
    assert undo(study.database, person)
    assert sum(resolved(study.database, study.id).values()) == 0
    again = study.answer(person)
    assert (again.item_id, again.side) == (rejected.item_id, "source")
    assert study.next(person).side == "perturbed"
    first, second = judgements(study.database, superseded=True)
    assert (second.supersedes, first.answer, second.answer) == (first.id, 4, 1)
    assert [one.id for one in judgements(study.database)] == [second.id]


def test_undoing_a_rejection_opens_the_check_that_it_had_closed_unseen(make) -> None:
    study = make(trials=1, catch_share=0.5)
    person = study.person()
    study.answer(person, Answer.MEANINGLESS)
    assert study.next(person) is None, "its pairs and its catch pair are closed"
    assert undo(study.database, person)
    kinds = {item.id: item.kind for item in items(study.database, study.id)}
    asked = {task.item_id for task in study.answer_all(person)}
    assert Counter(kinds[item] for item in asked) == {"pair": 4, "catch": 1}


def test_the_last_answer_of_all_can_be_undone_until_it_was_said_what_it_was_for(make) -> None:
    study = make(trials=1, purpose_question=True)
    person = study.person()
    last = study.answer_all(person)[-1]
    assert stage(study.database, person) is Stage.PURPOSE
    assert may_undo(study.database, person) and undo(study.database, person)
    assert (study.next(person).item_id, study.next(person).side) == (last.item_id, "perturbed")
    study.answer(person, Answer.UNCLEAR)
    say_purpose(study.database, person, "")
    assert stage(study.database, person) is Stage.END
    assert not may_undo(study.database, person) and not undo(study.database, person)


def test_an_answer_that_revealed_the_second_image_cannot_be_undone(make) -> None:
    study = make(trials=1)
    person = study.person()
    assert not undo(study.database, person), "there is none yet"
    study.answer(person)
    assert not study.next(person).undo
    assert not undo(study.database, person)
    study.answer(person, Answer.UNCLEAR)
    assert study.next(person).undo
    assert undo(study.database, person)
    assert not undo(study.database, person), "one step, not two"
    assert study.next(person).side == "perturbed"


def test_items_of_one_study_count_for_that_study_alone(make) -> None:
    one, other = make(trials=1, overlap=1), make(trials=1, overlap=1)
    one.answer_all(one.person())
    assert study_progress(other.database, other.id).judged == 0
    assert len(items(other.database, other.id)) == 4
