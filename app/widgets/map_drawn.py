"""Spaces of a generator's pictures: a perturbation plane, components, interpolation, changes."""

from __future__ import annotations

import streamlit as st

from app.access import database
from app.figures import figures
from app.runner import map_request
from app.runner.menu import GeneratorChoice, Menu
from app.runner.request import RequestError
from app.trial_words import label_name
from app.widgets.map_choices import (
    Asked,
    classifier_choice,
    classifiers_at_hand,
    label_choice,
    usable_generators,
    usual_points,
)
from app.widgets.map_seen import photo
from app.widgets.page_link import page_link
from data.found_directions import Found, found_directions, of_the_same_source
from engine.spaces.changes import TRANSFORMATIONS
from engine.spaces.description import Change, SpaceDescription, Transformations

RANDOM = "random orthogonal direction"
PICTURES = ("of a generator", "a photo")


def plane(menu: Menu) -> Asked | None:
    """The plane of what a search found, and of another perturbation or noise."""
    runs = found_directions(database())
    if not runs:
        st.info(
            "A perturbation plane needs a perturbation: run a search on the Explore page (or an"
            " experiment), and what it finds is an axis here."
        )
        page_link("explore", "Open Explore", ":material/arrow_forward:")
        return None
    left, right = st.columns(2)
    first = left.selectbox(
        "First perturbation", runs, format_func=lambda one: _told(menu, one), key="map-first"
    )
    others = of_the_same_source(database(), first)
    second = right.selectbox(
        "Second axis",
        [None, *others],
        format_func=lambda one: RANDOM if one is None else _told(menu, one),
        index=1 if others else 0,
        key="map-second",
        help="Another perturbation of the same picture, or noise of the same size at every point.",
    )
    choice = menu.generators.get(first.generator)
    if choice is None:
        raise RequestError(f"The generator {first.generator} is not in the catalogue any more.")
    one, two, three = st.columns(3)
    classifiers = _classifiers(menu, choice, one, first.classifier)
    low, high = two.slider(
        "Range, in multiples of the perturbation", -2.0, 3.0, (-0.5, 1.5), 0.25, key="map-range"
    )
    if not low < high:
        raise RequestError("The range has to have some width.")
    seed = 0
    if second is None:
        seed = int(three.number_input("Seed of the noise", 0, 10**6, 0, key="map-noise"))
    space = map_request.plane(first, second, seed=seed, lower=(low, low), upper=(high, high))
    return Asked(space, first.label, choice.labels[first.label], classifiers, usual_points(choice))


def components(menu: Menu) -> Asked:
    """Principal components of a point's activations, around a source."""
    generator, label, classifiers = _source(menu)
    left, middle, right = st.columns(3)
    seed = int(left.number_input("Seed of the source", 0, 2**31, 0, key="map-seed"))
    points = [one.name for one in generator.points]
    point = middle.selectbox("Point", points, key="map-point")
    numbers = right.multiselect(
        "Components, the largest first",
        list(range(1, 21)),
        [1, 2],
        max_selections=2,
        key="map-components",
    )
    source = map_request.generated(generator, label, seed)
    space = map_request.components(generator, source, point, numbers)
    return _asked(space, generator, label, classifiers)


def interpolation(menu: Menu) -> Asked:
    """From one source to another, by the latent and by the label."""
    generator, label, classifiers = _source(menu)
    left, middle, right = st.columns(3)
    first = int(left.number_input("Seed of the first source", 0, 2**31, 0, key="map-seed"))
    other = _label(generator, "Label of the second", "map-other-label", middle)
    second = int(right.number_input("Seed of the second", 0, 2**31, 1, key="map-other-seed"))
    space = map_request.interpolation(
        map_request.generated(generator, label, first),
        map_request.generated(generator, other, second),
    )
    return _asked(space, generator, label, classifiers)


def transformations(menu: Menu) -> Asked | None:
    """One or two changes of a generator's picture, or of a photo."""
    with st.container(horizontal=True, vertical_alignment="bottom"):
        picture = st.segmented_control(
            "Picture", PICTURES, default=PICTURES[0], required=True, key="map-picture-of"
        )
        names = st.multiselect(
            "Transformations",
            list(TRANSFORMATIONS),
            ["rotation", "scale"],
            max_selections=2,
            key="map-changes",
        )
    if not names:
        raise RequestError("Choose one transformation, or two.")
    changes = [_change(name, place) for name, place in zip(names, st.columns(2), strict=False)]
    if picture == PICTURES[1]:
        return photo(menu, changes)
    generator, label, classifiers = _source(menu)
    seed = int(st.number_input("Seed of the source", 0, 2**31, 0, key="map-seed", width=200))
    space = Transformations(map_request.generated(generator, label, seed), tuple(changes))
    return _asked(space, generator, label, classifiers)


def _change(name: str, place: object) -> Change:
    offered = TRANSFORMATIONS[name]
    ends = (float(offered.lower), float(offered.upper))
    title = f"Range of {name} ({offered.unit})" if offered.unit else f"Range of {name}"
    low, high = place.slider(title, *ends, ends, format="%g", key=f"map-range-{name}")  # type: ignore[attr-defined]
    if not low < high:
        raise RequestError(f"The range of {name} has to have some width.")
    return Change(name, low, high)


def _source(menu: Menu) -> tuple[GeneratorChoice, int, list[str]]:
    """A generator, one of its labels, and classifiers of them."""
    usable = usable_generators(menu)
    left, middle, right = st.columns(3)
    generator = usable[left.selectbox("Generator", list(usable), key="map-generator")]
    label = _label(generator, "Label", "map-label", middle)
    return generator, label, _classifiers(menu, generator, right)


def _label(generator: GeneratorChoice, title: str, key: str, place: object) -> int:
    label = label_choice(generator.labels, title, f"{key}-{generator.name}", place)
    assert label is not None, "one is chosen to begin with"
    return label


def _classifiers(
    menu: Menu, generator: GeneratorChoice, place: object, first: str | None = None
) -> list[str]:
    there = classifiers_at_hand(menu, generator.classifiers)
    return classifier_choice(there, f"map-classifiers-{generator.name}", place, first)


def _asked(
    space: SpaceDescription, generator: GeneratorChoice, label: int, classifiers: list[str]
) -> Asked:
    return Asked(space, label, generator.labels[label], classifiers, usual_points(generator))


def _told(menu: Menu, found: Found) -> str:
    """ "seven 4 → not a seven by mnist-standard, layers all, ‖p‖ 0.638"."""
    choice = menu.generators.get(found.generator)
    names = choice.labels if choice else ()
    target = "other" if found.target is None else label_name(found.target, names)
    gone = "" if found.perturbation else " · found again first"
    return (
        f"{label_name(found.label, names)} {found.seed} → {target}, {found.classifier}, layers"
        f" {found.subset}, {found.search}, ‖p‖ {figures(found.magnitude)}{gone}"
    )
