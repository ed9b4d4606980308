"""What is scored in a new map, and by whom: the choices that every space shares."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import streamlit as st

from app.runner.menu import GeneratorChoice, Menu
from app.runner.request import RequestError
from app.widgets.map_upload import MapFile
from engine.spaces.description import SpaceDescription

#: Points along an axis that a map begins with: of digits, of photos, of a single axis.
DIGITS, PHOTOS, PROFILE = 100, 24, 200


@dataclass(frozen=True)
class Asked:
    """A space as it stands in the form, the label that is scored in it, and by which classifiers.

    `usual` is how many points an axis gets unless told otherwise; `file` is kept with the map.
    """

    space: SpaceDescription
    label: int
    label_name: str
    classifiers: list[str]
    usual: int
    file: MapFile | None = None


def label_choice(
    labels: Sequence[str], title: str, key: str, place: object, index: int | None = 0
) -> int | None:
    """One of the labels; None until one is chosen, where `index` is None."""
    return place.selectbox(  # type: ignore[attr-defined]
        title,
        range(len(labels)),
        index=index,
        format_func=lambda label: labels[label],
        placeholder="Choose what the picture shows",
        key=key,
    )


def classifiers_at_hand(menu: Menu, names: Sequence[str]) -> list[str]:
    """Those of them whose weights are here."""
    choices = [menu.classifiers[name] for name in names]
    return [one.name for one in choices if one.problem is None and one.checksum is not None]


def classifier_choice(
    there: Sequence[str], key: str, place: object, first: str | None = None
) -> list[str]:
    """Some of the classifiers; two to begin with, `first` before others."""
    default = [name for name in there if name == first] or list(there[:1])
    default += [name for name in there if name not in default][: 2 - len(default)]
    return place.multiselect("Classifiers", there, default, key=key)  # type: ignore[attr-defined]


def usual_points(generator: GeneratorChoice) -> int:
    """Digits are cheap, pictures of ImageNet's size are not."""
    return DIGITS if generator.image_shape[1] < 64 else PHOTOS


def grid_choice(axes: int, usual: int) -> tuple[int, float | None]:
    """How many points along an axis, and the tolerance of a refined map."""
    points = int(
        st.number_input(
            "Points along an axis",
            2,
            400 if axes == 1 else 200,
            PROFILE if axes == 1 else usual,
            key=f"map-resolution-{axes}-{usual}",
            width=170,
        )
    )
    refine = st.toggle(
        "Coarse first, finer where the score changes",
        key="map-refine",
        help="Points between neighbours whose scores differ by less than 0.05 are interpolated.",
    )
    return points, 0.05 if refine else None


def usable_generators(menu: Menu) -> dict[str, GeneratorChoice]:
    """The generators whose weights are here. Raises RequestError where none are."""
    usable = {
        name: choice
        for name, choice in menu.generators.items()
        if choice.problem is None and choice.checksum is not None
    }
    if not usable:
        raise RequestError("There is no generator whose weights are here: fetch one first.")
    return usable
