"""Stored maps as the page uses them, read once; and regions for the table of ratios."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import streamlit as st

from app.access import database
from app.charts.map_parts import ADVERSARIAL, ROBUST, AxisText
from app.runner.menu import Menu
from data.maps import StoredMap, map_content
from engine.maps import SemanticMap, from_bytes
from engine.regions import Region, grow_regions
from engine.spaces.description import PerturbationPlane, PublishedViews, Viewpoint

#: The paper's starts, in degrees of azimuth and elevation.
PAPERS_STARTS = ((130.0, 30.0), (50.0, 20.0), (200.0, 15.0), (310.0, 50.0))
KINDS = (ROBUST, ADVERSARIAL)

Start = tuple[float, ...]


@dataclass(frozen=True, eq=False)
class OpenMap:
    """A stored map with its scores."""

    stored: StoredMap
    found: SemanticMap

    @property
    def label_name(self) -> str:
        """What the scores are of."""
        return self.found.description.label_name

    @cached_property
    def axes(self) -> tuple[AxisText, ...]:
        """Titles with units, and the range of the grid."""
        ends = [(float(axis[0]), float(axis[-1])) for axis in self.found.coordinates]
        return tuple(
            AxisText(f"{axis.name} ({axis.unit})" if axis.unit else axis.name, *end)
            for axis, end in zip(self.found.description.space.axes, ends, strict=True)
        )

    @property
    def lower(self) -> Start:
        """The lower ends of the axes."""
        return tuple(axis.lower for axis in self.axes)

    @property
    def upper(self) -> Start:
        """The upper ends of the axes."""
        return tuple(axis.upper for axis in self.axes)

    @property
    def networks(self) -> list[str]:
        """The classifiers' names, in the map's order."""
        return [one.name for one in self.found.description.classifiers]

    @property
    def plane(self) -> PerturbationPlane | None:
        """The perturbation plane that it is of, if it is of one."""
        space = self.found.description.space
        return space if isinstance(space, PerturbationPlane) else None

    @property
    def drawable(self) -> bool:
        """Whether the pictures of its space can be drawn here."""
        return self.stored.origin == "computed"

    def default_starts(self) -> tuple[Start, ...]:
        """The paper's for views; for others the unperturbed source, or the middle."""
        if isinstance(self.found.description.space, PublishedViews | Viewpoint) or (
            self.axes[0].title.startswith("azimuth")
        ):
            return PAPERS_STARTS
        inside = all(low <= 0 <= high for low, high in zip(self.lower, self.upper, strict=True))
        if self.plane is not None and inside:
            return ((0.0, 0.0),)
        middle = [(low + high) / 2 for low, high in zip(self.lower, self.upper, strict=True)]
        return (tuple(middle),)

    def same_grid(self, other: OpenMap) -> bool:
        """Whether two maps can be compared point by point."""
        pairs = zip(self.found.coordinates, other.found.coordinates, strict=False)
        return self.found.scores.shape[1:] == other.found.scores.shape[1:] and all(
            np.allclose(one, another) for one, another in pairs
        )


def open_map(stored: StoredMap) -> OpenMap | None:
    """The map with its scores; None while it has none."""
    if stored.sha256 is None:
        return None
    found = _read(stored.id, stored.sha256)
    return None if found is None else OpenMap(stored, found)


@st.cache_resource(max_entries=100, show_spinner=False)
def _read(map_id: str, sha256: str) -> SemanticMap | None:
    content = map_content(database(), map_id)
    return None if content is None else from_bytes(content)


@st.cache_resource(max_entries=2000, show_spinner=False)
def _grown_from(
    _found: SemanticMap,
    sha256: str,
    network: int,
    method: str,
    steps: int,
    starts: tuple[Start, ...],
) -> list[Region]:
    return grow_regions(
        _found.score(network),
        np.array(starts),
        lower=[axis[0] for axis in _found.coordinates],
        upper=[axis[-1] for axis in _found.coordinates],
        method=method,
        steps=steps,
    )


def grown_from(
    opened: OpenMap, network: int, method: str, steps: int, starts: Sequence[Start]
) -> list[Region]:
    """One classifier's robust regions around many starts, grown together."""
    clipped = np.clip(starts, opened.lower, opened.upper)
    kept = tuple(tuple(float(one) for one in start) for start in clipped)
    return _grown_from(opened.found, opened.stored.sha256 or "", network, method, steps, kept)


def label_names(menu: Menu | None, classifier: str) -> tuple[str, ...]:
    """The names of a classifier's labels; empty where nobody knows them."""
    for one in menu.label_sets if menu else ():
        if classifier in one.classifiers:
            return one.labels
    return ()
