"""A semantic space ready to use, and the scores of classifiers in it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import Tensor, nn

from engine.regions.moments import even_points
from engine.regions.scores import Score
from engine.search.perturbed_pass import to_8_bit, to_pixels
from engine.spaces.description import Axis, SpaceDescription
from engine.spaces.threads import side_by_side

Floats = NDArray[np.float64]

#: A batch has about so many scalars of images, and not more than so many images: activations then
#: stay in a core's cache.
_BATCH_SCALARS, _LARGEST_BATCH = 2**17, 256
#: Fewer images than this are not worth another thread.
_SMALLEST_PART = 16


@dataclass(frozen=True)
class Space:
    """A semantic space: `images` maps points u (k, n) to images (k, C, H, W) in [0, 1].

    It is asked for a batch at a time. `device` is where the images are; `side_by_side` tells
    whether several threads may ask at once.
    """

    description: SpaceDescription
    image_shape: tuple[int, int, int]
    images: Callable[[Floats], Tensor]
    device: str = "cpu"
    side_by_side: bool = True

    @property
    def parallel(self) -> bool:
        """Whether batches are better made several at once, by threads."""
        return self.side_by_side and self.device == "cpu"

    @property
    def axes(self) -> tuple[Axis, ...]:
        """The named parameters with their ranges."""
        return self.description.axes

    @property
    def lower(self) -> Floats:
        """The lower ends of the ranges (n,)."""
        return np.array([axis.lower for axis in self.axes])

    @property
    def upper(self) -> Floats:
        """The upper ends of the ranges (n,)."""
        return np.array([axis.upper for axis in self.axes])

    @property
    def batch(self) -> int:
        """How many images are made at a time."""
        return max(1, min(_LARGEST_BATCH, _BATCH_SCALARS // int(np.prod(self.image_shape))))

    @torch.no_grad()
    def pixels(self, u: ArrayLike) -> NDArray[np.uint8]:
        """The pictures at points u (k, n), as people see them: uint8 (k, H, W, C)."""
        points = np.atleast_2d(np.asarray(u, dtype=np.float64))
        parts = [to_pixels(self.images(part)).cpu().numpy() for part in _parts(points, self.batch)]
        return np.concatenate(parts)

    def logits(self, u: ArrayLike, classifier: nn.Module) -> NDArray[np.float32]:
        """What a classifier says of those pictures, in 8 bits: (k, classes)."""
        points = np.atleast_2d(np.asarray(u, dtype=np.float64))

        @torch.no_grad()
        def asked(part: Floats) -> NDArray[np.float32]:
            return classifier(to_8_bit(self.images(part))).float().cpu().numpy()

        if not self.parallel:
            return np.concatenate([asked(part) for part in _parts(points, self.batch)])
        each = max(_SMALLEST_PART, -(-len(points) // torch.get_num_threads()))
        return np.concatenate(list(side_by_side(asked, _parts(points, min(self.batch, each)))))

    def spread(self, count: int, seed: int = 0) -> Floats:
        """`count` points that fill the space evenly (count, n): stimuli to be judged."""
        unit = even_points(count, len(self.axes), np.random.default_rng(seed))
        return self.lower + unit * (self.upper - self.lower)


def live_score(space: Space, classifier: nn.Module, label: int) -> Score:
    """f: points (k, n) → softmax score of `label` for the picture at each, computed when asked."""

    def score(u: Floats) -> Floats:
        logits = torch.from_numpy(space.logits(u, classifier))
        return torch.softmax(logits.double(), dim=1)[:, label].numpy()

    return score


def _parts(points: Floats, batch: int) -> list[Floats]:
    return [points[first : first + batch] for first in range(0, len(points), batch)]
