"""Trials made ready for a search: sources drawn, classified, and cached up to the first point."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import chain, islice
from time import perf_counter

import numpy as np
import torch
from torch import Tensor, nn

from engine.experiment import Trial
from engine.search.margin import UNTARGETED
from engine.search.perturbed_pass import PerturbedPass, to_8_bit, to_pixels
from engine.search.result import Result


@dataclass(frozen=True)
class Ready:
    """A trial whose source the classifier got right; tensors are rows without batch dimension."""

    trial: Trial
    z: Tensor
    activation: Tensor
    condition: Tensor
    source: np.ndarray
    source_logits: np.ndarray
    seconds: float


class Feeder:
    """Draws trials in blocks of exactly `block` rows, whatever is asked for.

    The block's shape is fixed, and a last short block is padded, so that the float results of a
    trial do not depend on how many others were prepared beside it.
    """

    def __init__(
        self,
        trials: Iterable[Trial],
        perturbed_pass: PerturbedPass,
        classifier: nn.Module,
        *,
        block: int,
        device: str,
        dtype: torch.dtype,
    ) -> None:
        self._trials = iter(trials)
        self._pass = perturbed_pass
        self._classifier = classifier
        self._block = block
        self._device = device
        self._dtype = dtype
        self._ready: deque[Ready] = deque()
        self._ended: list[Result] = []
        self._unprepared: list[Trial] = []  # a block that memory may have run out on

    def next(self) -> Ready | None:
        """The next trial to search, or None when there are no more."""
        while not self._ready:
            self._unprepared = list(islice(self._trials, self._block))
            if not self._unprepared:
                return None
            self._prepare(self._unprepared)
            self._unprepared = []
        return self._ready.popleft()

    def rest(self) -> Iterator[Trial]:
        """Every trial that has neither been handed out nor ended."""
        return chain([ready.trial for ready in self._ready], self._unprepared, self._trials)

    def ended(self) -> list[Result]:
        """Trials that ended before they began, since the last call: skipped and failed ones."""
        ended, self._ended = self._ended, []
        return ended

    @torch.no_grad()
    def _prepare(self, trials: list[Trial]) -> None:
        began = perf_counter()
        sound, ended = [], []
        for trial in trials:
            reason = self._unsound(trial)
            if reason:
                ended.append(Result(trial, "failed", 0, 0.0, reason=reason))
            else:
                sound.append(trial)
        if not sound:
            self._ended += ended
            return
        generator = self._pass.generator
        padded = sound + sound[-1:] * (self._block - len(sound))
        z = torch.stack([generator.latent(trial.seed) for trial in padded])
        z = z.to(self._device, self._dtype)
        labels = torch.tensor([trial.label for trial in padded], device=self._device)
        activation, condition = self._pass.prefix(z, labels)
        images = self._pass.suffix(activation, condition)
        logits = self._classifier(to_8_bit(images))
        predicted = logits.argmax(1).tolist()
        finite = logits.isfinite().all(1).tolist()
        all_logits = logits.float().cpu().numpy()
        sources = to_pixels(images).cpu().numpy()
        seconds = (perf_counter() - began) / len(sound)
        for row, trial in enumerate(sound):
            # Rows are views of the block until a slot copies them.
            source, source_logits = sources[row].copy(), all_logits[row].copy()
            wrong = trial.label != predicted[row]
            if wrong or not finite[row]:
                ended.append(
                    Result(
                        trial,
                        "skipped" if finite[row] else "failed",
                        0,
                        seconds,
                        source,
                        source_logits,
                        reason=None if finite[row] else "The classifier's output is not finite.",
                    )
                )
            else:
                self._ready.append(
                    Ready(
                        trial,
                        z[row],
                        activation[row],
                        condition[row],
                        source,
                        source_logits,
                        seconds,
                    )
                )
        self._ended += ended

    def _unsound(self, trial: Trial) -> str | None:
        count = self._pass.generator.label_count
        if not 0 <= trial.label < count:
            return f"Label {trial.label} is not one of the generator's {count}."
        if trial.target is not None and not 0 <= trial.target < count:
            return f"Target label {trial.target} is not one of the generator's {count}."
        if trial.target == trial.label or trial.target == UNTARGETED:
            return "The target label must differ from the label."
        return None
