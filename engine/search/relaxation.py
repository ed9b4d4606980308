"""The paper's relaxation search: Adam under a bound that is relaxed step by step.

Dunn et al. 2020, section 4 and appendix B.1.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from engine.experiment import Schedule, Trial
from engine.search.margin import margins, relaxation_loss
from engine.search.rule import Tested, per_row, squared_norms

BETA_1, BETA_2, EPSILON = 0.9, 0.999, 1e-8


class Relaxation:
    """Adam and the projection, each row with its own step count, moments and bias correction."""

    stops_when_found = True

    def __init__(self, schedule: Schedule, perturbation: Sequence[Tensor]) -> None:
        like = perturbation[0]
        self.schedule = schedule
        #: M_0 … M_{budget-1}: the bound that each update is projected onto.
        self._bounds = [schedule.initial_magnitude]
        for _ in range(schedule.budget - 1):
            self._bounds.append(self._bounds[-1] * schedule.growth + schedule.increment)
        self._table = torch.tensor(self._bounds, dtype=like.dtype, device=like.device)
        # Rounding in the norm and the rescaling must not carry p over its bound.
        self._within = 1 - 8 * torch.finfo(like.dtype).eps
        self._first = [torch.zeros_like(p) for p in perturbation]
        self._second = [torch.zeros_like(p) for p in perturbation]

    def loss(self, logits: Tensor, labels: Tensor, targets: Tensor) -> Tensor:
        """ℓ = max_j f_j − f_t; untargeted f_y − max_{j≠y} f_j."""
        return relaxation_loss(margins(logits, labels, targets), targets)

    def restart(self, row: int, trial: Trial, source_logits: np.ndarray) -> None:
        """Forget a row's moments."""
        for moments in (*self._first, *self._second):
            moments[row].zero_()

    @torch.no_grad()
    def update(
        self, perturbation: Sequence[Tensor], gradients: Sequence[Tensor], tested: Tested
    ) -> Tensor:
        """One Adam step (Kingma and Ba, algorithm 1), then the projection ‖p‖₂ ≤ M."""
        k = tested.steps.to(self._table.dtype) + 1
        root_correction_2 = (1 - BETA_2**k).sqrt()
        rate = -self.schedule.learning_rate * root_correction_2 / (1 - BETA_1**k) * tested.alive
        epsilon = EPSILON * root_correction_2
        for p, gradient, first, second in zip(
            perturbation, gradients, self._first, self._second, strict=True
        ):
            first.lerp_(gradient, 1 - BETA_1)
            second.mul_(BETA_2).addcmul_(gradient, gradient, value=1 - BETA_2)
            divisor = second.sqrt().add_(per_row(epsilon, p))
            p.add_(torch.div(first, divisor, out=divisor).mul_(per_row(rate, p)))
        squares = squared_norms(perturbation)
        bound = self._table[tested.steps.clamp(max=len(self._bounds) - 1)]
        shrink = (bound * self._within / squares.sum(0).sqrt()).clamp(max=1)
        shrink = torch.where(tested.alive, shrink, torch.ones_like(shrink))
        for p in perturbation:
            p.mul_(per_row(shrink, p))
        return squares * shrink.square()

    def bound(self, row: int, steps: int) -> float:
        """M_{k-1}, that of the k-th update."""
        return self._bounds[max(steps - 1, 0)]

    def bracket(self, steps: int) -> tuple[float, float]:
        """(M_{k-2}, M_{k-1}]: the bound that failed before the k-th update and the one it met."""
        return (self._bounds[steps - 2] if steps > 1 else 0.0, self._bounds[steps - 1])
