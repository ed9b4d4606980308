"""Transfers: every classifier at hand answers the stored pictures, each once, whatever happens."""

from __future__ import annotations

import runpy

import numpy as np
import pytest
from sqlite_utils import Database

from app import api
from app.runner.course import advance
from app.runner.models import Models
from app.runner.request import ExperimentRequest
from app.runner.submit import submit_transfer
from app.runner.transfer_course import transfer_course
from app.runner.worker import work
from data.experiments import conditions, experiment
from data.home import Home
from data.images import read_image
from data.jobs import job, job_of
from data.results import results, source
from data.transfers import transfer_count, transfers, untested_count
from tests.app.conftest import TINY

REQUEST = ExperimentRequest(
    "tiny",
    ("tiny-fair", "tiny-stubborn"),
    ("first", "last"),
    schedules=("imagenet",),
    budget=80,
    trials=12,
    slots=4,
)
OTHER = {"tiny-fair": "tiny-stubborn", "tiny-stubborn": "tiny-fair"}


@pytest.fixture
def experiment_id(place: Home) -> str:
    """The id of an experiment with both classifiers, run to its end."""
    made = api.define(REQUEST, place.root)
    list(api.run(made, place.root, threads=1))
    return made


def by_hand(place: Home, name: str, sha256: str) -> int:
    """The answer of a linear classifier, W·x + b, to a stored picture."""
    weights = runpy.run_path(str(TINY))["weights"]()[name]
    x = read_image(place, sha256).astype(np.float64).ravel() / 255
    logits = weights["linear.weight"].double().numpy() @ x + weights["linear.bias"].double().numpy()
    return int(logits.argmax())


def test_the_answers_are_those_of_the_linear_classifiers(
    place: Home, database: Database, experiment_id: str
) -> None:
    for _ in transfer_course(database, place, Models(place), experiment(database, experiment_id)):
        pass
    expected = []
    for condition in conditions(database, experiment_id):
        other = OTHER[condition.classifier]
        for one in results(database, condition.id):
            if one.outcome == "found":
                pictures = (source(database, one.source_id).stimulus, one.stimulus)
                answers = (by_hand(place, other, name) for name in pictures)
                expected.append((condition.id, one.trial_index, other, *answers))
    assert expected and transfers(database, experiment_id) == expected


def test_cut_off_it_goes_on_and_asks_nothing_twice(
    place: Home, database: Database, experiment_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.runner.transfer_course.MOST_AT_ONCE", 3)
    stored = experiment(database, experiment_id)
    begun = transfer_course(database, place, Models(place), stored)
    while not transfer_count(database, experiment_id):
        advance(begun, 0.0)
    begun.close()  # as when the worker ends
    missing = untested_count(database, experiment_id, list(OTHER))
    assert transfer_count(database, experiment_id) == 3 and missing > 0
    told = [
        seen for seen in transfer_course(database, place, Models(place), stored) if "done" in seen
    ]
    assert told[-1]["done"] == told[-1]["total"] == missing
    assert untested_count(database, experiment_id, list(OTHER)) == 0
    rows = transfers(database, experiment_id)
    assert len(rows) == len(set(row[:3] for row in rows)) == missing + 3


def test_the_worker_does_it_and_it_is_not_taken_for_the_experiments_own_job(
    place: Home, database: Database, experiment_id: str
) -> None:
    job_id = submit_transfer(database, experiment_id, owner="ada", device="cpu")
    assert submit_transfer(database, experiment_id, owner="ada", device="cpu") == job_id
    work(place, threads=1, ended=lambda: not job(database, job_id).active)
    assert job(database, job_id).state == "done"
    assert untested_count(database, experiment_id, list(OTHER)) == 0
    assert job_of(database, experiment_id).id != job_id
