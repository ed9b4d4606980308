"""Network semantic maps: scores of classifiers on a grid over a semantic space.

Hamdi & Ghanem (2020), section 4.1: a map is the softmax score of one class for the picture at each
point of a 1-D or 2-D grid. Pictures are scored in 8 bits, as people see them.
"""

from typing import Any

from engine.maps.products import difference, mean_over_classifiers, mean_over_maps
from engine.maps.semantic_map import (
    UNKNOWN,
    MapDescription,
    MappedClassifier,
    SemanticMap,
    empty_map,
    grid,
)
from engine.maps.stored import MapFileError, from_bytes, published_maps, to_bytes

__all__ = [
    "UNKNOWN",
    "MapDescription",
    "MapFileError",
    "MappedClassifier",
    "SemanticMap",
    "compute_map",
    "difference",
    "empty_map",
    "from_bytes",
    "grid",
    "mean_over_classifiers",
    "mean_over_maps",
    "published_maps",
    "to_bytes",
]


def __getattr__(name: str) -> Any:
    """`compute_map` is imported when it is asked for: only it needs torch, and pages go without."""
    if name == "compute_map":
        from engine.maps.compute import compute_map

        return compute_map
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
