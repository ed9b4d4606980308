"""What a search does with a gradient: the interface that the relaxation and others implement."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import torch
from torch import Tensor

from engine.experiment import Schedule, Trial


@dataclass(frozen=True)
class Tested:
    """The last test of every row. (B,) each, but `squares`: (active points, B), the ‖p_i‖².

    `steps` counts the updates that made the tested p; `margin` is that of the 8-bit image; `alive`
    rows go on searching, the others must stay as they are. `loss` is what was minimised.
    """

    steps: Tensor
    squares: Tensor
    loss: Tensor
    margin: Tensor
    fooled: Tensor
    alive: Tensor


class Rule(Protocol):
    """A search for a batch of independent trials.

    All state is per row, so that a row can be restarted, and written in place only, so that a step
    can be replayed as a CUDA graph.
    """

    schedule: Schedule
    #: Whether a trial is over at its first success, or goes on to look for a smaller one.
    stops_when_found: bool

    def __init__(self, schedule: Schedule, perturbation: Sequence[Tensor]) -> None: ...

    def loss(self, logits: Tensor, labels: Tensor, targets: Tensor) -> Tensor:
        """What is minimised: (B,), from the float image's logits (B, classes)."""

    def update(
        self, perturbation: Sequence[Tensor], gradients: Sequence[Tensor], tested: Tested
    ) -> Tensor:
        """Move p in place, one tensor (B, *shape) an active point; returns the new `squares`."""

    def restart(self, row: int, trial: Trial, source_logits: np.ndarray) -> None:
        """Forget a row's state, for a new trial in its slot."""

    def bound(self, row: int, steps: int) -> float:
        """The bound on ‖p‖₂ that the p made by `steps` updates obeyed."""

    def bracket(self, steps: int) -> tuple[float, float] | None:
        """The bounds between which the search found its first success, where it has such."""


def squared_norms(tensors: Sequence[Tensor]) -> Tensor:
    """‖p_i‖² a row: tensors (B, *shape) → (len(tensors), B)."""
    return torch.stack(
        [torch.linalg.vector_norm(p, dim=tuple(range(1, p.dim()))).square() for p in tensors]
    )


def per_row(values: Tensor, like: Tensor) -> Tensor:
    """(B,) → (B, 1, …), to multiply a tensor (B, *shape)."""
    return values.view(-1, *[1] * (like.dim() - 1))
