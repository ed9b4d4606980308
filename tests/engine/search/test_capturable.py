"""That a GPU can make a step as one CUDA graph, shown without a GPU.

A graph is a fixed list of operations on fixed addresses, in which nobody asks the device for a
value. Each of these three is looked at: on tensors without content, and by replaying such a list.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves
from torchvision.models import resnet50

from engine.classifiers.interface import Classifier
from engine.classifiers.mnist import LeNet5
from engine.experiment import SCHEDULES, Trial, progression
from engine.generators.biggan import BigGanDeep
from engine.generators.interface import Generator
from engine.generators.mnist_conv import MnistConv
from engine.search.batch import Batch
from engine.search.feeder import Ready
from engine.search.perturbed_pass import Models, PerturbedPass
from engine.search.result import Result
from engine.search.run import SEARCHES, SearchRun, search
from tests.engine.generators.biggan_models import narrow

SCHEDULE_OF = {
    "relaxation": replace(SCHEDULES["imagenet"], budget=30),
    "minimum-norm": replace(SCHEDULES["minimum-norm"], budget=12),
}
#: Every search, in both precisions, on both kinds of generator.
CASES = [
    ("mnist", "relaxation", None),
    ("mnist", "minimum-norm", torch.bfloat16),
    ("biggan", "relaxation", torch.bfloat16),
    ("biggan", "minimum-norm", None),
]


def mnist() -> tuple[Generator, nn.Module]:
    return MnistConv(), Classifier(LeNet5())


def biggan() -> tuple[Generator, nn.Module]:
    """All layers of BigGAN-deep-512, narrow, and a classifier that resizes and normalises."""
    generator = BigGanDeep(narrow(512)).to("meta")  # the package heeds no device
    generator.prepare(1.0)
    frame = {"mean": (0.5, 0.4, 0.3), "std": (0.2, 0.2, 0.2), "interpolation": "bicubic"}
    return generator, Classifier(resnet50(num_classes=10), size=224, **frame)


PAIRS: dict[str, Callable[[], tuple[Generator, nn.Module]]] = {"mnist": mnist, "biggan": biggan}


class OnOneDevice(TorchDispatchMode):
    """Refuses operations that leave the device, or that bring something to it: both wait."""

    def __init__(self, device: str) -> None:
        super().__init__()
        self.device, self.seen = device, 0

    def __torch_dispatch__(self, func, types, args=(), kwargs=None) -> Any:
        out = func(*args, **(kwargs or {}))
        tensors = [leaf for leaf in tree_leaves((args, kwargs, out)) if isinstance(leaf, Tensor)]
        # A number made a tensor is an argument of the kernel, wherever it lies.
        elsewhere = {t.device.type for t in tensors if t.dim()} - {self.device}
        assert not elsewhere, f"{func} has to do with {elsewhere}"
        self.seen += 1
        return out


def batch_without_content(
    pair: str, search: str, gradient_dtype: torch.dtype | None, wrapped: type[nn.Module] | None
) -> Batch:
    """A batch all of whose tensors lie where there is no memory, as if that were a GPU."""

    def models(dtype: torch.dtype) -> Models:
        with torch.device("meta"):
            generator, classifier = PAIRS[pair]()
            scales = {point.name: torch.ones(point.shape) for point in generator.points}
        for module in (generator, classifier):
            module.to(dtype).eval().requires_grad_(False)
        weights = [1.0] * len(generator.points)
        perturbed = PerturbedPass(generator, scales, weights, device="meta", dtype=dtype)
        return Models(perturbed, wrapped(classifier) if wrapped else classifier)

    exact = models(torch.float32)
    quick = models(gradient_dtype) if gradient_dtype else None
    generator = exact.perturbed_pass.generator
    z = torch.zeros((1, *generator.points[0].shape), device="meta")
    labels = torch.zeros(1, dtype=torch.int64, device="meta")
    activation, condition = exact.perturbed_pass.prefix(z, labels)
    logits = np.zeros(generator.label_count, np.float32)
    picture = np.zeros((*generator.image_shape[1:], generator.image_shape[0]), np.uint8)
    return Batch(
        quick or exact,
        exact if quick else None,
        SEARCHES[search],
        SCHEDULE_OF[search],
        2,
        keep_perturbations=True,
        like=Ready(Trial(0, 0, 1, 0), z[0], activation[0], condition[0], picture, logits, 0.0),
    )


@pytest.mark.parametrize(("pair", "search", "gradient_dtype"), CASES)
def test_a_step_asks_the_device_for_nothing_and_no_shape_depends_on_a_value(
    pair, search, gradient_dtype
) -> None:
    """On this device there are no values: who asks for one meets an error."""
    batch = batch_without_content(pair, search, gradient_dtype, None)
    with OnOneDevice("meta") as device:
        batch.advance()
    assert device.seen > 100


class AsksForAValue(nn.Module):
    def __init__(self, classifier: nn.Module) -> None:
        super().__init__()
        self.classifier = classifier

    def forward(self, images: Tensor) -> Tensor:
        return self.classifier(images) * float(images.detach().max())


class ChoosesRows(AsksForAValue):
    def forward(self, images: Tensor) -> Tensor:
        logits = self.classifier(images)
        return logits[logits[:, 0] > -torch.inf]


class HoldsAConstantElsewhere(AsksForAValue):
    def forward(self, images: Tensor) -> Tensor:
        return self.classifier(images)[:, torch.arange(10, device="cpu")]


@pytest.mark.parametrize("unfit", [AsksForAValue, ChoosesRows, HoldsAConstantElsewhere])
def test_a_model_that_no_graph_can_hold_is_found_out(unfit) -> None:
    batch = batch_without_content("mnist", "relaxation", None, unfit)
    with OnOneDevice("meta"), pytest.raises((RuntimeError, NotImplementedError, AssertionError)):
        batch.advance()


class Tape(TorchDispatchMode):
    """A CUDA graph's ways on a processor: what was recorded is done again with the same tensors."""

    def __init__(self) -> None:
        super().__init__()
        self._done: list[tuple[Any, tuple, dict, Any]] = []

    def __torch_dispatch__(self, func, types, args=(), kwargs=None) -> Any:
        out = func(*args, **(kwargs or {}))
        self._done.append((func, args, kwargs or {}, out))
        return out

    @torch.no_grad()
    def replay(self) -> None:
        for func, args, kwargs, out in self._done:
            for old, new in zip(tree_leaves(out), tree_leaves(func(*args, **kwargs)), strict=True):
                if isinstance(old, Tensor) and old.data_ptr() != new.data_ptr():
                    old.copy_(new)


