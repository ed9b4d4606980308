"""The core of a search: fixed rows of trials, tested and updated together, without waiting.

Everything a step touches lives in tensors that are only ever written in place, so that on a GPU the
step is captured once as a CUDA graph and replayed, and the host looks only when it wants to.

The passes that give gradients may be of low precision: what they call fooled, and how every trial
ends, is then decided by the pass of full precision. Such a row waits for the host meanwhile.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from engine.experiment import Schedule
from engine.search.feeder import Ready
from engine.search.fused import Update, fused_update
from engine.search.graph import captured
from engine.search.margin import UNTARGETED, in_reach_of_rounding, margins
from engine.search.perturbed_pass import Models, to_8_bit
from engine.search.rule import Rule, Tested

#: From so many rows on, the seconds that compiling takes are worth it. Explore has one.
FUSED_FROM = 8


@dataclass(frozen=True)
class Record:
    """What is known of every row at one test: all (rows, …), `squares` (active points, rows)."""

    steps: Tensor
    squares: Tensor
    margin: Tensor
    logits: Tensor
    images: Tensor

    def copy_where(self, rows: Tensor, other: Record) -> None:
        """Take over `rows` (a mask) of another record, in place."""
        for name in vars(self):
            mine, theirs = getattr(self, name), getattr(other, name)
            mask = rows if name == "squares" else rows.view(-1, *[1] * (mine.dim() - 1))
            mine.copy_(torch.where(mask, theirs, mine))


class Batch:
    """`rows` independent trials under one rule.

    `models` give the gradients; where `exact` models are given too, they decide what is fooled.

    A row is placed, advanced with all others, and read once it is over. A row that is over stays as
    it is however often the batch goes on, so that the host may look late without changing a result.
    """

    def __init__(
        self,
        models: Models,
        exact: Models | None,
        rule: type[Rule],
        schedule: Schedule,
        rows: int,
        *,
        keep_perturbations: bool,
        like: Ready,
    ) -> None:
        device, dtype = like.activation.device, like.activation.dtype
        perturbed_pass = models.perturbed_pass
        self._models = models
        self._exact = exact

        def zeros(shape: tuple[int, ...], dtype: torch.dtype) -> Tensor:
            return perturbed_pass.laid_out(torch.zeros((rows, *shape), device=device, dtype=dtype))

        self._perturbation = [
            zeros(shape, dtype).requires_grad_() for shape in perturbed_pass.shapes
        ]
        self.rule = rule(schedule, self._perturbation)
        self._activation = zeros(like.activation.shape, perturbed_pass.dtype)
        self._condition = zeros(like.condition.shape, perturbed_pass.dtype)
        self._labels = torch.zeros(rows, dtype=torch.int64, device=device)
        self._targets = torch.zeros(rows, dtype=torch.int64, device=device)
        self._steps = torch.zeros(rows, dtype=torch.int64, device=device)
        self._alive = torch.zeros(rows, dtype=torch.bool, device=device)
        self._squares = torch.zeros(len(perturbed_pass.shapes), rows, device=device, dtype=dtype)
        image_shape = (rows, *perturbed_pass.generator.image_shape)
        logits_shape = (rows, len(like.source_logits))

        def record() -> Record:
            return Record(
                steps=torch.zeros_like(self._steps),
                squares=torch.zeros_like(self._squares),
                margin=torch.zeros(rows, device=device, dtype=dtype),
                logits=torch.zeros(logits_shape, device=device, dtype=dtype),
                images=torch.zeros(image_shape, device=device, dtype=dtype),
            )

        #: The last test of every row, and each row's smallest success so far.
        self.shown, self.best = record(), record()
        #: Rows that wait for the exact test of their p, what it said, and where that is known.
        self._waiting = torch.zeros_like(self._alive)
        self._known = torch.zeros_like(self._alive)
        self._said = record() if exact else None
        self._placed: list[Ready | None] = [None] * rows
        self._best_norm = torch.full_like(self.best.margin, torch.inf)
        self._best_perturbation = (
            [torch.zeros_like(p, requires_grad=False) for p in self._perturbation]
            if keep_perturbations
            else None
        )
        #: Whether a step may ask its device for a value: only a processor has it at hand.
        self.asks = device.type == "cpu"
        self._update: Update = self.rule.update
        self._graph: torch.cuda.CUDAGraph | None = None
        if device.type == "cuda":
            if rows >= FUSED_FROM:
                self._update = fused_update(self.rule, self._perturbation)
            self._graph = captured(self._advance, device)

    @torch.no_grad()
    def place(self, row: int, ready: Ready) -> None:
        """Begin a trial in `row`."""
        trial = ready.trial
        self._activation[row] = ready.activation
        self._condition[row] = ready.condition
        for p in self._perturbation:
            p[row].zero_()
        self.rule.restart(row, trial, ready.source_logits)
        self._squares[:, row] = 0
        self._steps[row] = 0
        self._labels[row] = trial.label
        self._targets[row] = UNTARGETED if trial.target is None else trial.target
        self._best_norm[row] = torch.inf
        self._alive[row] = True
        self._known[row] = self._waiting[row] = False
        self._placed[row] = ready

    def advance(self) -> None:
        """Test every row, then update every row that goes on."""
        if self._graph is None:
            self._advance()
        else:
            self._graph.replay()

    @torch.no_grad()
    def decide(self) -> None:
        """Test in full precision the p of every row that waits for it, each on its own.

        One at a time: a result does not depend on which others wait.
        """
        if self._exact is None:
            return
        for row in self._waiting.nonzero().flatten().tolist():
            ready = self._placed[row]
            assert ready is not None
            labels, targets = self._labels[row : row + 1], self._targets[row : row + 1]
            images = to_8_bit(
                self._exact.perturbed_pass.image(
                    ready.activation.unsqueeze(0),
                    ready.condition.unsqueeze(0),
                    labels,
                    [p[row : row + 1] for p in self._perturbation],
                )
            )
            logits = self._exact.classifier(images)
            self._said.images[row] = images[0]
            self._said.logits[row] = logits[0]
            self._said.margin[row] = margins(logits, labels, targets)[0]
            self._known[row] = True

    def over(self) -> list[bool]:
        """For every row whether its trial has ended (true too where none was placed)."""
        return (~self._alive).tolist()

    def succeeded(self, row: int) -> bool:
        """Whether the row was ever fooled."""
        return bool(self._best_norm[row].isfinite())

    def perturbation(self, row: int) -> list[np.ndarray] | None:
        """The p of the row's smallest success, an array an active point, where they are kept."""
        if self._best_perturbation is None:
            return None
        return [p[row].cpu().numpy().copy() for p in self._best_perturbation]

    def _advance(self) -> None:
        """The pass at p serves twice: it tests p, and its gradient gives the next p."""
        images = self._models.perturbed_pass.image(
            self._activation, self._condition, self._labels, self._perturbation
        )
        logits = self._models.classifier(images)
        loss = self.rule.loss(logits, self._labels, self._targets)
        slope, *gradients = torch.autograd.grad(loss.sum(), [images, *self._perturbation])
        with torch.no_grad():
            entering = self._alive.clone()
            last = self._steps >= self.rule.schedule.budget
            images, logits, margin = self._test(images, logits.detach(), slope, last)
            shown = Record(self._steps, self._squares, margin, logits, images)
            if self._said:
                said = replace(self._said, steps=self._steps, squares=self._squares)
                shown.copy_where(self._known, said)
            # NaN compares false: a broken row is over without being fooled.
            fooled = self._alive & (self._steps > 0) & (margin > 0)
            if self._said:
                self._waiting.copy_(self._alive & (fooled | last) & ~self._known)
                self._known.zero_()
                fooled &= ~self._waiting
                last &= ~self._waiting
            over = last | ~logits.isfinite().all(1)
            if self.rule.stops_when_found:
                over |= fooled
            self._alive.logical_and_(~over)
            self.shown.copy_where(entering, shown)
            self._keep_successes(fooled, shown)
            moving = self._alive & ~self._waiting
            tested = Tested(self._steps, self._squares, loss.detach(), margin, fooled, moving)
            squares = self._update(self._perturbation, gradients, tested)
            self._squares.copy_(torch.where(moving, squares, self._squares))
            self._steps.add_(moving)

    def _test(
        self, images: Tensor, logits: Tensor, slope: Tensor, last: Tensor
    ) -> tuple[Tensor, Tensor, Tensor]:
        """The 8-bit images, and logits and margins: theirs wherever they can matter.

        That is at the last step, and where rounding may make an image fool; elsewhere the float
        images' logits say the same. A second pass is a fifth of a step, and most steps of a large
        model are far from their target. A GPU makes it always: to ask would be to wait.
        """
        margin = margins(logits, self._labels, self._targets)
        matters = (self._steps > 0) & (last | in_reach_of_rounding(margin, slope))
        images = to_8_bit(images)
        if not self.asks or bool((matters & self._alive).any()):
            tested = self._models.classifier(images)
            logits = torch.where(matters.unsqueeze(1), tested, logits)
            margin = margins(logits, self._labels, self._targets)
        return images, logits, margin

    def _keep_successes(self, fooled: Tensor, shown: Record) -> None:
        """Remember the rows that were fooled with a smaller ‖p‖ than ever before."""
        norm = shown.squares.sum(0).sqrt()
        smaller = fooled & (norm < self._best_norm)
        self._best_norm.copy_(torch.where(smaller, norm, self._best_norm))
        self.best.copy_where(smaller, shown)
        for best, p in zip(self._best_perturbation or [], self._perturbation, strict=False):
            best.copy_(torch.where(smaller.view(-1, *[1] * (p.dim() - 1)), p, best))
