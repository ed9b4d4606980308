"""An experiment with everything that can be stored of one, of tiny models and synthetic answers.

No person judged any of it: answers are drawn by a program.
"""

from __future__ import annotations

import random
from contextlib import closing

from sqlite_utils import Database

from app import api
from app.runner.map_request import describe, plane, submit_map, submit_spread
from app.runner.models import Models
from app.runner.request import ExperimentRequest
from app.runner.strength_course import strength_course
from app.runner.transfer_course import transfer_course
from app.runner.worker import work
from data.database import open_database
from data.experiments import Experiment, experiment
from data.found_directions import found_directions
from data.home import Home
from data.jobs import job
from data.labellers import labeller_of
from data.maps import stored_map
from labelling.answers import Answer
from labelling.plane_study import create_plane_study
from labelling.queue import next_task, record
from labelling.strength_draws import chosen_strengths
from labelling.studies import LabelText, create_study, invite
from tests.labelling.synthetic_study import at_once

REQUEST = ExperimentRequest(
    "tiny",
    classifiers=("tiny-fair", "tiny-stubborn"),
    subsets=("last",),
    searches=("relaxation", "minimum-norm"),
    schedules=("imagenet", "minimum-norm"),
    budget=40,
    trials=8,
    slots=8,
    random_directions=1,
    repeats=1,
)
TEXT = LabelText("a pattern", "pattern")


def judged_experiment(place: Home) -> str:
    """Two searches with controls; transfers; a map of a plane; studies of its pictures, of some at
    randomised strengths, and of the plane's, judged by three; its id.
    """
    experiment_id = api.define(REQUEST, place.root, name="Everything")
    list(api.run(experiment_id, place.root, threads=1))
    with closing(open_database(place, durable=True)) as database:
        stored = experiment(database, experiment_id)
        _to_the_end(transfer_course(database, place, Models(place), stored))
        study_id = create_study(
            database,
            [experiment_id],
            "Pairs and strengths",
            label_text=lambda _, label: TEXT,
            created_by="test",
            options=at_once(strength_items=24),
        )
        _add_strengths(database, place, stored, study_id)
        plane_id = _plane_study(database, place)
        for number, name in enumerate(("Ada Lovelace", "Grace Hopper", "Mary Somerville")):
            for one in (study_id, plane_id):
                _judge(database, one, name, number)
    return experiment_id


def _add_strengths(database: Database, place: Home, stored: Experiment, study_id: str) -> None:
    [(_, strengths)] = chosen_strengths(database, study_id).items()
    asked = {"study": study_id, "strengths": [list(one) for one in strengths]}
    _to_the_end(strength_course(database, place, Models(place), stored, asked))


def _plane_study(database: Database, place: Home) -> str:
    """A map of the newest found perturbation's plane, and a study of pictures spread over it."""
    first = found_directions(database)[0]
    menu = api.menu(place.root)
    described = describe(
        menu,
        plane(first, None),
        label=first.label,
        label_name=menu.generators["tiny"].labels[first.label],
        classifiers=["tiny-fair"],
        resolution=5,
    )
    map_id = submit_map(database, described, name="A plane", owner="test")
    work(place, threads=1, idle_seconds=0.1)
    job_id = submit_spread(database, map_id, 6, seed=0, owner="test")
    work(place, threads=1, idle_seconds=0.1)
    drawn = job(database, job_id).progress
    return create_plane_study(
        database,
        "A plane",
        space=dict(stored_map(database, map_id).description["space"]),
        source=drawn["source"],
        pictures=[(u, stimulus) for u, stimulus in drawn["pictures"]],
        text=TEXT,
        created_by="test",
        options=at_once(),
    )


def _judge(database: Database, study_id: str, name: str, seed: int) -> None:
    draws = random.Random(seed)
    person = labeller_of(database, invite(database, study_id, name))
    while task := next_task(database, person.id):
        likely = 0.95 if task.side == "source" else 0.7
        said = Answer.LABEL if draws.random() < likely else draws.choice(list(Answer)[1:])
        record(database, person.id, task.item_id, task.side, said, response_ms=900.0)


def _to_the_end(course) -> None:
    for _ in course:
        pass
