"""Maps through the worker's courses: stopped and gone on with, looked at, spread for a study."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from sqlite_utils import Database

from app import api
from app.runner.course import advance, stop
from app.runner.explain import explain
from app.runner.map_course import map_course, map_view
from app.runner.map_files import keep_imported, read_maps
from app.runner.map_request import (
    components,
    describe,
    generated,
    interpolation,
    plane,
    store_map,
    submit_map,
)
from app.runner.map_spaces import SpaceBuilder
from app.runner.map_thumbnails import read_thumbnails
from app.runner.map_views import PictureView, answer_views, ask_view
from app.runner.menu import Menu
from app.runner.models import Models
from app.runner.request import RequestError, SearchRequest
from app.runner.worker import work
from data.database import open_database
from data.found_directions import Found, found_directions
from data.home import Home
from data.images import read_image
from data.jobs import job_of_map
from data.maps import map_content, stored_map, stored_maps
from engine.entries import ModelError
from engine.maps import MapDescription, MapFileError, from_bytes

CLASSIFIERS = ["mnist-standard", "mnist-robust"]


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    """Whatever tests before this left: threads of tiny operations wait for each other."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Home:
    """A home in which two searches from one seven have found something."""
    folder = tmp_path_factory.mktemp("maps") / "home"
    for classifier in CLASSIFIERS:
        request = SearchRequest(
            "mnist-conv", classifier, "seven", seed=4, search="minimum-norm", budget=60
        )
        assert api.search(request, folder)["outcome"] == "found"
    return Home(folder)


@pytest.fixture
def database(place: Home) -> Iterator[Database]:
    with closing(open_database(place)) as opened:
        yield opened


@pytest.fixture(scope="module")
def menu(place: Home) -> Menu:
    return api.menu(place.root)


@pytest.fixture(scope="module")
def models(place: Home) -> Models:
    return Models(place)


@pytest.fixture
def builder(place: Home, database: Database, models: Models) -> SpaceBuilder:
    return SpaceBuilder(database, place, models)


def found(database: Database) -> tuple[Found, Found]:
    """The searches on the standard and on the robust classifier."""
    by_classifier = {one.classifier: one for one in found_directions(database)}
    return by_classifier["mnist-standard"], by_classifier["mnist-robust"]


def described(menu: Menu, database: Database, resolution: int = 21) -> MapDescription:
    """The plane of both perturbations, from −0.5 to 1.5: at 21 points the 6th is 0, the 16th 1."""
    return describe(
        menu,
        plane(*found(database)),
        label=7,
        label_name="seven",
        classifiers=CLASSIFIERS,
        resolution=resolution,
    )


def test_a_map_goes_through_the_worker_and_holds_what_the_searches_found(
    place: Home, database: Database, menu: Menu
) -> None:
    map_id = submit_map(database, described(menu, database), name="", owner="ada")
    work(place, threads=1, idle_seconds=0.1)
    assert job_of_map(database, map_id).state == "done"
    stored = stored_map(database, map_id)
    assert (stored.complete, stored.measured) == (True, 441)
    seen = from_bytes(map_content(database, map_id))
    # At the origin nobody is fooled; at either perturbation the classifier that it was found on.
    assert (seen.predicted[:, 5, 5] == 7).all()
    assert seen.predicted[0, 15, 5] != 7 and seen.predicted[1, 5, 15] != 7
    sheet = read_thumbnails(place, map_id)
    assert sheet is not None and sheet.counts == (16, 16)


def test_a_stopped_map_keeps_what_it_knows_and_goes_on_to_the_same_scores(
    place: Home, database: Database, menu: Menu, builder: SpaceBuilder
) -> None:
    description = described(menu, database, resolution=40)

    def course(map_id: str) -> Iterator[dict]:
        return map_course(database, place, builder, stored_map(database, map_id), {})

    whole, parted = (store_map(database, description, name="", owner="ada") for _ in range(2))
    advance(course(whole), 1e9)
    begun = course(parted)
    while "points" not in advance(begun, 0)[0]:
        pass
    stop(begun)
    half = stored_map(database, parted)
    assert half.measured > 0
    advance(course(parted), 1e9)
    scores = [from_bytes(map_content(database, one)).scores for one in (whole, parted)]
    assert np.allclose(*scores, atol=1e-6)


def test_a_page_asks_for_the_picture_at_a_place_and_the_worker_answers(
    place: Home, database: Database, menu: Menu, builder: SpaceBuilder
) -> None:
    map_id = store_map(database, described(menu, database, 3), name="", owner="ada")
    assert ask_view(place, "cpu", map_id, (1.0, 0.0)) is None
    asked = lambda map_id, u: map_view(database, builder, map_id, u)  # noqa: E731
    assert answer_views(place, "cpu", asked) == 1
    view = ask_view(place, "cpu", map_id, (1.0, 0.0))
    assert isinstance(view, PictureView) and view.image.startswith(b"\x89PNG")
    standard, robust = view.top
    assert standard[0].label != 7 and len(robust) == 5
    assert map_view(database, builder, "nosuchmap", (0, 0)) == "This map is gone."


