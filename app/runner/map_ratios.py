"""SRVR of classifiers over stored maps: from which starts, by which method; accuracy. No torch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from app.runner.request import RequestError
from engine.maps import SemanticMap
from engine.regions import METHODS, Region, VolumeRatio, grow_regions, volume_ratios
from engine.regions.published import PUBLISHED
from engine.spaces.description import PerturbationPlane

#: The paper's Table 2 averages its three methods.
AVERAGE = "average"
RATIO_METHODS = (AVERAGE, *reversed(METHODS))
#: The paper's starts, in degrees of azimuth and elevation.
PAPERS_STARTS = ((130.0, 30.0), (50.0, 20.0), (200.0, 15.0), (310.0, 50.0))

Start = tuple[float, ...]


@dataclass(frozen=True)
class Beside:
    """What stands beside a network's SRVR: the paper's own (a share), and its accuracy in words."""

    papers_srvr: float | None
    accuracy: str


#: Hamdi & Ghanem (2020), Table 2: the average of the three methods, and the top-1 error.
TABLE_2 = {
    "AlexNet": Beside(0.0892, "top-1 error 43.45 % (paper)"),
    "VGG": Beside(0.0988, "top-1 error 30.98 % (paper)"),
    "ResNet50": Beside(0.1688, "top-1 error 23.85 % (paper)"),
    "Inceptionv3": Beside(0.0792, "top-1 error 22.55 % (paper)"),
}


def beside(network: str, accuracies: Mapping[str, str]) -> Beside:
    """The paper's figures of its own networks; of others what `accuracies` says by their names."""
    return TABLE_2.get(network) or Beside(None, accuracies.get(network, ""))


def ends(found: SemanticMap) -> tuple[Start, Start]:
    """The lower and the upper ends of a map's space.

    The grid of a published map stops short of them: the last view before 360° is at 357°.
    """
    axes = found.description.space.axes
    return tuple(axis.lower for axis in axes), tuple(axis.upper for axis in axes)


def usual_starts(found: SemanticMap) -> tuple[Start, ...]:
    """The paper's for views; of a perturbation plane the unperturbed source; else the middle."""
    space = found.description.space
    if [axis.name for axis in space.axes] == ["azimuth", "elevation"]:
        return PAPERS_STARTS
    lower, upper = ends(found)
    inside = all(low <= 0 <= high for low, high in zip(lower, upper, strict=True))
    if isinstance(space, PerturbationPlane) and inside:
        return ((0.0, 0.0),)
    return grid_of_starts(found, 1)


def grid_of_starts(found: SemanticMap, along: int) -> tuple[Start, ...]:
    """So many along each axis, in the middles of as many equal parts. Raises RequestError."""
    if along < 1:
        raise RequestError(f"{along} starts along an axis are none: give 1 or more.")
    shares = (np.arange(along) + 0.5) / along
    axes = [low + shares * (high - low) for low, high in zip(*ends(found), strict=True)]
    points = np.stack(np.meshgrid(*axes, indexing="ij"), -1).reshape(-1, len(axes))
    return tuple(tuple(float(value) for value in point) for point in points)


def ratios(
    maps: Mapping[str, SemanticMap], method: str, steps: int, starts: Mapping[str, Sequence[Start]]
) -> dict[str, list[VolumeRatio]]:
    """For each classifier the SRVR overall, and by label; `method` may be AVERAGE.

    `maps` and their starts by the maps' ids, which are the objects of the bootstrap. Starts beside
    a map are put on its edge. Raises ValueError for maps of different numbers of axes, and for
    starts of another number than theirs.
    """
    if len({len(one.coordinates) for one in maps.values()}) > 1:
        raise ValueError("Choose maps of one number of axes: volumes of others cannot be compared.")
    methods = PUBLISHED if method == AVERAGE else (method,)
    regions: dict[str, list[tuple[Region, str, str]]] = {}
    for map_id, found in maps.items():
        axes = len(found.coordinates)
        if any(len(start) != axes for start in starts[map_id]):
            raise ValueError(
                f"A start on these maps has as many numbers as they have axes: {axes}."
            )
        clipped = np.clip(starts[map_id], *ends(found))
        places = tuple(tuple(float(value) for value in start) for start in clipped)
        for number, network in enumerate(found.description.classifiers):
            for each in methods:
                regions.setdefault(network.name, []).extend(
                    (region, found.description.label_name, map_id)
                    for region in _grown(found, number, each, steps, places)
                )
    return {
        network: volume_ratios(
            *(list(column) for column in zip(*rows, strict=True)), methods=methods
        )
        for network, rows in regions.items()
    }


@lru_cache(maxsize=2000)
def _grown(
    found: SemanticMap, classifier: int, method: str, steps: int, starts: tuple[Start, ...]
) -> list[Region]:
    lower, upper = ends(found)
    score = found.score(classifier)
    return grow_regions(score, starts, lower=lower, upper=upper, method=method, steps=steps)
