"""One batched search: fixed slots, a solved slot refilled at once."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from time import perf_counter

import numpy as np
import torch
from torch import Tensor, nn

from engine.experiment import Schedule, Trial
from engine.generators.interface import Generator
from engine.search.feeder import Feeder, Ready
from engine.search.margin import UNTARGETED, margins
from engine.search.perturbed_pass import PerturbedPass, to_8_bit, to_pixels
from engine.search.relaxation import Relaxation
from engine.search.result import Result

#: The searches by the name that experiments record.
SEARCHES = {"relaxation": Relaxation}


@dataclass(frozen=True)
class Snapshot:
    """A trial in mid-search, as last tested: the image after `step` updates and its figures."""

    trial: Trial
    step: int
    bound: float
    magnitude: float
    magnitudes: tuple[float, ...]
    margin: float
    image: np.ndarray
    logits: np.ndarray
    source: np.ndarray
    source_logits: np.ndarray


class SearchRun:
    """Many independent trials searched side by side in `slots` rows of fixed shape.

    Each row has its own step count, bound, moments and bias correction. At a fixed number of
    slots a trial's result is bit-identical whatever its neighbours are. Raises ValueError for
    settings that cannot be run; a trial that cannot be run is a *failed* result.
    """

    def __init__(
        self,
        trials: Iterable[Trial],
        generator: Generator,
        classifier: nn.Module,
        scales: dict[str, Tensor],
        *,
        layer_weights: Sequence[float],
        schedule: Schedule,
        search: str = "relaxation",
        slots: int = 128,
        keep_perturbations: bool = False,
        device: str = "cpu",
        dtype: torch.dtype = torch.float32,
    ) -> None:
        if search not in SEARCHES:
            raise ValueError(f"There is no search “{search}”; there are {', '.join(SEARCHES)}.")
        if slots < 1 or schedule.budget < 1:
            raise ValueError("A search needs at least one slot and a budget of one step.")
        self._pass = PerturbedPass(generator, scales, layer_weights, device=device, dtype=dtype)
        self._classifier = classifier
        self._feeder = Feeder(
            trials, self._pass, classifier, block=slots, device=device, dtype=dtype
        )
        self._point_count = len(generator.points)
        self._names = [generator.points[index].name for index in self._pass.active]
        self._keep = keep_perturbations
        self._occupants: list[Ready | None] = [None] * slots
        self._seconds = [0.0] * slots
        self._perturbation = [
            torch.zeros((slots, *shape), device=device, dtype=dtype, requires_grad=True)
            for shape in self._pass.shapes
        ]
        self._rule = SEARCHES[search](schedule, self._perturbation)
        self._squares = torch.zeros(len(self._names), slots, device=device, dtype=dtype)
        self._steps = torch.zeros(slots, dtype=torch.int64, device=device)
        self._alive = torch.zeros(slots, dtype=torch.bool, device=device)
        self._labels = torch.zeros(slots, dtype=torch.int64, device=device)
        self._targets = torch.zeros(slots, dtype=torch.int64, device=device)
        self._ended: list[Result] = []
        self._activation: Tensor | None = None
        self._condition: Tensor | None = None
        self._tested: _Tested | None = None
        self._refill(range(slots))

    @property
    def finished(self) -> bool:
        """Nothing is left to search and nothing left to collect."""
        return not any(self._occupants) and not self._ended

    @property
    def points(self) -> list[str]:
        """Names of the points that are perturbed, in order; the others have no state here."""
        return list(self._names)

    @property
    def busy(self) -> int:
        """Slots in use."""
        return sum(occupant is not None for occupant in self._occupants)

    def step(self) -> list[Result]:
        """Test every row, then update every row that goes on. Returns the results that ended."""
        began = perf_counter()
        ended, self._ended = self._ended, []
        if self.busy:
            fooled, over = self._test_and_update()
            self._charge(perf_counter() - began)
            done = (fooled | over).nonzero().flatten().tolist()
            is_fooled = fooled.tolist()
            ended += [self._collect(row, is_fooled[row]) for row in done]
            self._refill(done)
        return ended

    def snapshot(self, slot: int = 0) -> Snapshot | None:
        """The trial in `slot` as last tested, or None where the slot is empty or untested."""
        occupant, tested = self._occupants[slot], self._tested
        if occupant is None or tested is None or tested.occupants[slot] is not occupant:
            return None
        step = int(tested.steps[slot])
        return Snapshot(
            trial=occupant.trial,
            step=step,
            bound=self._rule.bounds[max(step - 1, 0)],
            magnitude=float(tested.squares[:, slot].sum().sqrt()),
            magnitudes=self._spread(tested.squares[:, slot].sqrt()),
            margin=float(tested.margins[slot]),
            image=_pixels(tested.images, slot),
            logits=tested.logits[slot].float().cpu().numpy(),
            source=occupant.source,
            source_logits=occupant.source_logits,
        )

    def _test_and_update(self) -> tuple[Tensor, Tensor]:
        """The pass at p serves twice: it tests p, and its gradient gives the next p."""
        images = self._pass.image(
            self._activation, self._condition, self._labels, self._perturbation
        )
        loss = self._rule.loss(
            margins(self._classifier(images), self._labels, self._targets), self._targets
        )
        gradients = torch.autograd.grad(loss.sum(), self._perturbation)
        with torch.no_grad():
            images = to_8_bit(images)
            logits = self._classifier(images)
            margin = margins(logits, self._labels, self._targets)
            # NaN compares false, so that a broken row is over without being fooled.
            fooled = self._alive & (self._steps > 0) & (margin > 0)
            spent = self._steps >= self._rule.schedule.budget
            over = self._alive & ~fooled & (spent | ~logits.isfinite().all(1))
            self._alive &= ~(fooled | over)
        self._tested = _Tested(
            list(self._occupants), self._steps.clone(), self._squares, images, logits, margin
        )
        squares = self._rule.update(self._perturbation, gradients, self._steps, self._alive)
        self._squares = torch.where(self._alive, squares, self._squares)
        self._steps += self._alive
        return fooled, over

    def _charge(self, seconds: float) -> None:
        """Share a step's time among the rows in use."""
        share = seconds / self.busy
        for row, occupant in enumerate(self._occupants):
            if occupant is not None:
                self._seconds[row] += share

    def _collect(self, row: int, fooled: bool) -> Result:
        occupant, tested = self._occupants[row], self._tested
        assert occupant is not None and tested is not None
        steps = int(tested.steps[row])
        result = Result(
            trial=occupant.trial,
            outcome="exhausted",
            steps=steps,
            seconds=occupant.seconds + self._seconds[row],
            source=occupant.source,
            source_logits=occupant.source_logits,
            logits=tested.logits[row].float().cpu().numpy(),
            bound=self._rule.bounds[max(steps - 1, 0)],
            margin=float(tested.margins[row]),
        )
        if not np.isfinite(result.logits).all():
            reason = f"The classifier's output is not finite after {steps} steps."
            return replace(
                result, outcome="failed", reason=reason, logits=None, margin=None, bound=None
            )
        if not fooled:
            return result
        # Exact in float64, from the perturbation itself rather than the running float32 sums.
        perturbation = [p[row].detach().cpu().numpy() for p in self._perturbation]
        norms = [float(np.linalg.norm(p.astype(np.float64).ravel())) for p in perturbation]
        return replace(
            result,
            outcome="found",
            stimulus=_pixels(tested.images, row),
            magnitude=float(np.linalg.norm(norms)),
            magnitudes=self._spread(norms),
            bracket=self._rule.bracket(steps),
            perturbation=dict(zip(self._names, perturbation, strict=True)) if self._keep else None,
        )

    @torch.no_grad()
    def _refill(self, rows: Iterable[int]) -> None:
        for row in rows:
            ready = self._occupants[row] = self._feeder.next()
            if ready is None:
                continue
            if self._activation is None or self._condition is None:
                slots = len(self._occupants)
                self._activation = ready.activation.expand(slots, *ready.activation.shape).clone()
                self._condition = ready.condition.expand(slots, *ready.condition.shape).clone()
            self._activation[row] = ready.activation
            self._condition[row] = ready.condition
            for p in self._perturbation:
                p[row].zero_()
            self._rule.restart(row)
            self._squares[:, row] = 0
            self._steps[row] = 0
            self._labels[row] = ready.trial.label
            target = ready.trial.target
            self._targets[row] = UNTARGETED if target is None else target
            self._alive[row] = True
            self._seconds[row] = 0.0
        self._ended += self._feeder.ended()

    def _spread(self, active: Iterable[float]) -> tuple[float, ...]:
        """One number a point of the generator: 0 where nothing was added."""
        spread = [0.0] * self._point_count
        for index, value in zip(self._pass.active, active, strict=True):
            spread[index] = float(value)
        return tuple(spread)


@dataclass(frozen=True)
class _Tested:
    """The last test of every row: what was in the slots and what came out."""

    occupants: list[Ready | None]
    steps: Tensor
    squares: Tensor
    images: Tensor
    logits: Tensor
    margins: Tensor


def _pixels(images: Tensor, row: int) -> np.ndarray:
    return to_pixels(images[row : row + 1])[0].cpu().numpy()


def search(
    trials: Iterable[Trial],
    generator: Generator,
    classifier: nn.Module,
    scales: dict[str, Tensor],
    *,
    on_step: Callable[[SearchRun], None] | None = None,
    stop: Callable[[], bool] | None = None,
    **settings: object,
) -> Iterator[Result]:
    """Results in the order in which they end; `settings` are those of SearchRun.

    `on_step` is called after every step; the search ends early when `stop` returns True, and
    trials still in the slots then have no result.
    """
    run = SearchRun(trials, generator, classifier, scales, **settings)
    while not run.finished and not (stop and stop()):
        yield from run.step()
        if on_step:
            on_step(run)
