"""The relaxation search on the shipped MNIST models: what holds of every result."""

from __future__ import annotations

import copy
from collections import Counter
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

from engine.catalogue import layer_weights
from engine.experiment import SCHEDULES, Schedule, Trial, progression
from engine.search.result import Result
from engine.search.run import SearchRun, search

QUICK = SCHEDULES["imagenet"]


def run_search(generator, classifier, trials, **changes) -> dict[int, Result]:
    """Results by trial index, all points perturbed unless told otherwise."""
    settings = {"layer_weights": [1] * 7, "schedule": QUICK, "slots": 16, **changes}
    results = search(trials, generator.module, classifier.module, generator.scales, **settings)
    return {result.trial.index: result for result in results}


def same(one: Result, other: Result) -> bool:
    """Every field but the time equal to the last bit."""
    names = set(vars(one)) - {"seconds"}
    return all(np.array_equal(getattr(one, name), getattr(other, name)) for name in names)


def test_every_trial_has_one_outcome_and_every_field_that_goes_with_it(
    mnist_conv, mnist_robust
) -> None:
    trials = list(progression(0, 60, 10))
    results = run_search(mnist_conv, mnist_robust, trials, schedule=replace(QUICK, budget=25))
    assert [results[index].trial for index in range(60)] == trials
    assert {result.outcome for result in results.values()} >= {"found", "exhausted"}
    for result in results.values():
        found, exhausted = result.outcome == "found", result.outcome == "exhausted"
        assert result.seconds > 0
        assert (result.magnitude is not None) == found
        assert (result.stimulus is not None) == found
        assert (result.bound is not None) == (found or exhausted)
        if found:
            below, bound = result.bracket
            assert below < bound == result.bound == QUICK.bound(result.steps - 1)
            assert result.magnitude <= bound, "the norm never exceeds its bound"
            assert result.magnitude == pytest.approx(np.linalg.norm(result.magnitudes))
            assert result.margin > 0
        if exhausted:
            assert (result.steps, result.bound) == (25, QUICK.bound(24))
            assert result.margin <= 0


def test_every_found_png_read_back_from_disk_is_classified_as_its_target(
    mnist_conv, mnist_standard, tmp_path
) -> None:
    results = run_search(mnist_conv, mnist_standard, progression(1, 40, 10))
    found = [result for result in results.values() if result.outcome == "found"]
    assert len(found) > 30
    for result in found:
        file = tmp_path / f"{result.trial.index}.png"
        Image.fromarray(result.stimulus[..., 0]).save(file)
        pixels = torch.from_numpy(np.array(Image.open(file))).view(1, 1, 28, 28) / 255
        assert mnist_standard.module(pixels).argmax() == result.trial.target


@pytest.mark.parametrize("subset", ["all", "first", "last"])
def test_neighbours_change_nothing_to_the_last_bit(mnist_conv, mnist_standard, subset) -> None:
    """At a fixed number of slots: other trials beside it, other slots, another order."""
    weights = layer_weights(mnist_conv.entry, mnist_conv.module.points, subset)
    chosen = list(progression(0, 12, 10))
    others = list(progression(99, 40, 10))
    settings = {"layer_weights": weights, "slots": 8, "keep_perturbations": True}
    settings["schedule"] = replace(QUICK, budget=60)
    alone = run_search(mnist_conv, mnist_standard, chosen, **settings)
    mixed = [trial for pair in zip(others, reversed(chosen), strict=False) for trial in pair]
    relabelled = [
        trial if trial in chosen else replace(trial, index=1000 + i)
        for i, trial in enumerate(others[:5] + mixed)
    ]
    together = run_search(mnist_conv, mnist_standard, relabelled, **settings)
    for index, result in alone.items():
        assert same(replace(result, perturbation=None), replace(together[index], perturbation=None))
        if result.perturbation:
            for name, p in result.perturbation.items():
                assert np.array_equal(p, together[index].perturbation[name])


