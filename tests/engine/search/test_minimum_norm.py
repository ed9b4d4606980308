"""What the minimum-norm search promises, on the shipped MNIST models and in small.

`benchmarks.minimum_norm` measures the same over 240 trials and four classifiers.
"""

from __future__ import annotations

import numpy as np
import pytest
import torch

from engine.catalogue import layer_weights
from engine.experiment import SCHEDULES, progression
from engine.search.result import Result
from engine.search.run import search

TRIALS = 10
MOST_GRADIENTS = 300


def median_magnitude(results: list[Result]) -> float:
    """∞ stands for one that was exhausted."""
    reached = (np.inf if one.magnitude is None else one.magnitude for one in results)
    return float(np.median(list(reached)))


@pytest.mark.parametrize("subset", ["all", "first", "last"])
@pytest.mark.parametrize("classifier", ["mnist_standard", "mnist_robust"])
def test_it_always_succeeds_with_half_the_relaxations_magnitude_or_less(
    mnist_conv, classifier, subset, request, monkeypatch
) -> None:
    grad, gradients = torch.autograd.grad, []

    def counted(outputs, inputs, **more):
        found = grad(outputs, inputs, **more)
        gradients.append(len(found[0]))
        return found

    monkeypatch.setattr(torch.autograd, "grad", counted)

    def found(name: str, schedule: str) -> list[Result]:
        results = search(
            progression(0, TRIALS, 10),
            mnist_conv.module,
            request.getfixturevalue(classifier).module,
            mnist_conv.scales,
            layer_weights=layer_weights(mnist_conv.entry, mnist_conv.module.points, subset),
            schedule=SCHEDULES[schedule],
            search=name,
            slots=TRIALS,
        )
        return [result for result in results if result.outcome != "skipped"]

    tight = found("minimum-norm", "minimum-norm")
    assert len(gradients) <= MOST_GRADIENTS + 1, "and one for the pass that only tests the last p"
    assert max(result.steps for result in tight) <= MOST_GRADIENTS
    assert len(tight) >= TRIALS - 1
    assert all(result.outcome == "found" for result in tight)
    half = median_magnitude(found("relaxation", "imagenet")) / 2
    assert median_magnitude(tight) <= half < np.inf
