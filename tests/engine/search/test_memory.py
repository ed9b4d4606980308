"""How many trials fit into memory."""

from __future__ import annotations

import pytest

from engine.search.memory import MOST_SLOTS, SHARE_USED, bytes_per_trial, fitting_slots, free_bytes
from tests.engine.linear_models import LinearClassifier, LinearGenerator, unit_scales

GENERATOR = LinearGenerator().requires_grad_(False)


def measured(weights: tuple[float, ...]) -> int:
    classifier = LinearClassifier().requires_grad_(False)
    return bytes_per_trial(GENERATOR, classifier, unit_scales(GENERATOR), weights)


def test_a_row_takes_at_least_its_perturbation_moments_and_gradient() -> None:
    size = sum(point.size for point in GENERATOR.points)
    assert measured((1, 1, 1)) >= 4 * 5 * size
    assert measured((1, 0, 0)) < measured((1, 1, 1))


def test_weights_are_shared_and_not_counted(mnist_conv, mnist_robust) -> None:
    """LeNet-5 and the generator weigh 15 MB; a row keeps well under one."""
    models = (mnist_conv.module, mnist_robust.module)
    weights = 4 * sum(p.numel() for model in models for p in model.parameters())
    assert bytes_per_trial(*models, mnist_conv.scales, [1] * 7) < weights / 10


@pytest.mark.parametrize(
    ("trial_bytes", "free", "slots"),
    [
        (100, 0, 1),
        (100, int(100 / SHARE_USED), 1),
        (100, int(800 / SHARE_USED) + 1, 8),
        (100, int(1500 / SHARE_USED) + 1, 8),
        (1, 10**12, MOST_SLOTS["cpu"]),
    ],
)
def test_slots_are_the_largest_power_of_two_that_fits(trial_bytes, free, slots) -> None:
    assert fitting_slots(trial_bytes, free) == slots


def test_the_machine_has_memory() -> None:
    assert free_bytes("cpu") > 10**7
