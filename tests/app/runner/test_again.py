"""A stored trial searched again: as it was, with the same models, and compared with its record."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from safetensors.torch import load_file, save_file
from sqlite_utils import Database

from app import api
from app.runner.again import again, comparison
from app.runner.definition import read_definition
from app.runner.models import Models
from app.runner.request import ExperimentRequest, RequestError, SearchRequest, StoredTrial
from data.experiments import Experiment, conditions, experiment, experiments
from data.home import Home
from data.results import StoredResult, result, results

REQUEST = ExperimentRequest(
    "tiny",
    ("tiny-fair",),
    ("last",),
    schedules=("imagenet",),
    budget=60,
    trials=4,
    precision="float64",
    slots=1,
)
FOUND = StoredTrial("a1b2", "mine", 3, "found", 2.5, 128, "cpu")


@pytest.fixture
def stored(place: Home, database: Database) -> tuple[Experiment, StoredResult]:
    """An experiment in double precision that was run, and a trial of it that was found."""
    experiment_id = api.define(REQUEST, place.root)
    list(api.run(experiment_id, place.root, threads=1))
    [condition] = conditions(database, experiment_id)
    found = [one for one in results(database, condition.id) if one.outcome == "found"]
    return experiment(database, experiment_id), found[-1]


def asked(place: Home, database: Database, of: Experiment, trial: StoredResult) -> SearchRequest:
    [condition] = conditions(database, of.id)
    return again(Models(place).menu(), of, condition, trial)


def test_the_search_is_found_again_in_the_experiments_precision(
    place: Home, database: Database, stored: tuple[Experiment, StoredResult]
) -> None:
    of, trial = stored
    api.search(asked(place, database, of, trial), place.root)
    [search] = experiments(database, kind="exploration")
    assert read_definition(search.definition) is not None
    assert search.definition["precision"] == "float64"
    [condition] = conditions(database, search.id)
    found = result(database, condition.id, 0)
    assert (found.outcome, found.magnitude, found.margin, found.stimulus) == (
        *("found", trial.magnitude, trial.margin),
        trial.stimulus,
    )
    record = StoredTrial(**search.definition["again"])
    assert (record.experiment, record.trial_index) == (of.id, trial.trial_index)
    assert comparison(record, found.outcome, found.magnitude).startswith(
        f"Found again as it is stored: magnitude {trial.magnitude:.6g}"
    )


@pytest.mark.parametrize(
    ("file", "tensor", "named"),
    [("tiny-fair", "linear.bias", "tiny-fair"), ("tiny", "hidden.bias", "tiny")],
)
def test_under_other_weights_it_is_refused_and_the_model_named(
    place: Home,
    database: Database,
    stored: tuple[Experiment, StoredResult],
    file: str,
    tensor: str,
    named: str,
) -> None:
    weights = place.weights / f"{file}.safetensors"
    tensors = load_file(weights)
    save_file({**tensors, tensor: torch.ones_like(tensors[tensor])}, weights)
    weights.with_suffix(".json").unlink()  # the checksum that is on record, of the old weights
    with pytest.raises(RequestError, match=f"^The weights of {named} are not those that this"):
        asked(place, database, *stored)


@pytest.mark.parametrize(
    ("trial", "outcome", "magnitude", "sentence"),
    [
        (FOUND, "found", 2.5, "Found again as it is stored: magnitude 2.5."),
        (FOUND, "found", 2.5001, "Stored magnitude 2.5, found again magnitude 2.5001. There"),
        (FOUND, "exhausted", None, "Stored magnitude 2.5, found again exhausted. There it was"),
        (
            replace(FOUND, outcome="exhausted", magnitude=None),
            *("exhausted", None, "Found again as it is stored: exhausted."),
        ),
    ],
)
def test_it_is_said_whether_it_ends_as_it_is_stored(
    trial: StoredTrial, outcome: str, magnitude: float | None, sentence: str
) -> None:
    said = comparison(trial, outcome, magnitude)
    assert said.startswith(sentence)
    assert ("in 128 slots" in said) == ("Stored" in sentence)