@pytest.mark.parametrize(
    ("search_name", "gradient_dtype"), [("relaxation", None), ("minimum-norm", torch.bfloat16)]
)
def test_a_recorded_step_replayed_searches_as_the_step_itself(
    search_name, gradient_dtype, mnist_conv, mnist_standard, monkeypatch
) -> None:
    """Recorded on empty rows, as a GPU does; then trials come and go in the rows.

    Whatever Python decides in a step, or keeps from one to the next, the record has as it was.
    """

    def results() -> dict[int, Result]:
        found = search(
            progression(0, 8, 10),
            mnist_conv.module,
            mnist_standard.module,
            mnist_conv.scales,
            layer_weights=[1] * 7,
            schedule=SCHEDULE_OF[search_name],
            search=search_name,
            slots=3,
            gradient_dtype=gradient_dtype,
        )
        return {result.trial.index: result for result in found}

    stepwise = results()
    begin, replayed = Batch.__init__, []

    def recorded(batch: Batch, *arguments: object, **settings: object) -> None:
        begin(batch, *arguments, **settings)
        batch.asks = False
        with Tape() as tape:
            batch.advance()
        batch._graph = tape
        replayed.append(tape)

    monkeypatch.setattr(Batch, "__init__", recorded)
    monkeypatch.setitem(SearchRun.__init__.__globals__["LOOK_EVERY"], "cpu", 8)
    from_tape = results()
    assert replayed
    assert stepwise.keys() == from_tape.keys()
    for index, result in stepwise.items():
        for field in set(vars(result)) - {"seconds"}:
            assert np.array_equal(getattr(result, field), getattr(from_tape[index], field)), field