def test_pictures_fill_the_plane_and_the_source_is_the_searchs_own(
    place: Home, database: Database, menu: Menu, builder: SpaceBuilder
) -> None:
    map_id = store_map(database, described(menu, database, 3), name="", owner="ada")
    stored = stored_map(database, map_id)
    progress, over = advance(map_course(database, place, builder, stored, {"spread": 20}), 1e9)
    assert over and progress["source"] == found(database)[0].source_stimulus
    places = np.array([u for u, _ in progress["pictures"]])
    assert places.shape == (20, 2)
    # Space-filling: every quarter of the plane has about its share.
    quarters = (places > 0.5).astype(int) @ [1, 2]
    assert np.bincount(quarters, minlength=4).min() >= 3
    assert read_image(place, progress["pictures"][0][1]).shape == (28, 28, 1)


def test_a_perturbation_whose_tensors_are_gone_is_found_again(
    place: Home, database: Database, menu: Menu, models: Models
) -> None:
    description = described(menu, database, 3)
    kept = SpaceBuilder(database, place, models).space(description.space)
    without = plane(*found(database))
    gone = type(without)(
        **vars(without)
        | {
            name: type(getattr(without, name))(
                **vars(getattr(without, name)) | {"perturbation_id": None}
            )
            for name in ("first", "second")
        }
    )
    again = SpaceBuilder(database, place, models).space(gone)
    corners = np.array([[1.0, 0.0], [0.0, 1.0], [0.5, 0.5]])
    difference = kept.pixels(corners).astype(int) - again.pixels(corners).astype(int)
    assert np.abs(difference).max() <= 2  # stored tensors have half the precision


def test_other_weights_than_the_maps_are_refused_in_a_sentence(
    database: Database, menu: Menu, builder: SpaceBuilder
) -> None:
    space = plane(*found(database))
    other = type(space)(**vars(space) | {"scales_checksum": "0" * 64})
    with pytest.raises(ModelError, match="search again") as refused:
        builder.space(other)
    assert explain(refused.value) == str(refused.value)
    # The same tensors under another name: as the engine says it, not as something unforeseen.
    parallel = replace(space, second=replace(space.first, magnitude=0.1))
    with pytest.raises(ModelError, match="span a line instead of a plane"):
        builder.space(parallel)


def test_what_cannot_be_a_map_is_refused_before_anything_is_stored(
    database: Database, menu: Menu
) -> None:
    generator = menu.generators["mnist-conv"]
    source = generated(generator, 7, 4)
    space = plane(*found(database))
    asked = {"label": 7, "label_name": "seven", "classifiers": CLASSIFIERS}
    refusals = {
        "at least one classifier": lambda: describe(
            menu, space, **asked | {"classifiers": []}, resolution=9
        ),
        "no classifier nobody": lambda: describe(
            menu, space, **asked | {"classifiers": ["nobody"]}, resolution=9
        ),
        "40000 at most": lambda: describe(menu, space, **asked, resolution=300),
        "no point conv-9": lambda: components(generator, source, "conv-9", [1]),
        "counted from 1": lambda: components(generator, source, "z", [0, 1]),
        "same picture": lambda: interpolation(source, source),
        "labels 0 to 9": lambda: generated(generator, 10, 4),
        "perturbations are equal": lambda: plane(
            found(database)[0], replace(found(database)[0], result_id=99)
        ),
    }
    for message, refused in refusals.items():
        with pytest.raises(RequestError, match=message):
            refused()


def test_an_exported_map_comes_back_once_and_rubbish_is_refused(
    place: Home, database: Database, menu: Menu, builder: SpaceBuilder, tmp_path: Path
) -> None:
    map_id = store_map(database, described(menu, database, 5), name="", owner="ada")
    advance(map_course(database, place, builder, stored_map(database, map_id), {}), 1e9)
    content = map_content(database, map_id)
    assert keep_imported(database, read_maps(content, "map.npz"), owner="ada") == [map_id]
    with closing(open_database(Home(tmp_path / "other"))) as elsewhere:
        [taken] = keep_imported(elsewhere, read_maps(content, "map.npz"), owner="ada")
        assert [one.origin for one in stored_maps(elsewhere)] == ["imported"]
        assert np.array_equal(
            from_bytes(map_content(elsewhere, taken)).scores, from_bytes(content).scores
        )
    with pytest.raises(MapFileError):
        read_maps(b"rubbish", "map.npz")
