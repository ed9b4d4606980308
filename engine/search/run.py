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
from engine.search.minimum_norm import MinimumNorm
from engine.search.perturbed_pass import PerturbedPass, to_8_bit, to_pixels
from engine.search.relaxation import Relaxation
from engine.search.result import Result
from engine.search.rule import Rule, Tested

#: The searches by the name that experiments record.
SEARCHES: dict[str, type[Rule]] = {"relaxation": Relaxation, "minimum-norm": MinimumNorm}


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
        self._rule: Rule = SEARCHES[search](schedule, self._perturbation)
        self._squares = torch.zeros(len(self._names), slots, device=device, dtype=dtype)
        self._steps = torch.zeros(slots, dtype=torch.int64, device=device)
        self._alive = torch.zeros(slots, dtype=torch.bool, device=device)
        self._labels = torch.zeros(slots, dtype=torch.int64, device=device)
        self._targets = torch.zeros(slots, dtype=torch.int64, device=device)
        self._ended: list[Result] = []
        self._activation: Tensor | None = None
        self._condition: Tensor | None = None
        self._shown: _Shown | None = None
        self._best: list[_Success | None] = [None] * slots
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
            over = self._test_and_update()
            self._charge(perf_counter() - began)
            ended += [self._collect(row) for row in over]
            self._refill(over)
        return ended

    def snapshot(self, slot: int = 0) -> Snapshot | None:
        """The trial in `slot` as last tested, or None where the slot is empty or untested."""
        occupant, shown = self._occupants[slot], self._shown
        if occupant is None or shown is None or shown.occupants[slot] is not occupant:
            return None
        steps = int(shown.tested.steps[slot])
        squares = shown.tested.squares[:, slot]
        return Snapshot(
            trial=occupant.trial,
            step=steps,
            bound=self._rule.bound(slot, steps),
            magnitude=float(squares.sum().sqrt()),
            magnitudes=self._spread(squares.sqrt()),
            margin=float(shown.tested.margin[slot]),
            image=_pixels(shown.images, slot),
            logits=shown.logits[slot].float().cpu().numpy(),
            source=occupant.source,
            source_logits=occupant.source_logits,
        )

    def _test_and_update(self) -> list[int]:
        """The pass at p serves twice: it tests p, and its gradient gives the next p.

        Returns the rows that are over.
        """
        images = self._pass.image(
            self._activation, self._condition, self._labels, self._perturbation
        )
        loss = self._rule.loss(self._classifier(images), self._labels, self._targets)
        gradients = torch.autograd.grad(loss.sum(), self._perturbation)
        with torch.no_grad():
            images = to_8_bit(images)
            logits = self._classifier(images)
            margin = margins(logits, self._labels, self._targets)
            # NaN compares false: a broken row is over without being fooled.
            fooled = self._alive & (self._steps > 0) & (margin > 0)
            over = self._steps >= self._rule.schedule.budget
            over |= ~logits.isfinite().all(1)
            if self._rule.stops_when_found:
                over |= fooled
            over &= self._alive
            self._alive = self._alive & ~over
        tested = Tested(
            self._steps.clone(), self._squares, loss.detach(), margin, fooled, self._alive
        )
        self._shown = _Shown(list(self._occupants), tested, images, logits)
        self._keep_successes()
        squares = self._rule.update(self._perturbation, gradients, tested)
        self._squares = torch.where(self._alive, squares, self._squares)
        self._steps += self._alive
        return over.nonzero().flatten().tolist()

    def _keep_successes(self) -> None:
        """Remember the rows that were fooled with a smaller ‖p‖ than ever before."""
        shown = self._shown
        assert shown is not None
        fooled = shown.tested.fooled.nonzero().flatten()
        if not len(fooled):
            return
        # Exact in float64, from p itself rather than from the running sums.
        norms = torch.stack(
            [
                torch.linalg.vector_norm(p[fooled].flatten(1), dim=1, dtype=torch.float64)
                for p in self._perturbation
            ]
        )
        magnitudes = torch.linalg.vector_norm(norms, dim=0).tolist()
        stimuli = to_pixels(shown.images[fooled]).cpu().numpy()
        logits = shown.logits[fooled].float().cpu().numpy()
        for i, row in enumerate(fooled.tolist()):
            best = self._best[row]
            if best is None or magnitudes[i] < best.magnitude:
                self._best[row] = _Success(
                    steps=int(shown.tested.steps[row]),
                    magnitude=magnitudes[i],
                    magnitudes=self._spread(norms[:, i]),
                    margin=float(shown.tested.margin[row]),
                    stimulus=stimuli[i],
                    logits=logits[i],
                    perturbation={
                        name: p[row].detach().cpu().numpy().copy()
                        for name, p in zip(self._names, self._perturbation, strict=True)
                    }
                    if self._keep
                    else None,
                )

    def _charge(self, seconds: float) -> None:
        """Share a step's time among the rows in use."""
        share = seconds / self.busy
        for row, occupant in enumerate(self._occupants):
            if occupant is not None:
                self._seconds[row] += share

    def _collect(self, row: int) -> Result:
        occupant, shown, best = self._occupants[row], self._shown, self._best[row]
        assert occupant is not None and shown is not None
        steps = int(shown.tested.steps[row])
        logits = shown.logits[row].float().cpu().numpy()
        result = Result(
            trial=occupant.trial,
            outcome="exhausted",
            steps=steps,
            seconds=occupant.seconds + self._seconds[row],
            source=occupant.source,
            source_logits=occupant.source_logits,
        )
        if best is not None:
            return replace(
                result,
                outcome="found",
                stimulus=best.stimulus,
                logits=best.logits,
                margin=best.margin,
                magnitude=best.magnitude,
                magnitudes=best.magnitudes,
                bound=self._rule.bound(row, best.steps),
                bracket=self._rule.bracket(best.steps),
                perturbation=best.perturbation,
            )
        if not np.isfinite(logits).all():
            reason = f"The classifier's output is not finite after {steps} steps."
            return replace(result, outcome="failed", reason=reason)
        margin, bound = float(shown.tested.margin[row]), self._rule.bound(row, steps)
        return replace(result, logits=logits, margin=margin, bound=bound)

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
            self._rule.restart(row, ready.trial, ready.source_logits)
            self._squares[:, row] = 0
            self._steps[row] = 0
            self._labels[row] = ready.trial.label
            target = ready.trial.target
            self._targets[row] = UNTARGETED if target is None else target
            self._alive[row] = True
            self._seconds[row] = 0.0
            self._best[row] = None
        self._ended += self._feeder.ended()

    def _spread(self, active: Iterable[float]) -> tuple[float, ...]:
        """One number a point of the generator: 0 where nothing was added."""
        spread = [0.0] * self._point_count
        for index, value in zip(self._pass.active, active, strict=True):
            spread[index] = float(value)
        return tuple(spread)


@dataclass(frozen=True)
class _Shown:
    """What was in the slots at the last test, and what came out."""

    occupants: list[Ready | None]
    tested: Tested
    images: Tensor
    logits: Tensor


@dataclass(frozen=True)
class _Success:
    """A row's smallest success so far."""

    steps: int
    magnitude: float
    magnitudes: tuple[float, ...]
    margin: float
    stimulus: np.ndarray
    logits: np.ndarray
    perturbation: dict[str, np.ndarray] | None


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
