"""Descriptions of spaces: frozen values, JSON and back."""

from __future__ import annotations

import json
from dataclasses import FrozenInstanceError, replace

import pytest

from engine.experiment import SCHEDULES
from engine.spaces.description import (
    Axis,
    Change,
    FoundDirection,
    GeneratedSource,
    LatentInterpolation,
    MeanOfMaps,
    PerturbationPlane,
    PhotoSource,
    PrincipalDirections,
    PublishedViews,
    RandomDirection,
    Transformations,
    Viewpoint,
    from_json,
    to_json,
)

SOURCE = GeneratedSource("mnist-conv", "ab12", 7, 99, 0.5, False)
FOUND = FoundDirection(
    "mnist-standard", "cd34", 3, "relaxation", SCHEDULES["imagenet"], (1.0, 0.0, 0.5), 2.5, "ef56"
)
DESCRIPTIONS = [
    PerturbationPlane(SOURCE, "gh78", FOUND, replace(FOUND, target=None, perturbation_id=None)),
    PerturbationPlane(SOURCE, "gh78", FOUND, RandomDirection(4), (-1, -1), (2, 2)),
    PrincipalDirections(SOURCE, "conv-1", (0, 3), label=7),
    LatentInterpolation(SOURCE, replace(SOURCE, label=2), spherical=False),
    Transformations(SOURCE, (Change("rotation", -30, 30), Change("blur", 0, 2))),
    Transformations(PhotoSource("cat.jpeg", "ab", 224), (Change("scale", 0.5, 1.5),), 0.5),
    Viewpoint("mug.ply", "ab", up="y"),
    PublishedViews("maps.npz", "5", "6"),
    MeanOfMaps(("one", "two"), (Axis("azimuth", 0, 360, "°"),)),
]


@pytest.mark.parametrize("description", DESCRIPTIONS)
def test_it_comes_back_from_json(description):
    again = from_json(json.loads(json.dumps(to_json(description))))
    assert again == description
    assert again.axes == description.axes and hash(again) == hash(description)


@pytest.mark.parametrize("description", DESCRIPTIONS)
def test_it_is_frozen_and_names_one_or_two_axes(description):
    assert 1 <= len(description.axes) <= 2
    assert all(axis.name and axis.lower < axis.upper for axis in description.axes)
    with pytest.raises(FrozenInstanceError):
        description.axes = ()


def test_sources_of_one_label_are_mixed_in_the_latent_alone():
    assert [axis.name for axis in LatentInterpolation(SOURCE, replace(SOURCE, seed=1)).axes] == [
        "latent"
    ]


@pytest.mark.parametrize(
    "record",
    [
        {"kind": "Elsewhere"},
        {"kind": "Viewpoint", "mesh": "a.ply"},
        {"kind": "Viewpoint", "mesh": "a.ply", "sha256": "ab", "speed": 3},
        {"kind": "GeneratedSource", **to_json(SOURCE)},
        {},
    ],
)
def test_another_record_is_refused(record):
    with pytest.raises(ValueError, match="not the record of a"):
        from_json(record)
