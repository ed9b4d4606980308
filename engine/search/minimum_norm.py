"""The minimum-norm search: direction and norm decoupled, so that the ball closes on the boundary.

Ours, after the decoupled attacks of Rony et al. (2019) and Pintor et al. (2021), over activations
instead of pixels. Where the relaxation's magnitude is its schedule's clock, this one looks for the
smallest ‖p‖₂ that suffices.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import cos, pi

import numpy as np
import torch
from torch import Tensor

from engine.experiment import Schedule, Trial
from engine.search.margin import UNTARGETED, margins
from engine.search.rule import Tested, per_row, squared_norms

#: Where the cosine decay ends: the last steps' share of the ball, and the last rate of its radius.
LAST_SHARE, LAST_RATE = 0.001, 0.005
#: Before the first success the ball begins no larger than this, and grows by no more than this a
#: step: where the classifier is nearly flat the distance to first order is beyond all measure.
LARGEST_BEGIN, LARGEST_GROWTH = 1.0, 1.1
#: A ball this large finds nothing that a smaller one does not; far beyond it floats overflow.
LARGEST_BALL = 1000.0
#: Untargeted, a trial's first steps measure the distance to this many likeliest wrong labels.
RIVALS = 9


class MinimumNorm:
    """A step along each row's normalised gradient, inside a ball ‖p‖₂ ≤ M of the row's own.

    The step's length is a share of M, cosine-decayed over the budget from `learning_rate`; M
    shrinks when the row is fooled and grows when it is not, at a rate decayed from `growth` − 1.
    Until the first success M is the first-order distance to the boundary, ‖p‖ + loss/‖∇‖, exact
    for a linear model, plus `increment`, at least `initial_magnitude`, and never much larger than
    before. The smallest success is kept.

    Untargeted, a row aims at one wrong label: the one whose boundary is nearest to the source to
    first order, found by one gradient each before p first moves. Chasing whichever label leads at
    the moment can turn back and forth between two of them for ever.
    """

    stops_when_found = False

    def __init__(self, schedule: Schedule, perturbation: Sequence[Tensor]) -> None:
        like = perturbation[0]
        self.schedule = schedule
        steps = range(schedule.budget + 1)
        decay = [(1 + cos(pi * k / schedule.budget)) / 2 for k in steps]
        self._decay = torch.tensor(decay, dtype=like.dtype, device=like.device)
        self._radius = torch.zeros(like.shape[0], dtype=like.dtype, device=like.device)
        self._largest_radius = torch.zeros_like(self._radius)
        self._smallest_success = torch.full_like(self._radius, torch.inf)
        self._aim = torch.zeros(like.shape[0], dtype=torch.int64, device=like.device)
        self._rivals = torch.zeros(like.shape[0], RIVALS, dtype=torch.int64, device=like.device)
        self._distances = torch.full_like(self._rivals, torch.inf, dtype=like.dtype)
        self._scouting = torch.zeros_like(self._aim)  # steps that a row spends on its rivals

    def loss(self, logits: Tensor, labels: Tensor, targets: Tensor) -> Tensor:
        """max_{j≠t} f_j − f_t, which unlike ℓ has a gradient once fooled; else f_y − f_aim."""
        rival = logits.gather(1, self._aim.unsqueeze(1)).squeeze(1)
        own = logits.gather(1, labels.unsqueeze(1)).squeeze(1)
        return torch.where(targets == UNTARGETED, own - rival, -margins(logits, labels, targets))

    def restart(self, row: int, trial: Trial, source_logits: np.ndarray) -> None:
        """Forget a row's ball, and list the labels that an untargeted trial may aim at."""
        self._radius[row] = 0
        self._largest_radius[row] = 0
        self._smallest_success[row] = torch.inf
        ranking = [j for j in np.argsort(-source_logits).tolist() if j != trial.label][:RIVALS]
        self._scouting[row] = len(ranking) if trial.target is None else 0
        self._rivals[row, : len(ranking)] = torch.tensor(ranking, device=self._rivals.device)
        self._distances[row] = torch.inf
        self._aim[row] = ranking[0]

    @torch.no_grad()
    def update(
        self, perturbation: Sequence[Tensor], gradients: Sequence[Tensor], tested: Tested
    ) -> Tensor:
        """Move the ball by what the test said, then step and project."""
        tiny = torch.finfo(self._radius.dtype).tiny
        steepness = squared_norms(gradients).sum(0).sqrt().clamp(min=tiny)
        decay = self._decay[tested.steps.clamp(max=self.schedule.budget)]
        moves = self._scout(tested, steepness) & tested.alive
        self._move_ball(tested, steepness, decay, moves)

        share = LAST_SHARE + (self.schedule.learning_rate - LAST_SHARE) * decay
        length = share * self._radius * moves
        for p, gradient in zip(perturbation, gradients, strict=True):
            # Normalised before it is scaled: where the gradient is 0 nothing may become 0 · ∞.
            p.sub_(gradient * per_row(1 / steepness, p) * per_row(length, p))
        squares = squared_norms(perturbation)
        shrink = (self._radius / squares.sum(0).sqrt().clamp(min=tiny)).clamp(max=1)
        shrink = torch.where(moves, shrink, torch.ones_like(shrink))
        for p in perturbation:
            p.mul_(per_row(shrink, p))
        return squares * shrink.square()

    def _scout(self, tested: Tested, steepness: Tensor) -> Tensor:
        """Untargeted: note the distance to the rival aimed at, and aim at the next or the nearest.

        Returns the rows that may move: those that have chosen.
        """
        scouting = tested.steps < self._scouting
        turn = tested.steps.clamp(max=RIVALS - 1).unsqueeze(1)
        noted = self._distances.scatter(1, turn, (tested.loss / steepness).unsqueeze(1))
        self._distances.copy_(torch.where(scouting.unsqueeze(1), noted, self._distances))
        following = (tested.steps + 1).clamp(max=RIVALS - 1).unsqueeze(1)
        more = tested.steps + 1 < self._scouting
        column = torch.where(more.unsqueeze(1), following, self._distances.argmin(1, keepdim=True))
        aim = self._rivals.gather(1, column).squeeze(1)
        self._aim.copy_(torch.where(scouting, aim, self._aim))
        return ~scouting

    def _move_ball(self, tested: Tested, steepness: Tensor, decay: Tensor, moves: Tensor) -> None:
        norm = tested.squares.sum(0).sqrt()
        rate = LAST_RATE + (self.schedule.growth - 1 - LAST_RATE) * decay
        smaller = tested.fooled & (norm < self._smallest_success)
        self._smallest_success.copy_(torch.where(smaller, norm, self._smallest_success))

        distance = norm + tested.loss / steepness + self.schedule.increment
        begin = torch.full_like(self._radius, LARGEST_BEGIN)
        largest = torch.where(self._radius > 0, LARGEST_GROWTH * self._radius, begin)
        distance = torch.minimum(distance, largest)
        shrunk = torch.minimum(self._radius, self._smallest_success) * (1 - rate)
        grown = torch.minimum(self._radius * (1 + rate), self._smallest_success)
        radius = torch.where(tested.fooled, shrunk, grown)
        # A float image that fools while its 8-bit one does not has no distance left: grow instead.
        first_order = self._smallest_success.isinf() & (tested.loss > 0)
        radius = torch.where(first_order, distance, radius)
        # Without a gradient there is no way on from here: go half the way back.
        stuck = self._smallest_success.isinf() & (steepness <= torch.finfo(steepness.dtype).tiny)
        radius = torch.where(stuck, norm / 2, radius)
        radius = radius.clamp(min=self.schedule.initial_magnitude, max=LARGEST_BALL)
        self._radius.copy_(torch.where(moves, radius, self._radius))
        torch.maximum(self._largest_radius, self._radius, out=self._largest_radius)

    def bound(self, row: int, steps: int) -> float:
        """The largest ball that the row has searched so far."""
        return float(self._largest_radius[row])

    def bracket(self, steps: int) -> None:
        """No bound failed before another sufficed: the ball moves both ways."""
        return None
