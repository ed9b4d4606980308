"""The second pass, that of the 8-bit image, is made where it can matter and nowhere else."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from engine.experiment import SCHEDULES, Schedule, Trial, progression
from engine.search import margin
from engine.search.margin import ROUNDING_DEVIATION, ROUNDING_REACH, in_reach_of_rounding
from engine.search.run import search
from tests.engine.linear_models import LinearGenerator, unit_scales


class Counted(nn.Module):
    """A classifier that counts the images it gives logits for, those for a gradient apart."""

    def __init__(self, classifier: nn.Module) -> None:
        super().__init__()
        self._classifier, self.with_gradient, self.without = classifier, 0, 0

    def forward(self, images: Tensor) -> Tensor:
        if torch.is_grad_enabled():
            self.with_gradient += len(images)
        else:
            self.without += len(images)
        return self._classifier(images)


@pytest.mark.parametrize("margin_of_it", [-1e3, -1.01, -0.99, 0.0, 1.0, float("nan")])
def test_in_reach_is_so_many_deviations_of_independent_rounding_errors(margin_of_it) -> None:
    slope = torch.zeros(1, 3, 4, 4)
    slope[0, 1, 2, 3] = 1 / (ROUNDING_REACH * ROUNDING_DEVIATION)  # a reach of 1
    expected = not margin_of_it < -1
    assert bool(in_reach_of_rounding(torch.tensor([margin_of_it]), slope)) == expected


def test_the_deviation_is_that_of_rounding() -> None:
    values = torch.rand(10**6, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    errors = (values * 255).round() / 255 - values
    assert errors.std().item() == pytest.approx(ROUNDING_DEVIATION, rel=0.01)


@pytest.mark.parametrize("name", ["relaxation", "minimum-norm"])
def test_to_test_every_step_would_change_no_result(
    mnist_conv, mnist_standard, name, monkeypatch
) -> None:
    schedule = replace(SCHEDULES["imagenet" if name == "relaxation" else name], budget=40)

    def run() -> tuple[dict, int, int]:
        classifier = Counted(mnist_standard.module)
        results = search(
            progression(0, 24, 10),
            mnist_conv.module,
            classifier,
            mnist_conv.scales,
            layer_weights=[1] * 7,
            schedule=schedule,
            search=name,
            slots=4,
        )
        found = {result.trial.index: result for result in results}
        return found, classifier.with_gradient, classifier.without

    quick, gradients, tests = run()
    monkeypatch.setattr(margin, "ROUNDING_REACH", torch.inf)
    always, always_gradients, always_tests = run()
    assert gradients == always_gradients
    assert tests < always_tests, "fewer second passes"
    if name == "relaxation":
        assert tests < gradients / 2
    for index, result in always.items():
        for field in ("outcome", "steps", "magnitude", "margin", "logits", "stimulus"):
            assert np.array_equal(getattr(quick[index], field), getattr(result, field)), field


class Step(nn.Module):
    """Two classes apart at 127.9 levels of the first pixel: from 127.5 on it is rounded beyond."""

    def forward(self, images: Tensor) -> Tensor:
        ahead = images.flatten(1)[:, 0] - 127.9 / 255
        return torch.stack([-ahead, ahead], dim=1)


def test_an_image_that_fools_only_once_rounded_is_found(monkeypatch) -> None:
    generator = LinearGenerator().requires_grad_(False)
    schedule = Schedule(0.001, 0.0005, 1.0, 0.0005, budget=400)

    def steps() -> dict[int, int]:
        results = search(
            [Trial(index, 0, 1, index) for index in range(20)],
            generator,
            Step(),
            unit_scales(generator),
            layer_weights=[0, 0, 1],
            schedule=schedule,
            slots=4,
        )
        found = [result for result in results if result.outcome == "found"]
        assert all(result.stimulus.reshape(-1)[0] == 128 for result in found)
        return {result.trial.index: result.steps for result in found}

    rounded = steps()
    monkeypatch.setattr(margin, "ROUNDING_REACH", 0)
    unrounded = steps()
    assert rounded
    assert all(rounded[index] <= later for index, later in unrounded.items())
    assert sum(rounded.values()) < sum(unrounded.values()), "found before the float image fools"
