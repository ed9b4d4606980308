"""SRVR, the semantic robustness volume ratio: mean volume of regions over the volume of Ω."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from engine.regions.published import PUBLISHED
from engine.regions.region import Region


@dataclass(frozen=True)
class VolumeRatio:
    """The SRVR of one class, or of all when `class_name` is None; everything it depends on.

    ratio, low, high
        The ratio and its bootstrap interval, in [0, 1].
    methods
        One method, or those averaged, each with the same weight.
    steps
        T: the ratio grows with it.
    feasible
        The share of the regions that meet eq. 2.
    regions, objects
        How many it is the mean over, and of how many objects.
    """

    class_name: str | None
    ratio: float
    low: float
    high: float
    methods: tuple[str, ...]
    steps: int
    feasible: float
    regions: int
    objects: int


def volume_ratios(
    regions: Sequence[Region],
    classes: Sequence[str],
    objects: Sequence[str],
    *,
    methods: Sequence[str] = PUBLISHED,
    draws: int = 2000,
    level: float = 0.95,
    seed: int = 0,
) -> list[VolumeRatio]:
    """The SRVR overall (first) and of every class, with percentile intervals.

    classes, objects
        Of each region: the class whose score it grew on, and what the images show (a mesh, a
        source); objects of different classes are different ones.
    methods
        Averaged, as the paper's Table 2 does with its three. Regions of others are left out.

    The bootstrap draws objects, and then starts within each, carrying all methods of a start
    along. Raises ValueError when the regions differ in T or a method has none.
    """
    rows = [
        (name, thing, region)
        for name, thing, region in zip(classes, objects, regions, strict=True)
        if region.method in methods
    ]
    present = {region.method for _, _, region in rows}
    if missing := [method for method in methods if method not in present]:
        raise ValueError(f"There are no regions by {', '.join(missing)}.")
    steps = {region.steps for *_, region in rows}
    if len(steps) > 1:
        raise ValueError(
            f"The regions were grown with different T ({', '.join(map(str, sorted(steps)))}): the"
            " ratio depends on T, so grow all with one."
        )
    shared = {"methods": tuple(methods), "steps": steps.pop()}
    names = sorted({name for name, *_ in rows})
    ratios = []
    for number, chosen in enumerate([None, *names]):
        own = [row for row in rows if chosen in (None, row[0])]
        clusters = _clusters(own, methods)
        rng = np.random.default_rng([seed, number])
        drawn = np.sort([_redrawn(clusters, rng) for _ in range(draws)])
        low, high = np.quantile(drawn, [(1 - level) / 2, (1 + level) / 2])
        ratios.append(
            VolumeRatio(
                class_name=chosen,
                ratio=float(np.concatenate(clusters).mean()),
                low=float(low),
                high=float(high),
                feasible=float(np.mean([region.feasible for *_, region in own])),
                regions=len(own),
                objects=len(clusters),
                **shared,
            )
        )
    return ratios


def _clusters(
    rows: Sequence[tuple[str, str, Region]], methods: Sequence[str]
) -> list[NDArray[np.float64]]:
    """For each object, the volume shares of its starts, each a mean over the methods."""
    found: dict[tuple[str, str], dict[tuple[float, ...], dict[str, float]]] = {}
    for name, thing, region in rows:
        starts = found.setdefault((name, thing), {})
        by_method = starts.setdefault(tuple(region.start.tolist()), {})
        by_method[region.method] = region.volume_share
    for (name, thing), starts in found.items():
        for start, by_method in starts.items():
            if lacking := [method for method in methods if method not in by_method]:
                raise ValueError(
                    f"{thing} of class {name} has no region by {', '.join(lacking)} from"
                    f" {list(start)}: the average needs every method from every start."
                )
    return [
        np.array([np.mean(list(by_method.values())) for by_method in starts.values()])
        for starts in found.values()
    ]


def _redrawn(clusters: Sequence[NDArray[np.float64]], rng: np.random.Generator) -> float:
    """The mean of one bootstrap sample: objects drawn, then starts of each."""
    drawn = rng.integers(len(clusters), size=len(clusters))
    shares = [clusters[i][rng.integers(len(clusters[i]), size=len(clusters[i]))] for i in drawn]
    return float(np.concatenate(shares).mean())
