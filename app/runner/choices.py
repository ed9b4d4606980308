"""What a request names, looked up in the menu; what is not there is refused with what is."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from typing import Any

from app.runner.menu import GeneratorChoice, LabelSet, Menu
from app.runner.request import RequestError, about

#: More names than this are not listed in a message: the nearest ones are.
LISTED = 20
PRECISIONS = ("float32", "bfloat16", "float64")


def chosen_generator(menu: Menu, name: str) -> GeneratorChoice:
    """The generator of this name. Raises RequestError where it cannot be used, too."""
    with about("generator"):
        generator = choice_of(menu.generators, name, "generator")
        if generator.problem:
            raise RequestError(generator.problem)
    return generator


def check_pair(menu: Menu, generator: str, classifier: str) -> None:
    """Raises RequestError for names that there are not, and for two that do not fit each other."""
    drawn = choice_of(menu.generators, generator, "generator")
    asked = choice_of(menu.classifiers, classifier, "classifier")
    if classifier in drawn.classifiers:
        return
    these = f"these do: {', '.join(drawn.classifiers)}."
    if any(classifier in one.classifiers and one.labels == drawn.labels for one in menu.label_sets):
        takes, draws = (" × ".join(map(str, one.image_shape)) for one in (asked, drawn))
        raise RequestError(
            f"{classifier} takes pictures of {takes}, and those of {generator} are {draws}: it does"
            f" not fit; {these} (A `size` in its entry resizes; channels have to be as many.)"
        )
    raise RequestError(f"{classifier} does not tell apart the labels of {generator}; {these}")


def chosen_subset(
    generator: GeneratorChoice, subset: str | Mapping[str, float]
) -> tuple[str, tuple[float, ...]]:
    """The name and the layer weights of a preset, or of the user's own weights."""
    return (
        preset(generator, subset) if isinstance(subset, str) else custom_subset(generator, subset)
    )


def preset(generator: GeneratorChoice, name: str) -> tuple[str, tuple[float, ...]]:
    """A preset's name and its layer weights: 1 where a point is perturbed, 0 elsewhere."""
    chosen = choice_of(generator.presets, name, f"layer subset of {generator.name}")
    return name, tuple(float(point.name in chosen) for point in generator.points)


def custom_subset(
    generator: GeneratorChoice, weights: Mapping[str, float]
) -> tuple[str, tuple[float, ...]]:
    """A name for the user's own layer weights, a preset's where they equal one, and the weights."""
    points = {point.name: point for point in generator.points}
    for name, weight in weights.items():
        choice_of(points, name, f"point of {generator.name}")
        if not 0 <= weight < float("inf"):
            raise RequestError(f"The layer weight of {name} is {weight}: it must be 0 or more.")
    layer_weights = tuple(float(weights.get(name, 0)) for name in points)
    if not any(layer_weights):
        raise RequestError("At least one point needs a layer weight above 0: choose a point.")
    for name in generator.presets:
        if preset(generator, name)[1] == layer_weights:
            return name, layer_weights
    parts = (
        name if weight == 1 else f"{name}×{weight:g}"
        for name, weight in zip(points, layer_weights, strict=True)
        if weight
    )
    return "+".join(parts), layer_weights


def default_schedule(menu: Menu, generator: GeneratorChoice, search: str) -> str:
    """The generator's own schedule where it is made for the search, else the search's."""
    fitting = menu.searches[search]
    return generator.schedule if generator.schedule in fitting else fitting[0]


def label_index(known: GeneratorChoice | LabelSet, label: int | str) -> int:
    """The index of a label given as index, name or phrase."""
    text = str(label).strip()
    if text.isdecimal():
        if int(text) < len(known.labels):
            return int(text)
        raise RequestError(
            f"There is no label {text}: the labels here are 0 to {len(known.labels) - 1}."
        )
    for names in (known.labels, known.phrases):
        matches = [index for index, name in enumerate(names) if name.lower() == text.lower()]
        if len(matches) == 1:
            return matches[0]
        if matches:
            raise RequestError(
                f"Labels {' and '.join(map(str, matches))} are called “{text}”: give the number."
            )
    raise _unknown(text, "label", known.labels)


def chosen_precision(name: str) -> str:
    """One of PRECISIONS."""
    with about("precision"):
        if name not in PRECISIONS:
            raise _unknown(name, "precision", PRECISIONS)
    return name


def choice_of(choices: Mapping[str, Any], name: str, kind: str) -> Any:
    """The choice of this name, which is a `kind` of thing, such as "generator"."""
    if name not in choices:
        raise _unknown(name, kind, choices)
    return choices[name]


def _unknown(name: str, kind: str, choices: Iterable[str]) -> RequestError:
    names = list(choices)
    if len(names) > LISTED:
        near = get_close_matches(name.lower(), names, n=5, cutoff=0.4)
        hint = f"near to it are {', '.join(near)}" if near else f"there are {len(names)}"
        return RequestError(f"There is no {kind} “{name}”; {hint}.")
    return RequestError(f"There is no {kind} “{name}”; choose from {', '.join(names)}.")
