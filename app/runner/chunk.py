"""A chunk: trials of one condition that are run together, here or on another machine."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from data.experiments import ConditionRow
from engine.experiment import Schedule, Trial
from engine.generators.interface import Generator
from engine.random_direction import random_directions
from engine.search.result import Result
from engine.search.run import SearchRun


@dataclass(frozen=True)
class Chunk:
    """The trials, and for a random direction the ‖p_i‖₂ that was found for each of them."""

    condition: ConditionRow
    trials: Iterable[Trial]
    magnitudes: tuple[tuple[float, ...], ...] = ()


@dataclass(frozen=True)
class Loaded:
    """What a chunk is computed with, all of it on one device and of one precision."""

    generator: Generator
    classifier: nn.Module
    scales: dict[str, Tensor]
    device: str


#: By the name that definitions record: the precision of what counts, and that of the gradients.
PRECISIONS: dict[str, tuple[torch.dtype, torch.dtype | None]] = {
    "float32": (torch.float32, None),
    "bfloat16": (torch.float32, torch.bfloat16),
    "float64": (torch.float64, None),
}

#: Results that have just ended, and how many trials took part in the step.
Step = tuple[list[Result], int]


def run_chunk(chunk: Chunk, loaded: Loaded, definition: Mapping[str, Any]) -> Iterator[Step]:
    """Run the chunk step by step. A trial's result does not depend on the others in its chunk."""
    condition = chunk.condition
    dtype, gradient_dtype = PRECISIONS[definition.get("precision", "float32")]
    shared = {"layer_weights": condition.layer_weights, "slots": definition["slots"]}
    models = (
        in_precision(loaded.generator, dtype),
        in_precision(loaded.classifier, dtype),
        loaded.scales,
    )
    if condition.role == "random-direction":
        yield from _one_by_one(
            random_directions(
                zip(chunk.trials, chunk.magnitudes, strict=True),
                *models,
                **shared,
                repetition=condition.repetition,
                device=loaded.device,
                dtype=dtype,
            )
        )
        return
    search = SearchRun(
        chunk.trials,
        *models,
        **shared,
        schedule=Schedule(**condition.schedule),
        search=condition.search,
        keep_perturbations=definition.get("keep_perturbations", False),
        device=loaded.device,
        dtype=dtype,
        gradient_dtype=gradient_dtype,
    )
    while not search.finished:
        ended = search.step()
        yield ended, search.busy


def _one_by_one(results: Iterable[Result]) -> Iterator[Step]:
    for result in results:
        yield [result], 1


def in_precision(module: nn.Module, dtype: torch.dtype) -> nn.Module:
    """The module in that precision; weights are float32."""
    return module if dtype == torch.float32 else copy.deepcopy(module).to(dtype)
