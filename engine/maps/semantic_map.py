"""A network semantic map: what decides it, and its scores on a grid."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.regions.scores import Score, grid_score
from engine.spaces.description import SpaceDescription, from_json, to_json

Floats = NDArray[np.float64]

#: Predicted label where nothing was measured, or where a published map does not tell it.
UNKNOWN = -1


@dataclass(frozen=True)
class MappedClassifier:
    """A classifier's name, and the checksum of its weights ("" where it is not ours)."""

    name: str
    checksum: str


@dataclass(frozen=True)
class MapDescription:
    """Everything that decides a map, enough to compute it again.

    label
        The class whose score is mapped, as an index of the classifiers' logits, and its name.
    resolution
        Points along each axis, both ends of its range included.
    tolerance
        None: every point is asked. Else the grid is asked at every `coarse`-th point first, and
        between them only where scores of neighbours differ by more than this; the rest is
        interpolated.
    """

    space: SpaceDescription
    classifiers: tuple[MappedClassifier, ...]
    label: int
    label_name: str
    resolution: tuple[int, ...]
    tolerance: float | None = None
    coarse: int = 8

    def as_json(self) -> dict[str, Any]:
        """A JSON-serialisable record; `from_json` is its inverse."""
        record = {name: value for name, value in vars(self).items() if name != "space"}
        record["classifiers"] = [asdict(one) for one in self.classifiers]
        return {"space": to_json(self.space), **record, "resolution": list(self.resolution)}

    @staticmethod
    def from_json(record: dict[str, Any]) -> MapDescription:
        """Raises ValueError for the record of something else."""
        try:
            return MapDescription(
                **{
                    **record,
                    "space": from_json(record["space"]),
                    "classifiers": tuple(MappedClassifier(**one) for one in record["classifiers"]),
                    "resolution": tuple(record["resolution"]),
                }
            )
        except (KeyError, TypeError) as error:
            raise ValueError(f"This is not the record of a map: {error}.") from error


@dataclass(frozen=True, eq=False)
class SemanticMap:
    """Scores on a grid, complete or as far as they were asked.

    coordinates
        Of the grid along each axis, (p,) and (q,).
    scores
        (classifiers, p[, q]) float32 in [0, 1]; NaN where nothing is known yet.
    predicted
        (classifiers, p[, q]) int32, the label with the largest logit; `UNKNOWN` where nothing is.
    measured
        (p[, q]), whether the point was asked, and not interpolated from its neighbours.
    """

    description: MapDescription
    coordinates: tuple[Floats, ...]
    scores: NDArray[np.float32]
    predicted: NDArray[np.int32]
    measured: NDArray[np.bool_]

    @property
    def complete(self) -> bool:
        """Whether every point has a score."""
        return bool(np.isfinite(self.scores).all())

    def score(self, classifier: int = 0) -> Score:
        """f, interpolated linearly between the grid's points: what regions grow on at once.

        Raises ValueError for an incomplete map.
        """
        if not self.complete:
            raise ValueError("The map is not complete: let it finish before regions grow on it.")
        return grid_score(self.scores[classifier], self.coordinates)


def grid(description: MapDescription) -> tuple[Floats, ...]:
    """The coordinates along each axis, from one end of its range to the other.

    Raises ValueError where there is not one number of points, 2 or more, for each of 1 or 2 axes.
    """
    axes, resolution = description.space.axes, description.resolution
    if not 1 <= len(axes) <= 2:
        raise ValueError(f"A map has one or two axes, not {len(axes)}.")
    if len(resolution) != len(axes) or min(resolution) < 2:
        raise ValueError(
            f"The space has {len(axes)} axes: give a number of points, 2 or more, for each, not"
            f" {resolution}."
        )
    return tuple(
        np.linspace(axis.lower, axis.upper, count)
        for axis, count in zip(axes, resolution, strict=True)
    )


def empty_map(description: MapDescription) -> SemanticMap:
    """A map of which nothing is known."""
    coordinates = grid(description)
    shape = tuple(len(axis) for axis in coordinates)
    every = (len(description.classifiers), *shape)
    return SemanticMap(
        description,
        coordinates,
        np.full(every, np.nan, np.float32),
        np.full(every, UNKNOWN, np.int32),
        np.zeros(shape, np.bool_),
    )
