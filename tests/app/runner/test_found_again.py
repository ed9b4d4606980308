"""A perturbation of an experiment, whose tensors nobody kept, is found again for a map of it.

Experiments search many trials side by side, some with gradients of half the precision: in other
slots, or in another precision, the same search may find another perturbation.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace

import numpy as np
import pytest
import torch
from sqlite_utils import Database

from app import api
from app.runner.bundled_maps import check_map
from app.runner.course import advance
from app.runner.map_course import map_course
from app.runner.map_request import describe, plane, store_map
from app.runner.map_spaces import SpaceBuilder
from app.runner.models import Models
from app.runner.request import ExperimentRequest
from data.database import open_database
from data.found_directions import found_directions
from data.home import Home
from data.images import read_image
from data.maps import map_content, stored_map
from data.planes import plane_key
from engine.entries import ModelError
from engine.maps import MapDescription, MappedClassifier, empty_map, from_bytes, to_bytes
from engine.spaces.description import PerturbationPlane, from_json, to_json

SLOTS = 6


@pytest.fixture(scope="module", params=["float32", "bfloat16"])
def place(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Home:
    """A home with an experiment of six trials side by side, without their tensors."""
    folder = tmp_path_factory.mktemp(request.param)
    asked = ExperimentRequest(
        "mnist-conv",
        ("mnist-standard",),
        trials=SLOTS,
        slots=SLOTS,
        searches=("minimum-norm",),
        budget=60,
        precision=request.param,
    )
    assert "found" in {
        one["outcome"] for one in api.run(api.define(asked, folder), folder, threads=1)
    }
    return Home(folder)


@pytest.fixture
def database(place: Home) -> Iterator[Database]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    with closing(open_database(place)) as opened:
        yield opened
    torch.set_num_threads(before)


def test_it_is_the_one_that_was_found_and_a_map_of_it_has_the_same_scores_each_time(
    place: Home, database: Database
) -> None:
    models = Models(place)
    found = next(one for one in found_directions(database) if one.target is not None)
    assert found.perturbation is None
    space = plane(found, None)
    assert (space.first.slots, space.first.precision) == (SLOTS, found.definition["precision"])

    stimulus = read_image(place, found.stimulus).astype(int)
    drawn = SpaceBuilder(database, place, models).space(space).pixels((1.0, 0.0))[0]
    assert np.array_equal(drawn, stimulus)

    description = describe(
        api.menu(place.root),
        space,
        label=found.label,
        label_name=models.menu().generators["mnist-conv"].labels[found.label],
        classifiers=["mnist-standard"],
        resolution=5,
    )
    scores = []
    for _ in range(2):
        map_id = store_map(database, description, name="", owner="ada")
        builder = SpaceBuilder(database, place, Models(place))
        advance(map_course(database, place, builder, stored_map(database, map_id), {}), 1e9)
        kept = stored_map(database, map_id)
        assert MapDescription.from_json(dict(kept.description)) == description
        scores.append(from_bytes(map_content(database, map_id)).scores)
    assert np.array_equal(*scores)


def test_gradients_of_another_precision_find_another_one_and_that_is_said(
    place: Home, database: Database
) -> None:
    space = plane(found_directions(database)[0], None)
    other = {"float32": "bfloat16", "bfloat16": "float32"}[space.first.precision]
    elsewise = replace(space, first=replace(space.first, precision=other))
    with pytest.raises(ModelError, match="now finds another one"):
        SpaceBuilder(database, place, Models(place)).space(elsewise)


def test_a_description_of_before_these_were_kept_is_read_and_is_of_the_same_plane(
    database: Database,
) -> None:
    record = to_json(plane(found_directions(database)[0], None))
    first = {k: v for k, v in record["first"].items() if k not in ("slots", "precision")}
    old = record | {"first": first}
    read = from_json(old)
    assert isinstance(read, PerturbationPlane)
    assert (read.first.slots, read.first.precision) == (1, "float32")
    assert plane_key(old) == plane_key(record)
    # A bundle of then has such a record beside scores that are read now.
    networks = (MappedClassifier("mnist-standard", ""),)
    known = empty_map(MapDescription(read, networks, 7, "seven", (3, 3)))
    told = known.description.as_json() | {"space": old}
    check_map({"description": told, "points": 9, "measured": 0}, to_bytes(known))
    with pytest.raises(ValueError, match="not that of its scores"):
        check_map({"description": told | {"label": 8}, "points": 9, "measured": 0}, to_bytes(known))