def trajectories(generator, classifier, trials: list[Trial], slots: int) -> dict:
    """(bound, magnitude, margin) at each of the first 50 steps of each trial, in float64."""
    scales = {name: scale.double() for name, scale in generator.scales.items()}
    run = SearchRun(
        trials,
        copy.deepcopy(generator.module).double(),
        copy.deepcopy(classifier.module).double(),
        scales,
        layer_weights=[1] * 7,
        schedule=replace(SCHEDULES["mnist"], budget=50),
        slots=slots,
        dtype=torch.float64,
    )
    seen = {}
    while not run.finished:
        run.step()
        for slot in range(slots):
            if snapshot := run.snapshot(slot):
                figures = (snapshot.bound, snapshot.magnitude, snapshot.margin)
                seen[snapshot.trial.index, snapshot.step] = figures
    return seen


def test_in_float64_batches_of_1_7_and_64_agree_for_50_steps(mnist_conv, mnist_robust) -> None:
    trials = list(progression(2, 10, 10))
    one = trajectories(mnist_conv, mnist_robust, trials, 1)
    assert max(step for _, step in one) >= 45
    assert all(magnitude <= bound for bound, magnitude, _ in one.values())
    for slots in (7, 64):
        many = trajectories(mnist_conv, mnist_robust, trials, slots)
        assert many.keys() == one.keys()
        for key, figures in one.items():
            assert many[key] == pytest.approx(figures, rel=1e-6, abs=1e-8)


def test_a_point_of_weight_0_gets_nothing_added_and_has_no_state(
    mnist_conv, mnist_standard
) -> None:
    """Were its σ used anywhere, NaN would spread to every result."""
    weights = (0, 1, 0, 0.5, 0, 0, 0)
    trials = list(progression(0, 8, 10))
    clean = run_search(mnist_conv, mnist_standard, trials, layer_weights=weights)
    names = [point.name for point in mnist_conv.module.points]
    poisoned = {
        name: scale if weight else scale * torch.nan
        for (name, scale), weight in zip(
            ((name, mnist_conv.scales[name]) for name in names), weights, strict=True
        )
    }
    again = run_search(
        replace(mnist_conv, scales=poisoned), mnist_standard, trials, layer_weights=weights
    )
    assert all(same(clean[index], again[index]) for index in clean)
    for result in clean.values():
        if result.outcome == "found":
            assert [m > 0 for m in result.magnitudes] == [w > 0 for w in weights]
    run = SearchRun(
        trials,
        mnist_conv.module,
        mnist_standard.module,
        mnist_conv.scales,
        layer_weights=weights,
        schedule=QUICK,
    )
    assert run.points == ["fc-64", "conv-2"]


@pytest.mark.parametrize("first", [2, 5])
def test_what_comes_before_the_first_perturbed_point_is_computed_once_a_trial(
    mnist_conv, mnist_standard, first, monkeypatch
) -> None:
    """And the gradient goes no further back than that point."""
    generator = mnist_conv.module
    stage, rows, differentiated = type(generator).stage, Counter(), set()

    def counted(self, index, activation, condition):
        rows[index] += len(activation)
        if activation.requires_grad:
            differentiated.add(index)
        return stage(self, index, activation, condition)

    monkeypatch.setattr(type(generator), "stage", counted)
    weights = [float(index >= first) for index in range(7)]
    trials = list(progression(0, 8, 10))
    settings = {"layer_weights": weights, "schedule": replace(QUICK, budget=10), "slots": 8}
    run_search(mnist_conv, mnist_standard, trials, **settings)
    last = len(generator.points) - 1
    prefix = {rows[index] for index in range(1, first + 1)}
    assert prefix == {8 + 1}, "eight sources, and one row to count its memory"
    assert rows[last] >= 8 + 8 * 10
    assert differentiated == set(range(first + 1, last + 1))


def test_doubling_a_layer_weight_is_doubling_its_scales(mnist_conv, mnist_standard) -> None:
    trials = list(progression(0, 8, 10))
    weighted = run_search(mnist_conv, mnist_standard, trials, layer_weights=[2] * 7)
    doubled = {name: 2 * scale for name, scale in mnist_conv.scales.items()}
    scaled = run_search(replace(mnist_conv, scales=doubled), mnist_standard, trials)
    assert all(same(weighted[index], scaled[index]) for index in weighted)


