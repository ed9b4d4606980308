"""The paper's relaxation search: Adam under a bound that is relaxed step by step.

Dunn et al. 2020, section 4 and appendix B.1, as settled in METHODS section 1.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from engine.experiment import Schedule
from engine.search.margin import relaxation_loss

BETA_1, BETA_2, EPSILON = 0.9, 0.999, 1e-8


class Relaxation:
    """Adam and the projection for a batch of independent trials, each with its own step count.

    Perturbations are lists over the active points of tensors (B, *shape); `steps` (B,) counts the
    updates a row has had. All state is per row, so that a row can be restarted by itself.
    """

    def __init__(self, schedule: Schedule, perturbation: Sequence[Tensor]) -> None:
        like = perturbation[0]
        bounds = [schedule.initial_magnitude]
        for _ in range(schedule.budget - 1):
            bounds.append(bounds[-1] * schedule.growth + schedule.increment)
        self.schedule = schedule
        #: M_0 … M_{budget-1}: the bound that each update is projected onto.
        self.bounds = bounds
        self._bounds = torch.tensor(bounds, dtype=like.dtype, device=like.device)
        # Rounding in the norm and the rescaling must not carry p over its bound.
        self._within = 1 - 8 * torch.finfo(like.dtype).eps
        self._first = [torch.zeros_like(p) for p in perturbation]
        self._second = [torch.zeros_like(p) for p in perturbation]

    def loss(self, margin: Tensor, targets: Tensor) -> Tensor:
        """ℓ a row, to be minimised."""
        return relaxation_loss(margin, targets)

    def restart(self, row: int) -> None:
        """Forget a row's moments, for a new trial in its slot."""
        for moments in (*self._first, *self._second):
            moments[row].zero_()

    @torch.no_grad()
    def update(
        self,
        perturbation: Sequence[Tensor],
        gradients: Sequence[Tensor],
        steps: Tensor,
        alive: Tensor,
    ) -> Tensor:
        """One Adam step and the projection ‖p‖₂ ≤ M, in place; rows that are not alive stay.

        Returns the squared norms (active points, B) after the projection.
        """
        k = steps.to(self._bounds.dtype) + 1
        correction_1 = 1 - BETA_1**k
        root_correction_2 = (1 - BETA_2**k).sqrt()
        rate = -self.schedule.learning_rate * root_correction_2 / correction_1 * alive
        epsilon = EPSILON * root_correction_2
        squares = []
        for p, gradient, first, second in zip(
            perturbation, gradients, self._first, self._second, strict=True
        ):
            rows = (-1, *[1] * (p.dim() - 1))
            first.lerp_(gradient, 1 - BETA_1)
            second.mul_(BETA_2).addcmul_(gradient, gradient, value=1 - BETA_2)
            divisor = second.sqrt().add_(epsilon.view(rows))
            p.add_(torch.div(first, divisor, out=divisor).mul_(rate.view(rows)))
            squares.append(torch.linalg.vector_norm(p.flatten(1), dim=1).square())
        squared = torch.stack(squares)
        bound = self._bounds[steps.clamp(max=len(self.bounds) - 1)]
        shrink = (bound * self._within / squared.sum(0).sqrt()).clamp(max=1)
        shrink = torch.where(alive, shrink, torch.ones_like(shrink))
        for p in perturbation:
            p.mul_(shrink.view(-1, *[1] * (p.dim() - 1)))
        return squared * shrink.square()

    def bracket(self, steps: int) -> tuple[float, float]:
        """(M_{k-2}, M_{k-1}]: the bound that failed before the k-th update and the one it met."""
        return (self.bounds[steps - 2] if steps > 1 else 0.0, self.bounds[steps - 1])
