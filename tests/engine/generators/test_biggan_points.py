"""The published BigGAN-deep: its layers, its points, and the presets of Dunn et al. 2020."""

from __future__ import annotations

import hashlib

import pytest
from pytorch_pretrained_biggan import convert_tf_to_pytorch as package

from engine.generators.biggan_points import LAYERS, configuration, cut_points, presets

RESOLUTIONS = tuple(LAYERS)


@pytest.mark.parametrize("resolution", RESOLUTIONS)
def test_the_layers_are_those_of_the_script_that_converted_the_published_weights(resolution):
    converted = getattr(package, f"BigGAN{resolution}")
    assert configuration(resolution).to_dict() == converted.to_dict()


def test_the_configuration_at_256_pixels_is_the_published_file_byte_for_byte():
    text = configuration(256).to_json_string().encode()
    assert hashlib.sha256(text).hexdigest() == (
        "edd106f65ff28ee1638491a978cfa6bc50dfa0344aab70749a7b8eb08bbec677"
    )


@pytest.mark.parametrize(("resolution", "count"), [(128, 14), (256, 16), (512, 18)])
def test_there_are_as_many_points_as_the_methods_say(resolution, count):
    points = cut_points(configuration(resolution))
    assert len(points) == count
    assert [point.name for point in points[:3]] == ["z", "linear", "block-0"]
    assert [point.shape for point in points[:3]] == [(128,), (2048, 4, 4), (2048, 4, 4)]
    assert (points[-1].name, points[-1].shape) == ("rgb", (3, resolution, resolution))


@pytest.mark.parametrize("resolution", RESOLUTIONS)
def test_attention_comes_before_block_8_at_64_by_64(resolution):
    points = cut_points(configuration(resolution))
    names = [point.name for point in points]
    at = names.index("attention")
    assert names[at - 1 : at + 2] == ["block-7", "attention", "block-8"]
    assert points[at].shape == points[at - 1].shape
    assert points[at].shape[1:] == (64, 64)


@pytest.mark.parametrize(
    ("resolution", "sizes"),
    [
        (128, {"first four": 4, "middle six": 6, "last four": 4}),
        (256, {"first five": 5, "middle six": 6, "last five": 5}),
        (512, {"first six": 6, "middle six": 6, "last six": 6}),
    ],
)
def test_the_presets_part_the_points_in_three(resolution, sizes):
    given = presets(resolution)
    everything = given.pop("all")
    assert {name: len(points) for name, points in given.items()} == sizes
    assert tuple(point for points in given.values() for point in points) == everything


def test_the_sizes_at_512_pixels_are_those_that_the_design_counted():
    points = {point.name: point.size for point in cut_points(configuration(512))}
    millions = {
        name: sum(points[point] for point in chosen) / 1e6 for name, chosen in presets(512).items()
    }
    assert millions == pytest.approx(
        {"all": 68.7, "first six": 0.59, "middle six": 8.65, "last six": 59.5}, rel=0.005
    )


def test_an_unknown_resolution_is_refused_with_those_there_are():
    with pytest.raises(ValueError, match="of 64 pixels; there are 128, 256, 512"):
        configuration(64)
