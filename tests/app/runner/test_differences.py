"""In what experiments differ: only that, and all of that."""

from __future__ import annotations

from sqlite_utils import Database

from app.runner.differences import described, differences
from data.experiments import ConditionRow, conditions, experiment
from data.home import Home
from data.jobs import claim, submit
from data.results import add_results
from data.summaries import Summary, summaries
from tests.data.rows import a_failure, a_find, an_experiment


def told(database: Database, experiment_id: str) -> dict[str, str]:
    one = experiment(database, experiment_id)
    assert one is not None
    return dict(described(one, conditions(database, experiment_id)))


def test_equal_definitions_do_not_differ(database: Database) -> None:
    first, second = an_experiment(database), an_experiment(database, name="another")
    assert differences([told(database, first), told(database, second)]) == {}


def test_what_differs_is_named_with_each_ones_value(database: Database) -> None:
    control = ConditionRow(
        classifier="mnist-standard",
        classifier_checksum="e" * 64,
        subset="first",
        layer_weights=(0.5, 0.0),
        search="relaxation",
        schedule_name="mnist",
        schedule={"learning_rate": 0.004, "budget": 50},
        role="random-direction",
        controls=0,
        repetition=1,
    )
    plain = an_experiment(database)
    other = an_experiment(
        database,
        seed=7,
        trials=12,
        code_version="2",
        definition={"targeted": False, "slots": 4, "device": "cuda"},
        conditions=[
            ConditionRow(**vars(control) | {"role": "search", "controls": None, "repetition": 0}),
            control,
        ],
    )
    assert differences([told(database, plain), told(database, other)]) == {
        "Classifiers' weights": [
            f"mnist-standard {'c' * 12}",
            f"mnist-standard {'e' * 12}",
        ],
        "Layer weights": ["first: 1 0, last: 0 1", "first: 0.5 0"],
        "Schedules": [
            "mnist (budget 10000, learning rate 0.004)",
            "mnist (budget 50, learning rate 0.004)",
        ],
        "Trials": ["10", "12"],
        "Seed": ["0", "7"],
        "Targeted": ["yes", "no"],
        "Slots": ["–", "4"],
        "Controls": ["none", "random direction 1"],
        "Device": ["the machine's own", "cuda"],
        "Code": ["0.1.0", "2"],
    }


def test_a_summary_counts_searches_apart_from_controls(database: Database, place: Home) -> None:
    one, other = an_experiment(database), an_experiment(database)
    first, last = conditions(database, one)
    add_results(database, [a_find(database, place, first.id), a_failure(last.id)])
    submit(database, kind="experiment", experiment_id=one, owner="ada", device="cpu")
    claim(database, "cpu", "worker")
    assert summaries(database, [one, other]) == {
        one: Summary("running", 2, 2, 2, {"found": 1, "failed": 1}),
        other: Summary("not started", 2, 2, 0, {}),
    }
    database.execute(
        "UPDATE conditions SET role = 'repeat', controls = 0, repetition = 1 WHERE id = ?",
        [last.id],
    )
    assert summaries(database, [one])[one] == Summary("running", 1, 2, 2, {"found": 1})
