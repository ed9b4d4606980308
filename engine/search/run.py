"""A search over any number of trials: slots refilled at once, results as they end."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator, Sequence
from copy import deepcopy
from dataclasses import dataclass
from itertools import chain
from time import perf_counter

import numpy as np
import torch
from torch import Tensor, nn

from engine.experiment import Schedule, Trial
from engine.generators.interface import Generator
from engine.search.batch import Batch, Record
from engine.search.feeder import Feeder, Ready
from engine.search.memory import bytes_per_trial, ran_out, slots_that_fit
from engine.search.minimum_norm import MinimumNorm
from engine.search.perturbed_pass import Models, PerturbedPass, to_pixels
from engine.search.relaxation import Relaxation
from engine.search.result import Result
from engine.search.rule import Rule

log = logging.getLogger(__name__)

#: The searches by the name that experiments record.
SEARCHES: dict[str, type[Rule]] = {"relaxation": Relaxation, "minimum-norm": MinimumNorm}

#: Steps between two looks of the host. On a GPU each look waits for the device; a row that is over
#: stays as it is, so that looking late costs idle steps and changes no result.
LOOK_EVERY = {"cpu": 1, "cuda": 8}


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

    At a fixed number of slots a trial's result is bit-identical whatever its neighbours are; in
    another slot float noise may differ, where a row ends between two vector instructions (and on a
    GPU from run to run, for some of its kernels add in the order in which they come). There are
    fewer slots than asked for where the device's free memory does not hold as many; when it
    runs out all the same the slots are halved and the trials in them begun again. Raises
    ValueError for settings that cannot be run; a trial that cannot be run is a *failed* result.

    `dtype` is the precision of p and of every test that counts. Gradients may be computed in a
    lower one, `gradient_dtype` (bfloat16): they are a few percent off, and cost half as much.
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
        gradient_dtype: torch.dtype | None = None,
    ) -> None:
        if search not in SEARCHES:
            raise ValueError(f"There is no search “{search}”; there are {', '.join(SEARCHES)}.")
        if slots < 1 or schedule.budget < 1:
            raise ValueError("A search needs at least one slot and a budget of one step.")

        def models(generator: Generator, classifier: nn.Module, dtype: torch.dtype) -> Models:
            return Models(
                PerturbedPass(generator, scales, layer_weights, device=device, dtype=dtype),
                classifier,
            )

        self._exact = models(generator, classifier, dtype)
        self._quick: Models | None = None
        if gradient_dtype not in (None, dtype):
            copies = (deepcopy(module).to(gradient_dtype) for module in (generator, classifier))
            self._quick = models(*copies, gradient_dtype)
        self._pass = self._exact.perturbed_pass
        self._rule = SEARCHES[search]
        self._schedule = schedule
        self._keep = keep_perturbations
        self._device, self._dtype = device, dtype
        self._look_every = LOOK_EVERY[torch.device(device).type]
        self._names = [generator.points[index].name for index in self._pass.active]
        if slots > 1:
            slots = min(slots, slots_that_fit(self._quick or self._exact, dtype))
        self._begin(trials, slots)

    def _begin(self, trials: Iterable[Trial], slots: int) -> None:
        self._feeder = Feeder(
            trials,
            self._pass,
            self._exact.classifier,
            block=slots,
            device=self._device,
            dtype=self._dtype,
        )
        self._occupants: list[Ready | None] = [None] * slots
        self._seconds = [0.0] * slots
        self._batch: Batch | None = None
        self._filled = False

    @property
    def finished(self) -> bool:
        """Nothing is left to search."""
        return self._filled and not any(self._occupants)

    @property
    def points(self) -> list[str]:
        """Names of the points that are perturbed, in order; the others have no state here."""
        return list(self._names)

    @property
    def slots(self) -> int:
        """Rows that are computed side by side; fewer than asked for where memory ran out."""
        return len(self._occupants)

    @property
    def bytes_per_slot(self) -> int:
        """Memory that one slot more takes, as it is counted to decide how many there are."""
        return bytes_per_trial(self._quick or self._exact, self._dtype)

    @property
    def busy(self) -> int:
        """Slots in use."""
        return sum(occupant is not None for occupant in self._occupants)

    def step(self) -> list[Result]:
        """Test every row, then update every row that goes on. Returns the results that ended.

        On a GPU several steps are made before the host looks.
        """
        ended: list[Result] = []
        fits = True
        try:
            self._advance(ended)
        except (torch.OutOfMemoryError, MemoryError, RuntimeError) as error:
            if not ran_out(error):
                raise
            fits = False
        ended += self._feeder.ended()
        if not fits:  # by now nothing holds the tensors of what was interrupted
            self._halve()
        return ended

    def _advance(self, ended: list[Result]) -> None:
        if not self._filled:
            self._refill(range(self.slots))
        if self._batch is None or not self.busy:
            return
        began = perf_counter()
        for _ in range(self._look_every):
            self._batch.advance()
        self._batch.decide()
        over = self._batch.over()
        self._charge(perf_counter() - began)
        rows = [row for row, occupant in enumerate(self._occupants) if occupant and over[row]]
        for row in rows:
            ended.append(self._collect(row))
            self._occupants[row] = None
        self._refill(rows)

    def snapshot(self, slot: int = 0) -> Snapshot | None:
        """The trial in `slot` as last tested, or None where the slot is empty."""
        occupant = self._occupants[slot]
        if occupant is None or self._batch is None or not self._seconds[slot]:
            return None
        shown = self._batch.shown
        steps = int(shown.steps[slot])
        return Snapshot(
            trial=occupant.trial,
            step=steps,
            bound=self._batch.rule.bound(slot, steps),
            magnitude=_norm(shown.squares[:, slot]),
            magnitudes=self._spread(shown.squares[:, slot]),
            margin=float(shown.margin[slot]),
            image=_pixels(shown, slot),
            logits=_logits(shown, slot),
            source=occupant.source,
            source_logits=occupant.source_logits,
        )

    def _collect(self, row: int) -> Result:
        occupant, batch = self._occupants[row], self._batch
        assert occupant is not None and batch is not None
        steps = int(batch.shown.steps[row])
        ended = {
            "trial": occupant.trial,
            "steps": steps,
            "seconds": occupant.seconds + self._seconds[row],
            "source": occupant.source,
            "source_logits": occupant.source_logits,
        }
        if batch.succeeded(row):
            best = batch.best
            perturbation = batch.perturbation(row)
            return Result(
                **ended,
                outcome="found",
                stimulus=_pixels(best, row),
                logits=_logits(best, row),
                margin=float(best.margin[row]),
                magnitude=_norm(best.squares[:, row]),
                magnitudes=self._spread(best.squares[:, row]),
                bound=batch.rule.bound(row, int(best.steps[row])),
                bracket=batch.rule.bracket(int(best.steps[row])),
                perturbation=perturbation and dict(zip(self._names, perturbation, strict=True)),
            )
        logits = _logits(batch.shown, row)
        if not np.isfinite(logits).all():
            reason = f"The classifier's output is not finite after {steps} steps."
            return Result(**ended, outcome="failed", reason=reason)
        return Result(
            **ended,
            outcome="exhausted",
            logits=logits,
            margin=float(batch.shown.margin[row]),
            bound=batch.rule.bound(row, steps),
        )

    def _refill(self, rows: Iterable[int]) -> None:
        """The next trials into free slots."""
        for row in rows:
            self._occupants[row] = ready = self._feeder.next()
            self._seconds[row] = 0.0
            if ready is None:
                continue
            if self._batch is None:
                self._batch = Batch(
                    self._quick or self._exact,
                    self._exact if self._quick else None,
                    self._rule,
                    self._schedule,
                    self.slots,
                    keep_perturbations=self._keep,
                    like=ready,
                )
            self._batch.place(row, ready)
        self._filled = True

    def _halve(self) -> None:
        """Begin again with half the slots, with every trial that has no result yet."""
        if self.slots == 1:
            raise MemoryError(
                "One trial alone does not fit into the device's memory: perturb fewer points, or"
                " choose a smaller generator or another device."
            )
        log.warning("Out of memory with %d slots: going on with half of them.", self.slots)
        inside = [occupant.trial for occupant in self._occupants if occupant]
        self._batch = None
        if self._device.startswith("cuda"):
            torch.cuda.empty_cache()
        self._begin(chain(inside, self._feeder.rest()), self.slots // 2)

    def _charge(self, seconds: float) -> None:
        """Share the time of the last steps among the rows in use."""
        share = seconds / self.busy
        for row, occupant in enumerate(self._occupants):
            if occupant is not None:
                self._seconds[row] += share

    def _spread(self, squares: Tensor) -> tuple[float, ...]:
        """‖p_i‖ for every point of the generator: 0 where nothing was added."""
        spread = [0.0] * len(self._pass.generator.points)
        for index, square in zip(self._pass.active, squares.tolist(), strict=True):
            spread[index] = square**0.5
        return tuple(spread)


def _norm(squares: Tensor) -> float:
    return float(squares.double().sum().sqrt())


def _pixels(record: Record, row: int) -> np.ndarray:
    return to_pixels(record.images[row : row + 1])[0].cpu().numpy()


def _logits(record: Record, row: int) -> np.ndarray:
    # A copy: the record is written over by the next step.
    return record.logits[row].float().cpu().numpy().copy()


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
