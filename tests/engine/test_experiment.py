"""The fixed progression and the schedules."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
import torch

from engine.experiment import (
    SCHEDULES,
    Condition,
    Definition,
    Trial,
    progression,
    progression_trial,
)
from tests.engine.linear_models import LinearGenerator


def test_240_trials_are_a_prefix_of_1000_and_can_start_anywhere() -> None:
    thousand = list(progression(0, 1000, 10))
    assert list(progression(0, 240, 10)) == thousand[:240]
    assert list(progression(0, 1000, 10, start=990)) == thousand[990:]
    assert len({trial.seed for trial in thousand}) == 1000


def test_the_progression_is_the_same_on_every_machine() -> None:
    """Figures written down once: they may not change with a release, a device or a platform."""
    assert progression_trial(0, 0, 10) == Trial(0, label=1, target=4, seed=7711540714544783)
    z = LinearGenerator().latent(7711540714544783)
    assert z.device.type == "cpu"
    assert z[:3].tolist() == pytest.approx(Z, abs=1e-6)


Z = [0.35587236, -2.42531443, -0.49763170]


def test_labels_and_targets_cover_everything_but_each_other() -> None:
    trials = list(progression(5, 3000, 10))
    pairs = {(trial.label, trial.target) for trial in trials}
    assert pairs == {(y, t) for y in range(10) for t in range(10) if y != t}
    untargeted = list(progression(5, 3000, 10, targeted=False))
    assert untargeted == [replace(trial, target=None) for trial in trials]


def test_another_seed_is_another_progression() -> None:
    assert not set(progression(0, 100, 10)) & set(progression(1, 100, 10))


@pytest.mark.parametrize(("relaxations", "bound"), [(0, 1.0), (19, 4.2), (75, 36), (119, 141)])
def test_the_imagenet_bound_is_the_one_of_the_paper(relaxations, bound) -> None:
    """4.333·1.03ᵏ − 3.333 after k relaxations (Dunn et al. 2020, appendix B.1)."""
    exact = SCHEDULES["imagenet"].bound(relaxations)
    assert exact == pytest.approx(13 / 3 * 1.03**relaxations - 10 / 3)
    assert exact == pytest.approx(bound, rel=0.02)


def test_the_mnist_bound_grows_by_a_thousandth() -> None:
    assert SCHEDULES["mnist"].bound(900) == pytest.approx(1.0)


def test_a_definition_survives_json() -> None:
    condition = Condition("c", "all", (1.0, 0.5), "relaxation", "mnist", SCHEDULES["mnist"])
    definition = Definition("g", (condition,), trials=240, seed=3, targeted=False)
    assert Definition.from_json(json.loads(json.dumps(definition.as_json()))) == definition


def test_torch_randn_is_not_a_prefix_of_a_longer_draw() -> None:
    """Why each trial has a seed of its own."""
    short = torch.randn(10, generator=torch.Generator().manual_seed(0))
    longer = torch.randn(20, generator=torch.Generator().manual_seed(0))
    assert not torch.equal(short, longer[:10])
