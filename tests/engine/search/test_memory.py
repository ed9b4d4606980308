"""How many trials fit into memory."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest
import torch

from benchmarks.memory import measure
from engine.search.memory import (
    MOST_SLOTS,
    SHARE_USED,
    bytes_per_trial,
    fitting_slots,
    free_bytes,
    ran_out,
)
from engine.search.perturbed_pass import Models, PerturbedPass
from tests.engine.linear_models import LinearClassifier, LinearGenerator, unit_scales

GENERATOR = LinearGenerator().requires_grad_(False)


def measured(weights: tuple[float, ...]) -> int:
    classifier = LinearClassifier().requires_grad_(False)
    perturbed = PerturbedPass(GENERATOR, unit_scales(GENERATOR), weights)
    return bytes_per_trial(Models(perturbed, classifier))


def test_a_row_takes_at_least_its_perturbation_moments_and_gradient() -> None:
    size = sum(point.size for point in GENERATOR.points)
    assert measured((1, 1, 1)) >= 4 * 5 * size
    assert measured((1, 0, 0)) < measured((1, 1, 1))


def test_weights_are_shared_and_not_counted(mnist_conv, mnist_robust) -> None:
    """LeNet-5 and the generator weigh 15 MB; a row keeps well under one."""
    models = (mnist_conv.module, mnist_robust.module)
    weights = 4 * sum(p.numel() for model in models for p in model.parameters())
    perturbed = PerturbedPass(mnist_conv.module, mnist_conv.scales, [1] * 7)
    assert bytes_per_trial(Models(perturbed, mnist_robust.module)) < weights / 10


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


@pytest.mark.parametrize(
    ("error", "memory"),
    [
        (torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB"), True),
        (MemoryError(), True),
        (RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory"), True),
        (RuntimeError("CUDA error: out of memory"), True),
        (RuntimeError("Triton Error [CUDA]: out of memory"), True),
        (RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling cublasCreate"), True),
        (RuntimeError("cuDNN error: CUDNN_STATUS_ALLOC_FAILED"), True),
        (RuntimeError("CUDA error: an illegal memory access was encountered"), False),
        (ValueError("out of memory"), False),
    ],
)
def test_what_says_that_memory_ran_out_is_known_from_what_does_not(error, memory) -> None:
    """torch has an error of its own for it; its libraries, and a GPU's kernels, have words."""
    assert ran_out(error) == memory


def test_the_machine_has_memory() -> None:
    assert free_bytes("cpu") > 10**7


@pytest.mark.parametrize("when", ["before", "during"])
def test_where_memory_ends_a_search_goes_on_with_fewer_slots(when) -> None:
    """A real limit: too little from the start, or taken away once the search has its slots."""
    command = [sys.executable, "-m", "tests.engine.search.out_of_memory", "12", when]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=300)
    assert ended.returncode == 0, ended.stderr
    told = json.loads(ended.stdout)
    assert (told["began_with"] < 128) == (when == "before")
    assert 1 <= told["slots"] < 128
    assert [index for index, *_ in told["limited"]] == list(range(150))
    assert any(outcome == "found" for _, outcome, _ in told["limited"])
    assert told["limited"] == told["free"], "as if there had been so few slots from the start"


def test_biggan_deep_128_is_searched_live_in_under_4_gb() -> None:
    """Real architectures, all points perturbed, one slot as in Explore."""
    assert measure("biggan-deep-128, resnet50", 1).peak < 4096
