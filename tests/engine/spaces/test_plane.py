"""The perturbation plane of a real search on MNIST."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from engine.experiment import SCHEDULES, Trial, progression_trial
from engine.maps import MapDescription, MappedClassifier, compute_map
from engine.search.run import search
from engine.spaces.description import (
    FoundDirection,
    GeneratedSource,
    PerturbationPlane,
    RandomDirection,
    SpaceError,
)
from engine.spaces.plane import cosine, orthogonal_direction, plane_space
from engine.spaces.space import live_score

WEIGHTS = [(1.0,) * 7, (0.0,) * 3 + (1.0,) * 4]


@pytest.fixture(scope="module")
def found(mnist_conv, mnist_standard):
    """Two perturbations of one source, to two targets, the second at the last four points."""
    trial = progression_trial(0, 0, 10)
    targets = [label for label in range(10) if label != trial.label][:2]
    results = []
    for target, weights in zip(targets, WEIGHTS, strict=True):
        [result] = search(
            [Trial(0, trial.label, target, trial.seed)],
            mnist_conv.module,
            mnist_standard.module,
            mnist_conv.scales,
            layer_weights=weights,
            schedule=SCHEDULES["imagenet"],
            slots=1,
            keep_perturbations=True,
        )
        assert result.outcome == "found"
        results.append(result)
    return results


@pytest.fixture(scope="module")
def description(found, mnist_conv, mnist_standard):
    trial = found[0].trial
    directions = [
        FoundDirection(
            "mnist-standard",
            mnist_standard.checksum,
            result.trial.target,
            "relaxation",
            SCHEDULES["imagenet"],
            weights,
            result.magnitude,
        )
        for result, weights in zip(found, WEIGHTS, strict=True)
    ]
    source = GeneratedSource("mnist-conv", mnist_conv.checksum, trial.label, trial.seed)
    return PerturbationPlane(source, mnist_conv.scales_checksum, *directions)


@pytest.fixture(scope="module")
def space(description, found, mnist_conv):
    tensors = [result.perturbation for result in found]
    return plane_space(description, mnist_conv.module, mnist_conv.scales, *tensors)


def test_the_origin_is_the_source_and_one_on_an_axis_the_stimulus(space, found):
    pictures = space.pixels([[0, 0], [1, 0], [0, 1]]).astype(int)
    expected = [found[0].source, found[0].stimulus, found[1].stimulus]
    # Tensors are kept in half precision: a pixel may be off by a level.
    assert np.abs(pictures - np.array(expected, int)).max() <= 1


def test_the_map_says_there_what_the_search_said(space, description, found, mnist_standard):
    plane = replace(description, lower=(0.0, 0.0), upper=(1.0, 1.0))
    whole = replace(space, description=plane)
    classifiers = (MappedClassifier("mnist-standard", mnist_standard.checksum),)
    label = found[0].trial.label
    described = MapDescription(plane, classifiers, label, "digit", (3, 3))
    got = compute_map(whole, [mnist_standard.module], described)
    assert got.predicted[0, 0, 0] == label
    assert got.predicted[0, 2, 0] == found[0].trial.target
    assert got.predicted[0, 0, 2] == found[1].trial.target
    score = live_score(whole, mnist_standard.module, label)
    corners = np.array([[0.0, 0.0], [1.0, 0.5]])
    np.testing.assert_allclose(score(corners), got.scores[0][[0, 2], [0, 1]], atol=1e-4)


def test_a_random_direction_is_orthogonal_with_the_same_norm_at_each_point(mnist_conv, found):
    first = {name: torch.as_tensor(p).float() for name, p in found[0].perturbation.items()}
    other = orthogonal_direction(mnist_conv.module, first, seed=5)
    assert set(other) == set(first)
    for name, along in first.items():
        assert float(other[name].norm()) == pytest.approx(float(along.norm()), rel=1e-4)
        assert abs((other[name] * along).sum()) < 1e-4 * along.norm() ** 2 + 1e-6
    assert cosine(first, other) == pytest.approx(0, abs=1e-4)
    assert cosine(first, first) == pytest.approx(1)
    assert cosine({"z": [3.0, 0.0]}, {"z": [1.0, 1.0], "fc": [1.0]}) == pytest.approx(3**-0.5)
    again = orthogonal_direction(mnist_conv.module, first, seed=5)
    assert all(torch.equal(other[name], again[name]) for name in other)


def test_a_plane_with_a_random_direction_needs_one_perturbation(description, found, mnist_conv):
    random = replace(description, second=RandomDirection(1))
    space = plane_space(random, mnist_conv.module, mnist_conv.scales, found[0].perturbation)
    pictures = space.pixels([[1, 0], [0, 1], [0, 0]]).astype(int)
    assert np.abs(pictures[0] - found[0].stimulus).max() <= 1
    assert np.abs(pictures[1] - pictures[2]).max() > 1


@pytest.mark.parametrize("times", [1.0, -0.5])
def test_parallel_perturbations_span_no_plane(description, found, mnist_conv, times):
    line = replace(description, second=replace(description.first, magnitude=0.1))
    first = found[0].perturbation
    second = {name: times * tensor for name, tensor in first.items()}
    with pytest.raises(SpaceError, match="are parallel"):
        plane_space(line, mnist_conv.module, mnist_conv.scales, first, second)


def test_points_spread_over_the_space_for_a_study(space):
    points = space.spread(64, seed=2)
    assert points.shape == (64, 2)
    assert (points >= space.lower).all() and (points <= space.upper).all()
    quarters = (points > (space.lower + space.upper) / 2) @ [1, 2]
    assert np.bincount(quarters, minlength=4).min() >= 13


def test_tensors_of_something_else_are_refused(description, found, mnist_conv):
    first, second = (dict(result.perturbation) for result in found)
    build = (description, mnist_conv.module, mnist_conv.scales)
    with pytest.raises(ValueError, match="give its tensors too"):
        plane_space(*build, first)
    with pytest.raises(ValueError, match="no tensor for the point z"):
        plane_space(*build, second, second)
    with pytest.raises(ValueError, match="of another generator"):
        plane_space(*build, first | {"z": np.zeros(3, np.float16)}, second)
