"""Random directions: of the magnitudes that a search found, and of nobody's choosing."""

from __future__ import annotations

import copy

import numpy as np
import pytest
import torch

from engine.experiment import SCHEDULES, Trial, progression
from engine.random_direction import random_direction, random_directions
from engine.search.perturbed_pass import PerturbedPass, to_pixels
from engine.search.result import Result
from engine.search.run import search
from tests.engine.linear_models import LinearClassifier, LinearGenerator, unit_scales

WEIGHTS = (1.0, 0.0, 0.5)


@pytest.fixture(scope="module")
def models() -> tuple[LinearGenerator, LinearClassifier, dict[str, torch.Tensor]]:
    generator = LinearGenerator()
    return generator, LinearClassifier(), unit_scales(generator)


def controls(models: tuple, finds: list, **changes: object) -> list[Result]:
    return list(random_directions(finds, *models, layer_weights=WEIGHTS, **changes))


def test_noise_has_the_norm_asked_for_at_each_point_and_none_where_none_was() -> None:
    points = LinearGenerator.points
    drawn = random_direction(points, (0.5, 0.0, 3.0), seed=4)
    assert [part.shape for part in drawn] == [point.shape for point in points]
    assert [float(part.norm()) for part in drawn] == pytest.approx([0.5, 0.0, 3.0])
    again, other = (random_direction(points, (0.5, 0.0, 3.0), seed=seed) for seed in (4, 5))
    assert all(torch.equal(one, two) for one, two in zip(drawn, again, strict=True))
    cosine = float((drawn[2] * other[2]).sum()) / 9
    assert abs(cosine) < 0.1  # two directions among 5000


def test_the_picture_is_the_perturbed_pass_of_that_noise(models: tuple) -> None:
    trial, magnitudes = Trial(0, 2, 1, seed=7), (2.0, 0.0, 1.5)
    [result] = controls(models, [(trial, magnitudes)])
    generator, _, scales = models
    perturbed = PerturbedPass(generator, scales, WEIGHTS)
    seed = int(np.random.SeedSequence((7, 1)).generate_state(1, np.uint64)[0] >> np.uint64(11))
    noise = random_direction([generator.points[0], generator.points[2]], (2.0, 1.5), seed)
    z, label = generator.latent(7).unsqueeze(0), torch.tensor([2])
    activation, condition = perturbed.prefix(z, label)
    image = perturbed.image(activation, condition, label, [part.unsqueeze(0) for part in noise])
    assert (result.stimulus == to_pixels(image)[0].numpy()).all()
    assert (result.magnitude, result.magnitudes) == (pytest.approx(2.5), magnitudes)
    assert (result.steps, result.bound, result.bracket) == (0, None, None)


def test_a_random_direction_of_the_magnitude_that_a_search_found_changes_far_less(
    models: tuple,
) -> None:
    """A random direction moves a linear margin by about 1/√n of what the best one does."""
    found = [
        result
        for result in search(
            progression(0, 60, 4),
            *models,
            layer_weights=WEIGHTS,
            schedule=SCHEDULES["imagenet"],
            slots=8,
        )
        if result.outcome == "found"
    ]
    assert len(found) >= 8
    finds = [(result.trial, result.magnitudes) for result in found]
    same = controls(models, finds)
    assert [result.magnitudes for result in same] == [result.magnitudes for result in found]
    assert [result.magnitude for result in same] == pytest.approx(
        [result.magnitude for result in found]
    )
    assert all((result.source == one.source).all() for result, one in zip(same, found, strict=True))
    assert sum(result.margin > 0 for result in same) < len(found) / 4
    larger = controls(models, [(trial, [20 * m for m in norms]) for trial, norms in finds])
    assert {result.outcome for result in larger} == {"changed", "unchanged"}
    for result in (*same, *larger):
        assert (result.outcome == "changed") == (result.logits.argmax() != result.trial.label)


def test_repetitions_differ_and_neighbours_and_blocks_do_not_matter(models: tuple) -> None:
    finds = [(trial, (1.0, 0.0, 1.0)) for trial in progression(0, 7, 4)]
    together = controls(models, finds, slots=4)
    alone = [controls(models, [find], slots=4)[0] for find in finds]
    for one, same in zip(together, alone, strict=True):
        assert (one.stimulus == same.stimulus).all()
        assert one.margin == pytest.approx(same.margin, abs=1e-6)
    second = controls(models, finds, slots=4, repetition=2)
    assert all(one.margin != two.margin for one, two in zip(together, second, strict=True))


def test_a_classifier_that_breaks_is_a_failed_result(models: tuple) -> None:
    generator, classifier, scales = models
    broken = copy.deepcopy(classifier).requires_grad_(False)
    for weights in (*broken.parameters(), *broken.buffers()):
        weights.fill_(float("nan"))
    [result] = controls((generator, broken, scales), [(Trial(0, 2, 1, 7), (1.0, 0.0, 1.0))])
    assert (result.outcome, result.stimulus) == ("failed", None)
    assert "not finite" in result.reason
