"""Which classifiers can score the pictures of a space: those of its labels and channels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from app.runner.menu import LabelSet, Menu
from app.runner.request import RequestError
from engine.spaces.description import GeneratedSource, SpaceDescription

#: Photos and views of meshes are coloured.
COLOURED = 3
NO_CLASSIFIER = (
    "There is no classifier of coloured pictures whose weights are here: get one in a terminal (for"
    " instance python -m app models add torchvision:squeezenet1_1, then python -m app models fetch"
    " torchvision:squeezenet1_1), or take its weights from a file (python -m app models import NAME"
    " FILE; python -m app models list has the names)."
)


def coloured_labels(menu: Menu) -> list[LabelSet]:
    """The labels that coloured pictures can be scored for, each with the classifiers that are here.

    Raises RequestError where there are none.
    """
    found = [
        replace(one, classifiers=tuple(_here(menu, one.classifiers, COLOURED)))
        for one in menu.label_sets
    ]
    found = [one for one in found if one.classifiers]
    if not found:
        raise RequestError(NO_CLASSIFIER)
    return found


def check_classifiers(
    menu: Menu, space: SpaceDescription, label: int, label_name: str, names: Sequence[str]
) -> None:
    """Raises RequestError where one of them does not see such pictures, or knows no such label.

    It lists those that do, and are here.
    """
    channels = _channels(menu, space)
    knowing = {
        name
        for one in menu.label_sets
        if label < len(one.labels) and one.labels[label] == label_name
        for name in one.classifiers
    }
    for name in names:
        choice = menu.classifiers[name]
        seen = choice.image_shape[0]
        if name in knowing and seen == channels:
            continue
        problem = (
            f"takes pictures of {_said(seen)}, and these have {_said(channels)}"
            if seen != channels
            else f"has no label {label} called {label_name}"
        )
        fitting = _here(menu, [one for one in menu.classifiers if one in knowing], channels)
        others = f"Choose of {', '.join(fitting)}." if fitting else NO_CLASSIFIER
        raise RequestError(f"{name} cannot score these pictures: it {problem}. {others}")


def _here(menu: Menu, names: Sequence[str], channels: int) -> list[str]:
    """Those whose weights are here, and that take pictures of so many channels."""
    choices = [menu.classifiers[name] for name in names]
    return [
        one.name
        for one in choices
        if one.checksum is not None and one.problem is None and one.image_shape[0] == channels
    ]


def _channels(menu: Menu, space: SpaceDescription) -> int:
    source = getattr(space, "source", None) or getattr(space, "first", None)
    if isinstance(source, GeneratedSource) and source.generator in menu.generators:
        return menu.generators[source.generator].image_shape[0]
    return COLOURED


def _said(channels: int) -> str:
    return "1 channel" if channels == 1 else f"{channels} channels"
