"""Randomised strengths: drawn by chance, rendered exactly, added once, and blind like any item."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from sqlite_utils import Database

from app import api
from app.runner.course import advance
from app.runner.models import Models
from app.runner.request import ExperimentRequest
from app.runner.strength_course import strength_course
from app.runner.submit import submit_strengths
from app.runner.worker import work
from data.database import open_database
from data.experiments import experiment
from data.home import Home
from data.images import read_image
from data.jobs import job, jobs_of_study
from data.labellers import labeller_of
from data.studies import items
from labelling.answers import Answer
from labelling.queue import next_task, record
from labelling.strength_draws import STRONGEST, WEAKEST, chosen_strengths
from labelling.studies import LabelText, create_study, invite
from tests.labelling.synthetic_study import at_once

REQUEST = ExperimentRequest(
    "tiny", ("tiny-fair",), ("all",), schedules=("imagenet",), budget=120, trials=16, slots=4
)
WANTED = 5


def a_study(place: Home, database: Database, *, kept: bool) -> tuple[str, str]:
    """An experiment run to its end, and a study that wants five of its pictures at strengths."""
    request = replace(REQUEST, keep_perturbations=kept)
    experiment_id = api.define(request, place.root)
    list(api.run(experiment_id, place.root, threads=1))
    study_id = create_study(
        database,
        [experiment_id],
        "Strengths",
        label_text=lambda generator, label: LabelText(f"a {label}", str(label)),
        created_by="test",
        options=at_once(strength_items=WANTED),
    )
    return experiment_id, study_id


def course(place: Home, database: Database, experiment_id: str, study_id: str):
    [(_, strengths)] = chosen_strengths(database, study_id).items()
    asked = {"study": study_id, "strengths": [list(one) for one in strengths]}
    return strength_course(
        database, place, Models(place), experiment(database, experiment_id), asked
    )


def strength_items(database: Database, study_id: str):
    return [one for one in items(database, study_id) if one.kind == "strength"]


def test_strengths_are_drawn_evenly_by_the_studys_seed(place: Home, database: Database) -> None:
    _, study_id = a_study(place, database, kept=True)
    [chosen] = chosen_strengths(database, study_id).values()
    assert len({result for result, _ in chosen}) == WANTED
    assert all(WEAKEST <= strength <= STRONGEST for _, strength in chosen)
    assert chosen_strengths(database, study_id) == chosen_strengths(database, study_id)


@pytest.mark.parametrize("kept", [True, False], ids=["tensors kept", "searched again"])
def test_every_strength_becomes_an_item_once_and_a_cut_off_course_goes_on(
    place: Home, database: Database, kept: bool
) -> None:
    experiment_id, study_id = a_study(place, database, kept=kept)
    begun = course(place, database, experiment_id, study_id)
    while not strength_items(database, study_id):
        advance(begun, 0.0)
    begun.close()  # as when the worker ends
    first = strength_items(database, study_id)
    assert len(first) < WANTED
    for _ in course(place, database, experiment_id, study_id):
        pass
    made = strength_items(database, study_id)
    [chosen] = chosen_strengths(database, study_id).values()
    found = {
        trial: (result, magnitude)
        for trial, result, magnitude in database.execute(
            "SELECT trial_index, id, magnitude FROM results WHERE outcome = 'found'"
        )
    }
    shown = [(found[one.details["trial"]][0], one.details["strength"]) for one in made]
    assert sorted(shown) == sorted(chosen)
    assert made[: len(first)] == first
    for one in made:
        expected = one.details["strength"] * found[one.details["trial"]][1]
        assert one.details["magnitude"] == pytest.approx(expected, rel=2e-3)  # half precision


def test_strength_1_is_the_stimulus_that_was_found_and_a_weaker_one_is_nearer_the_source(
    place: Home, database: Database
) -> None:
    experiment_id, study_id = a_study(place, database, kept=True)
    rows = database.execute(
        "SELECT id, trial_index, stimulus FROM results WHERE outcome = 'found'"
    ).fetchall()
    request = {"study": study_id, "strengths": [[result, 1.0] for result, _, _ in rows]}
    stored = experiment(database, experiment_id)
    for _ in strength_course(database, place, Models(place), stored, request):
        pass
    stimuli = {trial: stimulus for _, trial, stimulus in rows}
    for one in strength_items(database, study_id):
        shown = read_image(place, one.perturbed_stimulus).astype(int)
        found = read_image(place, stimuli[one.details["trial"]]).astype(int)
        assert np.abs(shown - found).max() <= 1  # the tensor is in half precision


def test_what_was_found_with_another_scale_is_left_out_and_counted(
    place: Home, database: Database
) -> None:
    experiment_id, study_id = a_study(place, database, kept=True)
    database.execute("UPDATE results SET scales_checksum = 'another'")
    told = list(course(place, database, experiment_id, study_id))
    assert told[-1] == {"done": 0, "total": WANTED} and not strength_items(database, study_id)


def test_the_worker_renders_them_and_they_are_asked_like_any_other(
    place: Home, database: Database
) -> None:
    _, study_id = a_study(place, database, kept=True)
    [job_id] = submit_strengths(database, study_id, owner="ada", device="cpu")
    work(place, threads=1, ended=lambda: not job(database, job_id).active)
    assert [one.state for one in jobs_of_study(database, study_id)] == ["done"]
    durable = open_database(place, durable=True)
    person = labeller_of(durable, invite(durable, study_id, "Ada"))
    while task := next_task(durable, person.id):
        assert record(durable, person.id, task.item_id, task.side, Answer.LABEL)
    judged = {row[0] for row in durable.execute("SELECT stimulus FROM judgements")}
    assert {one.perturbed_stimulus for one in strength_items(database, study_id)} <= judged
    durable.close()
