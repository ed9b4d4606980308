"""Compute a map: batches of pictures, every classifier on each, with progress and stop."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import takewhile

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from engine.maps.refinement import every, fill_between
from engine.maps.semantic_map import UNKNOWN, MapDescription, SemanticMap, empty_map
from engine.search.perturbed_pass import to_8_bit
from engine.spaces.space import Space
from engine.spaces.threads import side_by_side

Indices = NDArray[np.intp]
#: Scores and predicted labels, (classifiers, k) each.
Scored = tuple[NDArray[np.float32], NDArray[np.int64]]


def compute_map(
    space: Space,
    classifiers: Sequence[nn.Module],
    description: MapDescription,
    *,
    so_far: SemanticMap | None = None,
    on_progress: Callable[[int, int], None] = lambda done, total: None,
    stop: Callable[[], bool] = lambda: False,
) -> SemanticMap:
    """Ask every classifier about the picture at every point of the grid, a batch at a time.

    classifiers
        In the order of the description: images in [0, 1] → logits. Pictures are made once for all.
    so_far
        A map of the same description that was stopped: what it knows is not asked again.
    on_progress
        Told after each batch how many points have been asked, of how many in the grid; with
        refinement it ends before that.
    stop
        Asked before each batch; once it says True the map is returned as far as it is.

    Raises ValueError where the description is of another space or has other classifiers.
    """
    if description.space != space.description:
        raise ValueError("The map's description is of another space than the one given.")
    if len(classifiers) != len(description.classifiers) or not classifiers:
        raise ValueError(
            f"{len(classifiers)} classifiers given, and the description names"
            f" {len(description.classifiers)}: give each of those, at least one."
        )
    if so_far is not None and so_far.description != description:
        raise ValueError("The map to go on from has another description.")
    work = _Work(space, classifiers, so_far or empty_map(description), on_progress, stop)
    if description.tolerance is None:
        work.ask(~work.measured)
    else:
        work.ask_where_it_changes(description.tolerance, description.coarse)
    return work.result()


class _Work:
    """A map while it is computed."""

    def __init__(
        self,
        space: Space,
        classifiers: Sequence[nn.Module],
        begun: SemanticMap,
        on_progress: Callable[[int, int], None],
        stop: Callable[[], bool],
    ) -> None:
        self._space, self._classifiers, self._begun = space, classifiers, begun
        self._on_progress, self._stop = on_progress, stop
        self.stopped = False
        self.measured = begun.measured.copy()
        # Interpolated scores are not kept: they are made anew from the measured ones.
        self.scores = np.where(self.measured, begun.scores, np.float32(np.nan))
        self.predicted = np.where(self.measured, begun.predicted, np.int32(UNKNOWN))
        points = np.stack(np.meshgrid(*begun.coordinates, indexing="ij"), -1)
        self._points = points.reshape(-1, points.shape[-1])

    def ask(self, wanted: NDArray[np.bool_]) -> None:
        """Score the points where `wanted`, those aside that are measured already."""
        remaining = np.flatnonzero(wanted & ~self.measured)
        size = self._space.batch
        batches = [remaining[first : first + size] for first in range(0, len(remaining), size)]
        scores = self.scores.reshape(len(self.scores), -1)
        predicted = self.predicted.reshape(len(self.predicted), -1)
        if self._space.parallel:
            scored = side_by_side(self._score, batches, self._stopping)
        else:
            scored = (self._score(b) for b in takewhile(lambda _: not self._stopping(), batches))
        for batch, found in zip(batches, scored, strict=False):
            scores[:, batch], predicted[:, batch] = found
            self.measured.reshape(-1)[batch] = True
            self._on_progress(int(self.measured.sum()), self.measured.size)

    def _stopping(self) -> bool:
        self.stopped = self.stopped or self._stop()
        return self.stopped

    @torch.no_grad()
    def _score(self, batch: Indices) -> Scored:
        images = to_8_bit(self._space.images(self._points[batch]))
        label = self._begun.description.label
        logits = [classifier(images).float() for classifier in self._classifiers]
        scores = [torch.softmax(one, 1)[:, label].cpu().numpy() for one in logits]
        return np.stack(scores), np.stack([one.argmax(1).cpu().numpy() for one in logits])

    def ask_where_it_changes(self, tolerance: float, coarse: int) -> None:
        """Ask every `coarse`-th point, then halve the steps wherever neighbours differ.

        Points that are not asked take the interpolation of those around, and the nearest's label.
        """
        shape = self.measured.shape
        step, lattice = coarse, [every(coarse, count) for count in shape]
        while True:
            wanted = np.zeros(shape, np.bool_)
            wanted[np.ix_(*lattice)] = True
            self.ask(wanted & np.isnan(self.scores[0]))
            if step == 1 or self.stopped:
                return
            step = (step + 1) // 2
            finer = [every(step, count, also) for count, also in zip(shape, lattice, strict=True)]
            fill_between(self.scores, self.predicted, self.measured, lattice, finer, tolerance)
            lattice = finer

    def result(self) -> SemanticMap:
        """The map as far as it is."""
        return replace(
            self._begun,
            scores=self.scores,
            predicted=self.predicted,
            measured=self.measured,
        )
