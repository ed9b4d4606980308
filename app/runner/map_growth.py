"""Regions on stored maps, between whose points scores are interpolated: kept, and side by side."""

from __future__ import annotations

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache, lru_cache

import numpy as np

from app.runner.map_ratios import ends
from engine.maps import SemanticMap
from engine.regions import Region, adversarial, grow_region

#: A drag asks for another region every few tenths of a second.
KEPT = 4000


@dataclass(frozen=True)
class Growth:
    """A region that is asked for: on one classifier of a map, on which side, by what, from where.

    The map has to be the same object to be the same map. A start beside the map is put on its edge.
    """

    found: SemanticMap
    classifier: int
    adversarial: bool
    method: str
    steps: int
    start: tuple[float, ...]


def grow_all(asked: Sequence[Growth]) -> list[Region]:
    """The regions, in order; those that were grown before at once, the others by several threads.

    NumPy lets other threads go on while it computes, as long as its BLAS keeps to one thread each
    (`python -m app` sees to that).
    """
    return list(_pool().map(_grown, asked))


@lru_cache(maxsize=KEPT)
def _grown(asked: Growth) -> Region:
    found = asked.found
    score = found.score(asked.classifier)
    lower, upper = ends(found)
    return grow_region(
        adversarial(score) if asked.adversarial else score,
        np.clip(asked.start, lower, upper),
        lower=lower,
        upper=upper,
        method=asked.method,
        steps=asked.steps,
    )


@cache
def _pool() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(len(os.sched_getaffinity(0)), "regions")
