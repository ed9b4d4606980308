"""Stored maps as the page uses them, read once."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import streamlit as st

from app.access import database
from app.charts.map_parts import ADVERSARIAL, ROBUST, AxisText
from app.runner.map_ratios import Start, usual_starts
from app.runner.menu import Menu
from data.maps import StoredMap, map_content
from engine.maps import SemanticMap, from_bytes
from engine.spaces.description import PerturbationPlane

KINDS = (ROBUST, ADVERSARIAL)


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
        """Titles with units, and the range of the space."""
        return tuple(
            AxisText(
                f"{axis.name} ({axis.unit})" if axis.unit else axis.name, axis.lower, axis.upper
            )
            for axis in self.found.description.space.axes
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
        """Where regions start unless somebody says where."""
        return usual_starts(self.found)

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


def label_names(menu: Menu | None, classifier: str) -> tuple[str, ...]:
    """The names of a classifier's labels; empty where nobody knows them."""
    for one in menu.label_sets if menu else ():
        if classifier in one.classifiers:
            return one.labels
    return ()
