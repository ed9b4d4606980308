"""BigGAN-deep in the catalogue: entries that describe, fetch and load what they name."""

from __future__ import annotations

import io
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from engine import downloads
from engine.catalogue import ModelError, catalogue, load_generator
from engine.downloads import write_card
from engine.experiment import SCHEDULES
from engine.generators.biggan_points import configuration
from engine.imagenet_generators import IMAGENET_GENERATORS
from engine.published import import_weights, obtain_weights
from tests.engine.file_server import serving
from tests.engine.generators.biggan_models import random_biggan, some_latents

BY_NAME = {entry.name: entry for entry in IMAGENET_GENERATORS}


def test_the_three_have_the_names_of_the_design_and_a_thousand_labels():
    assert list(BY_NAME) == ["biggan-deep-128", "biggan-deep-256", "biggan-deep-512"]
    for entry in IMAGENET_GENERATORS:
        assert len(entry.labels.names) == 1000
        assert entry.schedule in SCHEDULES


@pytest.mark.parametrize("name", BY_NAME)
def test_the_catalogue_offers_each_with_what_its_module_has(name):
    """Points and presets are known without building it: that takes the package, and a second."""
    entry = catalogue().generator(name)
    with torch.device("meta"):
        built = entry.build()
    assert entry.points == built.points
    assert entry.image_shape == built.image_shape
    assert entry.presets["all"] == tuple(point.name for point in built.points)
    assert set(catalogue().fitting_classifiers(name)) >= {"resnet50", "resnet50-l2-3"}


def test_presets_are_called_first_six_where_they_are_six():
    largest = BY_NAME["biggan-deep-512"]
    assert list(largest.presets) == ["all", "first six", "middle six", "last six"]
    for entry in IMAGENET_GENERATORS:
        words = {"four": 4, "five": 5, "six": 6}
        for name, points in list(entry.presets.items())[1:]:
            assert len(points) == words[name.split()[1]]


@pytest.mark.parametrize("name", BY_NAME)
def test_without_weights_and_network_it_is_said_how_to_get_them(name, tmp_path, monkeypatch):
    entry = BY_NAME[name]
    monkeypatch.setattr(downloads, "PAUSE", 0.01)
    unreachable = replace(entry.origin, urls=("http://127.0.0.1:9/x",))
    with pytest.raises(
        ModelError, match=rf"is there a network\? Run .*`python -m app models import {name} FILE"
    ):
        load_generator(replace(entry, origin=unreachable), [tmp_path])


def test_a_file_that_is_no_checkpoint_is_refused_in_a_sentence(tmp_path):
    (tmp_path / "weights.bin").write_text("<html>")
    with pytest.raises(ModelError, match="a web page, not weights"):
        import_weights(BY_NAME["biggan-deep-128"], tmp_path / "weights.bin", tmp_path / "weights")


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with biggan-deep-128, fetched from a server that has the published file's very
    structure, width and labels included, with random numbers in it."""
    folder = tmp_path_factory.mktemp("weights")
    published = io.BytesIO()
    torch.save(
        random_biggan(configuration(128)).state_dict(),
        published,
        _use_new_zipfile_serialization=False,
    )
    entry = BY_NAME["biggan-deep-128"]
    with serving(published.getvalue()) as server:
        server.drops_after = 150_000_000
        origin = replace(entry.origin, urls=(server.url(),))
        seen = []
        obtain_weights(
            replace(entry, origin=origin), folder, on_progress=lambda *told: seen.append(told)
        )
        assert len(server.requests) == 2
    assert seen[-1] == (len(published.getvalue()),) * 2
    assert seen[-1][0] / 1e6 == pytest.approx(entry.origin.megabytes, abs=1)
    return folder


@pytest.mark.parametrize("truncation", [1.0, 0.5])
def test_fetched_weights_load_and_make_images(weights, truncation):
    entry = BY_NAME["biggan-deep-128"]
    loaded = load_generator(entry, [weights], truncation=truncation)
    assert tuple(point.name for point in loaded.module.points) == entry.presets["all"]
    assert loaded.module.truncation == truncation
    images = loaded.module(*some_latents(loaded.module, 1, seed=1))
    assert images.shape == (1, *loaded.module.image_shape) == (1, 3, 128, 128)
    assert images.std() > 0.01


def test_an_impossible_truncation_is_refused_by_the_generators_name(weights):
    with pytest.raises(ModelError, match="biggan-deep-128: Truncation is above 0 and at most 1"):
        load_generator(BY_NAME["biggan-deep-128"], [weights], truncation=1.5)


def test_damaged_weights_are_refused(weights, tmp_path):
    file = Path(shutil.copytree(weights, tmp_path / "copy")) / "biggan-deep-128.safetensors"
    with file.open("r+b") as stream:
        stream.seek(-1, 2)
        last = stream.read(1)
        stream.seek(-1, 2)
        stream.write(bytes([last[0] ^ 1]))
    with pytest.raises(ModelError, match="damaged"):
        load_generator(BY_NAME["biggan-deep-128"], [file.parent])


def test_weights_of_another_resolution_under_this_name_are_refused(weights, tmp_path):
    shutil.copy(weights / "biggan-deep-128.safetensors", tmp_path / "biggan-deep-256.safetensors")
    write_card(tmp_path / "biggan-deep-256.safetensors", {})
    with pytest.raises(ModelError, match="does not hold the weights of this architecture"):
        load_generator(BY_NAME["biggan-deep-256"], [tmp_path])
