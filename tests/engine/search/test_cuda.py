"""The same search on a GPU. These need one; everything else here runs the same code on a CPU."""

from __future__ import annotations

import copy
from dataclasses import replace
from itertools import chain

import numpy as np
import pytest
import torch

from engine.experiment import SCHEDULES, progression
from engine.search import batch
from engine.search.result import Result
from engine.search.run import SearchRun

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="this machine has no GPU")

TRIALS = list(progression(0, 40, 10))
SCHEDULE_OF = {
    "relaxation": replace(SCHEDULES["imagenet"], budget=40),
    "minimum-norm": replace(SCHEDULES["minimum-norm"], budget=60),
}


def start(models, device: str = "cuda", **changes) -> SearchRun:
    generator, classifier = (copy.deepcopy(model.module).to(device) for model in models)
    settings = {"layer_weights": [1] * 7, "slots": 16, "device": device} | changes
    dtype = settings.get("dtype", torch.float32)
    scales = {name: scale.to(dtype) for name, scale in models[0].scales.items()}
    return SearchRun(TRIALS, generator.to(dtype), classifier.to(dtype), scales, **settings)


def results(run: SearchRun) -> dict[int, Result]:
    found = chain.from_iterable(iter(lambda: None if run.finished else run.step(), None))
    return {result.trial.index: result for result in found}


@pytest.mark.parametrize("search", SCHEDULE_OF)
def test_a_trial_is_the_same_on_the_gpu_as_on_the_processor(
    search, mnist_conv, mnist_standard
) -> None:
    settings = {"search": search, "schedule": SCHEDULE_OF[search], "dtype": torch.float64}
    models = (mnist_conv, mnist_standard)
    here, there = results(start(models, "cpu", **settings)), results(start(models, **settings))
    assert here.keys() == there.keys()
    for index, result in here.items():
        other = there[index]
        assert (result.outcome, result.trial) == (other.outcome, other.trial)
        assert np.abs(result.source.astype(int) - other.source).max() <= 1
        if result.magnitude is not None:
            assert other.magnitude == pytest.approx(result.magnitude, rel=1e-2)


@pytest.mark.parametrize("gradient_dtype", [None, torch.bfloat16])
@pytest.mark.parametrize("search", SCHEDULE_OF)
def test_the_replayed_graph_is_the_step_itself(
    search, gradient_dtype, mnist_conv, mnist_standard, monkeypatch
) -> None:
    settings = {"search": search, "schedule": SCHEDULE_OF[search], "gradient_dtype": gradient_dtype}
    models = (mnist_conv, mnist_standard)
    replayed = results(start(models, **settings))
    monkeypatch.setattr(batch.Batch, "_capture", lambda self: None)
    eager = results(start(models, **settings))
    for index, result in replayed.items():
        assert result.outcome == eager[index].outcome
        if result.magnitude is not None:
            assert eager[index].magnitude == pytest.approx(result.magnitude, rel=1e-2)


class Asking(torch.nn.Module):
    """A classifier that asks its device for a value, which no graph can hold."""

    def __init__(self, classifier: torch.nn.Module) -> None:
        super().__init__()
        self.classifier = classifier

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        logits = self.classifier(images)
        return logits * float(logits.isfinite().all().item())


def test_a_classifier_that_cannot_be_captured_is_searched_step_by_step(
    mnist_conv, mnist_standard
) -> None:
    settings = {"schedule": SCHEDULE_OF["relaxation"]}
    asking = replace(mnist_standard, module=Asking(mnist_standard.module))
    captured = results(start((mnist_conv, mnist_standard), **settings))
    stepwise = results(start((mnist_conv, asking), **settings))
    for index, result in captured.items():
        assert result.outcome == stepwise[index].outcome


def test_how_often_the_host_looks_changes_no_result(
    mnist_conv, mnist_standard, monkeypatch
) -> None:
    settings = {"schedule": SCHEDULE_OF["relaxation"]}
    models = (mnist_conv, mnist_standard)
    seldom = results(start(models, **settings))
    monkeypatch.setitem(SearchRun.__init__.__globals__["LOOK_EVERY"], "cuda", 1)
    often = results(start(models, **settings))
    for index, result in seldom.items():
        assert (result.outcome, result.magnitude) == (often[index].outcome, often[index].magnitude)


def test_where_the_gpus_memory_ends_the_search_goes_on_with_fewer_slots(
    mnist_conv, mnist_standard
) -> None:
    run = start((mnist_conv, mnist_standard), slots=128, schedule=SCHEDULE_OF["relaxation"])
    assert run.slots == 128
    _, total = torch.cuda.mem_get_info()
    held = torch.cuda.memory_reserved()
    torch.cuda.set_per_process_memory_fraction((held + 48 * 2**20) / total)
    try:
        ended = results(run)
    finally:
        torch.cuda.set_per_process_memory_fraction(1.0)
    assert run.slots < 128
    assert sorted(ended) == [trial.index for trial in TRIALS]
