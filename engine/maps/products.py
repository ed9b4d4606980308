"""What the paper makes of several maps: means over objects and networks, and differences."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from engine.maps.semantic_map import UNKNOWN, MapDescription, MappedClassifier, SemanticMap
from engine.spaces.description import MeanOfMaps


def mean_over_maps(maps: Sequence[SemanticMap], names: Sequence[str]) -> SemanticMap:
    """A class-global map: each network's mean over maps of several objects (figure 4).

    `names` are the objects'. Raises ValueError where grids or classifiers differ.
    """
    first = _alike(maps)
    networks = first.description.classifiers
    if any(one.description.classifiers != networks for one in maps):
        raise ValueError("The maps are of different classifiers: choose maps of the same ones.")
    scores = np.mean([one.scores for one in maps], axis=0, dtype=np.float64)
    return _mean(maps, names, networks, scores.astype(np.float32))


def mean_over_classifiers(maps: Sequence[SemanticMap], names: Sequence[str]) -> SemanticMap:
    """A data semantic map: the mean over all networks, and over the maps given (figure 5).

    `names` are the maps'. Raises ValueError where grids differ.
    """
    _alike(maps)
    every = np.concatenate([one.scores for one in maps])
    networks = {one.name for each in maps for one in each.description.classifiers}
    mean = every.mean(axis=0, keepdims=True, dtype=np.float64).astype(np.float32)
    return _mean(maps, names, (MappedClassifier(f"mean of {len(networks)}", ""),), mean)


def difference(found: SemanticMap, first: int, second: int) -> NDArray[np.float32]:
    """The first classifier's score minus the second's, in [−1, 1], on the map's grid."""
    return found.scores[first] - found.scores[second]


def _alike(maps: Sequence[SemanticMap]) -> SemanticMap:
    if not maps:
        raise ValueError("There are no maps to average.")
    first = maps[0]
    for one in maps[1:]:
        pairs = zip(one.coordinates, first.coordinates, strict=False)
        if one.scores.shape[1:] != first.scores.shape[1:] or not all(
            np.allclose(left, right) for left, right in pairs
        ):
            raise ValueError("The maps have different grids: compute them with the same one.")
    return first


def _mean(
    maps: Sequence[SemanticMap],
    names: Sequence[str],
    classifiers: tuple[MappedClassifier, ...],
    scores: NDArray[np.float32],
) -> SemanticMap:
    first = maps[0]
    description = MapDescription(
        space=MeanOfMaps(tuple(names), first.description.space.axes),
        classifiers=classifiers,
        label=first.description.label,
        label_name=first.description.label_name,
        resolution=first.description.resolution,
    )
    unknown = np.full(scores.shape, UNKNOWN, np.int32)
    measured = np.all([one.measured for one in maps], axis=0)
    return SemanticMap(description, first.coordinates, scores, unknown, measured)