def test_untargeted_takes_any_other_label(mnist_conv, mnist_standard) -> None:
    trials = list(progression(0, 20, 10, targeted=False))
    results = run_search(mnist_conv, mnist_standard, trials)
    found = [result for result in results.values() if result.outcome == "found"]
    assert len(found) >= 18
    assert all(result.logits.argmax() != result.trial.label for result in found)


def test_an_impossible_trial_is_a_failed_row_and_harms_no_other(mnist_conv, mnist_standard) -> None:
    trials = list(progression(0, 6, 10))
    impossible = [
        replace(trials[1], label=12),
        replace(trials[2], target=-3),
        replace(trials[3], target=trials[3].label),
    ]
    results = run_search(mnist_conv, mnist_standard, [trials[0], *impossible, *trials[4:]])
    assert [results[index].outcome for index in (1, 2, 3)] == ["failed"] * 3
    assert "12 is not one of the generator's 10" in results[1].reason
    sound = run_search(mnist_conv, mnist_standard, trials)
    assert all(same(results[index], sound[index]) for index in (0, 4, 5))


class BreaksWhenFooled(nn.Module):
    """Not a number as soon as the network is nearly fooled."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        logits = self.network(images)
        top = logits.topk(2).values
        return torch.where((top[:, :1] - top[:, 1:]) < 1, torch.nan, logits)


def test_a_classifier_that_breaks_in_mid_search_fails_the_trial_with_a_reason(
    mnist_conv, mnist_standard
) -> None:
    broken = replace(mnist_standard, module=BreaksWhenFooled(mnist_standard.module))
    results = run_search(mnist_conv, broken, progression(0, 10, 10))
    failed = [result for result in results.values() if result.outcome == "failed"]
    assert failed
    assert all("not finite" in result.reason for result in failed)


class TakesFourAtMost(nn.Module):
    """Out of memory, as torch says it, for more than four images at once."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        if len(images) > 4:
            raise torch.OutOfMemoryError("Tried to allocate more than there is.")
        return self.network(images)


def test_out_of_memory_halves_the_slots_and_loses_no_trial(mnist_conv, mnist_standard) -> None:
    trials = [replace(next(progression(0, 1, 10)), index=99, label=12), *progression(0, 12, 10)]
    small = replace(mnist_standard, module=TakesFourAtMost(mnist_standard.module))
    halved = run_search(mnist_conv, small, trials, slots=32)
    expected = run_search(mnist_conv, mnist_standard, trials, slots=4)
    assert halved.keys() == expected.keys()
    assert all(same(halved[index], expected[index]) for index in expected)


def test_a_search_stops_when_told_and_keeps_what_it_has(mnist_conv, mnist_standard) -> None:
    results = []
    finished = run_search(
        mnist_conv,
        mnist_standard,
        progression(0, 50, 10),
        slots=4,
        on_step=lambda run: results.append(run.busy),
        stop=lambda: len(results) >= 40,
    )
    assert len(results) == 40
    assert 0 < len(finished) < 50


def test_a_snapshot_shows_the_search_going_on(mnist_conv, mnist_standard) -> None:
    trial = next(progression(0, 1, 10))
    snapshots = []
    results = run_search(
        mnist_conv,
        mnist_standard,
        [trial],
        slots=1,
        on_step=lambda run: snapshots.append(run.snapshot()),
    )
    seen = [snapshot for snapshot in snapshots if snapshot]
    assert [snapshot.step for snapshot in seen] == list(range(results[0].steps))
    assert all(b.bound > a.bound for a, b in pairwise(seen[1:]))
    assert np.array_equal(seen[0].image, seen[0].source)
    assert not np.array_equal(seen[-1].image, seen[0].source)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"search": "gradient-free"}, "there are relaxation"),
        ({"layer_weights": [1, 1]}, "2 layer weights for 7 points"),
        ({"layer_weights": [0] * 7}, "At least one point"),
        ({"layer_weights": [-1, *[1] * 6]}, "0 or more"),
        ({"slots": 0}, "at least one slot"),
        ({"schedule": Schedule(0.1, 1, 1, 0, budget=0)}, "budget of one step"),
    ],
)
def test_settings_that_cannot_be_run_are_refused(
    mnist_conv, mnist_standard, changes, message
) -> None:
    with pytest.raises(ValueError, match=message):
        run_search(mnist_conv, mnist_standard, progression(0, 1, 10), **changes)
