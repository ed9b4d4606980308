"""The same search on a GPU. These need one; everything else here runs the same code on a CPU."""

from __future__ import annotations

import copy
from dataclasses import replace
from itertools import chain

import numpy as np
import pytest
import torch

from engine.catalogue import load_classifier
from engine.experiment import SCHEDULES, progression
from engine.search import batch
from engine.search.memory import free_bytes
from engine.search.result import Result
from engine.search.run import SearchRun
from tests.engine.conftest import BUNDLED

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
    settings["dtype"] = torch.float64
    models = (mnist_conv, mnist_standard)
    replayed = results(start(models, **settings))
    monkeypatch.setattr(batch, "captured", lambda step, device: None)
    assert_nearly_the_same(replayed, results(start(models, **settings)))


def assert_nearly_the_same(one: dict[int, Result], other: dict[int, Result]) -> None:
    """A GPU may add in another order each time, and a search is chaotic: most trials agree."""
    assert one.keys() == other.keys()
    alike = [
        one[index].outcome == other[index].outcome
        and (
            one[index].magnitude is None
            or abs(one[index].magnitude / other[index].magnitude - 1) < 1e-2
        )
        for index in one
    ]
    assert sum(alike) >= 0.9 * len(alike)


class Asking(torch.nn.Module):
    """A classifier that asks its device for a value, which no graph can hold."""

    def __init__(self, classifier: torch.nn.Module) -> None:
        super().__init__()
        self.classifier = classifier

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        logits = self.classifier(images)
        return logits * float(logits.isfinite().all().item())


def test_a_classifier_that_cannot_be_captured_is_searched_step_by_step(
    mnist_conv, mnist_standard, caplog
) -> None:
    settings = {"schedule": SCHEDULE_OF["relaxation"]}
    asking = replace(mnist_standard, module=Asking(mnist_standard.module))
    captured = results(start((mnist_conv, mnist_standard), **settings))
    stepwise = results(start((mnist_conv, asking), **settings))
    assert "cannot be captured" in caplog.text
    assert_nearly_the_same(captured, stepwise)
    caplog.clear()
    assert_nearly_the_same(captured, results(start((mnist_conv, mnist_standard), **settings)))
    assert "cannot be captured" not in caplog.text, "what failed has spoilt no later capture"


def test_how_often_the_host_looks_changes_no_result(
    mnist_conv, mnist_standard, monkeypatch
) -> None:
    settings = {"schedule": SCHEDULE_OF["relaxation"]}
    models = (mnist_conv, mnist_standard)
    seldom = results(start(models, **settings))
    monkeypatch.setitem(SearchRun.__init__.__globals__["LOOK_EVERY"], "cuda", 1)
    often = results(start(models, **settings))
    assert_nearly_the_same(seldom, often)


def test_where_the_gpus_memory_ends_the_search_goes_on_with_fewer_slots(
    mnist_conv, mnist_standard
) -> None:
    settings = {"slots": 256, "schedule": SCHEDULE_OF["relaxation"]}
    results(start((mnist_conv, mnist_standard), **settings))  # what the libraries take and keep
    run = start((mnist_conv, mnist_standard), **settings)
    begun_with = run.slots
    _, total = torch.cuda.mem_get_info()
    enough_for_half = torch.cuda.memory_reserved() + begun_with * run.bytes_per_slot // 2
    torch.cuda.set_per_process_memory_fraction(enough_for_half / total)
    try:
        ended = results(run)
    finally:
        torch.cuda.set_per_process_memory_fraction(1.0)
    assert run.slots < begun_with
    assert sorted(ended) == [trial.index for trial in TRIALS]


def test_what_a_search_leaves_with_torch_does_not_shrink_the_next(
    mnist_conv, mnist_standard
) -> None:
    before = free_bytes("cuda")
    left = torch.empty(2**30, dtype=torch.uint8, device="cuda")
    del left
    assert free_bytes("cuda") > before - 2**29


def test_float32_is_float32_and_not_tf32(mnist_conv, mnist_standard) -> None:
    """TF32 keeps 10 bits: its logits are a thousandth off."""
    images = torch.rand(16, 1, 28, 28, generator=torch.Generator().manual_seed(0))
    loaded = load_classifier(mnist_standard.entry, [BUNDLED], "cuda").module
    there = loaded(images.cuda()).cpu()
    here = mnist_standard.module(images)
    assert (there - here).abs().max() < 1e-4 * here.abs().max()
