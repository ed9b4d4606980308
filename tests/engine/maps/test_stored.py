"""Maps as files, published maps, and what is made of several."""

from __future__ import annotations

import json
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest

from engine.maps import (
    MapFileError,
    compute_map,
    difference,
    from_bytes,
    mean_over_classifiers,
    mean_over_maps,
    published_maps,
    to_bytes,
)
from tests.engine.maps import toy

SHARED = Path(__file__).parents[4] / "shared" / "data" / "semantic_maps.npz"


def made(where, slopes=(40.0, 5.0)):
    space = toy.toy_space(2)
    edges = [toy.Edge(where, slope) for slope in slopes]
    return compute_map(space, edges, toy.toy_description(space, (9, 5), len(slopes)))


def test_a_stored_map_comes_back_with_its_description():
    found = made(0.4)
    again = from_bytes(to_bytes(found))
    assert again.description == found.description
    for name in ("scores", "predicted", "measured"):
        np.testing.assert_array_equal(getattr(again, name), getattr(found, name))
    for one, other in zip(again.coordinates, found.coordinates, strict=True):
        np.testing.assert_array_equal(one, other)


def test_a_description_is_json():
    description = made(0.4).description
    record = json.loads(json.dumps(description.as_json()))
    assert type(description).from_json(record) == description
    for broken in ({}, {**record, "space": {"kind": "Nowhere"}}, {**record, "more": 1}):
        with pytest.raises(ValueError, match="not the record of a"):
            type(description).from_json(broken)


@pytest.mark.parametrize("cut", [0, 10, 400, -1])
def test_a_cut_or_foreign_file_is_refused_in_a_sentence(cut):
    content = to_bytes(made(0.4))[:cut]
    with pytest.raises(MapFileError, match="no semantic map"):
        from_bytes(content)


def test_wherever_a_file_is_damaged_it_is_refused_in_a_sentence(tmp_path):
    """What zlib, the archive and NumPy say of it are errors of six kinds."""
    content, file = to_bytes(made(0.4)), tmp_path / "maps.npz"
    places = range(0, len(content), 5)
    refused = 0
    for place in places:
        damaged = bytearray(content)
        damaged[place] ^= 1 << place % 8
        file.write_bytes(damaged)
        with suppress(MapFileError):
            list(published_maps(file))
        try:
            from_bytes(bytes(damaged))
        except MapFileError:
            refused += 1
    assert refused > len(places) / 2


def test_a_single_array_is_no_archive(tmp_path):
    np.save(tmp_path / "one.npy", np.zeros((3, 4)))
    with pytest.raises(MapFileError, match="no semantic map"):
        from_bytes((tmp_path / "one.npy").read_bytes())
    with pytest.raises(MapFileError, match="not an archive"):
        list(published_maps(tmp_path / "one.npy"))


def test_a_pickle_is_never_opened(tmp_path):
    file = tmp_path / "evil.npz"
    np.savez(file, version=np.array([{"a": 1}], dtype=object), description=np.array("x"))
    with pytest.raises(MapFileError):
        from_bytes(file.read_bytes())


def test_published_maps_are_viewed_like_ones_own(tmp_path):
    values = np.linspace(0, 1, 34 * 120, dtype=np.float32).reshape(34, 120)
    file = tmp_path / "maps.npz"
    np.savez(file, ResNet50_5_6=values)
    [found] = published_maps(file, {"5": "mug"})
    assert found.description.classifiers[0].name == "ResNet50"
    assert (found.description.label, found.description.label_name) == (5, "mug")
    assert found.coordinates[0][[0, -1]].tolist() == [0, 357]
    assert found.coordinates[1][[0, -1]].tolist() == [-10, 89]
    # Azimuth 6°, elevation −7°: the second row of the file, its third column.
    assert found.score()(np.array([[6.0, -7.0]]))[0] == pytest.approx(values[1, 2])
    assert from_bytes(to_bytes(found)).description == found.description


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"maps": np.zeros((3, 4))}, "network_class_object"),
        ({"A_1_2": np.zeros(3)}, "2-D array"),
        ({"A_1_2": np.array([["a", "b"], ["c", "d"]])}, "of numbers"),
        ({"A_1_2": np.full((3, 4), 1.5)}, "outside 0 to 1"),
    ],
)
def test_other_archives_are_refused(tmp_path, arrays, message):
    np.savez(tmp_path / "maps.npz", **arrays)
    with pytest.raises(MapFileError, match=message):
        list(published_maps(tmp_path / "maps.npz"))
    (tmp_path / "text.npz").write_text("hello")
    with pytest.raises(MapFileError, match="not an archive"):
        list(published_maps(tmp_path / "text.npz"))


@pytest.mark.skipif(not SHARED.is_file(), reason=f"{SHARED} is not there")
def test_the_forty_published_maps_are_read():
    found = list(published_maps(SHARED))
    assert len(found) == 40 and all(one.complete for one in found)
    assert {one.description.classifiers[0].name for one in found} == {
        "AlexNet",
        "VGG",
        "ResNet50",
        "Inceptionv3",
    }


def test_means_over_objects_and_over_networks():
    one, other = made(0.2), made(0.6)
    over_objects = mean_over_maps([one, other], ["mug 1", "mug 2"])
    np.testing.assert_allclose(over_objects.scores, (one.scores + other.scores) / 2, atol=1e-7)
    assert over_objects.description.classifiers == one.description.classifiers
    over_networks = mean_over_classifiers([one, other], ["mug 1", "mug 2"])
    expected = (one.scores.mean(0) + other.scores.mean(0)) / 2
    np.testing.assert_allclose(over_networks.scores[0], expected, atol=1e-6)
    assert from_bytes(to_bytes(over_networks)).description == over_networks.description
    np.testing.assert_array_equal(difference(one, 0, 1), one.scores[0] - one.scores[1])


def test_maps_on_different_grids_or_of_different_networks_have_no_mean():
    space = toy.toy_space(2)
    other = compute_map(space, [toy.Edge(0.5)] * 2, toy.toy_description(space, (9, 6), 2))
    with pytest.raises(ValueError, match="different grids"):
        mean_over_classifiers([made(0.4), other], ["a", "b"])
    with pytest.raises(ValueError, match="different classifiers"):
        mean_over_maps([made(0.4), made(0.4, slopes=(40.0,))], ["a", "b"])
    with pytest.raises(ValueError, match="no maps"):
        mean_over_maps([], [])
