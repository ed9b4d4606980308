"""Gradients in bfloat16: cheaper steps, while float32 decides everything that is recorded."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from engine.catalogue import layer_weights
from engine.experiment import SCHEDULES, progression
from engine.search.perturbed_pass import PerturbedPass, to_8_bit
from engine.search.result import Result
from engine.search.run import SearchRun, search

TRIALS = list(progression(0, 24, 10))
SCHEDULE_OF = {
    "relaxation": replace(SCHEDULES["imagenet"], budget=40),
    "minimum-norm": replace(SCHEDULES["minimum-norm"], budget=60),
}


def run_search(models, name: str, weights=(1,) * 7, **changes) -> dict[int, Result]:
    generator, classifier = models
    settings = {"schedule": SCHEDULE_OF[name], "search": name, "slots": 8} | changes
    settings |= {"layer_weights": weights, "keep_perturbations": True}
    results = search(TRIALS, generator.module, classifier.module, generator.scales, **settings)
    return {result.trial.index: result for result in results}


@pytest.fixture(scope="module", params=SCHEDULE_OF)
def found(request, mnist_conv, mnist_standard) -> tuple[dict[int, Result], dict[int, Result]]:
    """The same trials with gradients in bfloat16, and all in float32."""
    models = (mnist_conv, mnist_standard)
    return (
        run_search(models, request.param, gradient_dtype=torch.bfloat16),
        run_search(models, request.param),
    )


def test_what_is_found_fools_in_float32_and_its_figures_are_those_of_float32(
    found, mnist_conv, mnist_standard
) -> None:
    low, _ = found
    perturbed = PerturbedPass(mnist_conv.module, mnist_conv.scales, (1,) * 7)
    successes = [result for result in low.values() if result.outcome == "found"]
    assert len(successes) > 10
    for result in successes:
        labels = torch.tensor([result.trial.label])
        z = mnist_conv.module.latent(result.trial.seed).unsqueeze(0)
        activation, condition = perturbed.prefix(z, labels)
        p = [torch.from_numpy(p).unsqueeze(0) for p in result.perturbation.values()]
        image = to_8_bit(perturbed.image(activation, condition, labels, p))
        logits = mnist_standard.module(image)[0]
        assert logits.argmax() == result.trial.target
        assert np.array_equal((image[0, 0] * 255).round().numpy(), result.stimulus[..., 0])
        assert torch.allclose(logits, torch.from_numpy(result.logits), atol=1e-4)


def test_it_finds_nearly_what_float32_finds(found) -> None:
    low, full = found
    both = [i for i in full if full[i].outcome == low[i].outcome == "found"]
    assert len(both) >= 0.9 * sum(result.outcome == "found" for result in full.values())
    assert {i for i, r in full.items() if r.outcome == "skipped"} == {
        i for i, r in low.items() if r.outcome == "skipped"
    }
    ratios = [low[i].magnitude / full[i].magnitude for i in both]
    assert 0.9 < np.median(ratios) < 1.1


def test_an_exhausted_trial_is_one_that_float32_does_not_call_fooled(
    mnist_conv, mnist_robust
) -> None:
    settings = {"schedule": replace(SCHEDULES["imagenet"], budget=12)}
    results = run_search(
        (mnist_conv, mnist_robust), "relaxation", gradient_dtype=torch.bfloat16, **settings
    )
    exhausted = [result for result in results.values() if result.outcome == "exhausted"]
    assert exhausted
    for result in exhausted:
        assert result.steps == 12
        assert result.margin <= 0
        others = np.delete(result.logits, result.trial.target)
        assert result.margin == pytest.approx(result.logits[result.trial.target] - others.max())


@pytest.mark.parametrize("gradient_dtype", [None, torch.bfloat16])
@pytest.mark.parametrize("name", SCHEDULE_OF)
def test_neither_neighbours_nor_how_often_the_host_looks_change_a_result(
    name, gradient_dtype, mnist_conv, mnist_standard, monkeypatch
) -> None:
    """A row that waits to be decided, or is over, stays as it is, however late the host comes."""
    weights = layer_weights(mnist_conv.entry, mnist_conv.module.points, "last")
    models = (mnist_conv, mnist_standard)
    settings = {"weights": weights, "gradient_dtype": gradient_dtype}
    often = run_search(models, name, **settings)
    monkeypatch.setitem(SearchRun.__init__.__globals__["LOOK_EVERY"], "cpu", 5)
    seldom = run_search(models, name, **settings)
    assert often.keys() == seldom.keys()
    for index, result in often.items():
        for field in set(vars(result)) - {"seconds", "perturbation"}:
            assert np.array_equal(getattr(result, field), getattr(seldom[index], field)), field
