"""From a request to a definition: every default filled in, every name checked.

A definition is the JSON form of `engine.experiment.Definition` with `slots` beside its fields, and
for an exploration the `trial`, since its label and target are chosen, not drawn.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from typing import Any

from app.runner.menu import GeneratorChoice, Menu
from app.runner.request import ExperimentRequest, RequestError, SearchRequest

#: More names than this are not listed in a message: the nearest ones are.
LISTED = 20
LARGEST_SEED = 2**53 - 1
USUAL_SLOTS = 128


def exploration(menu: Menu, request: SearchRequest) -> dict[str, Any]:
    """The definition of one search with chosen label and target. Raises RequestError."""
    generator = _generator(menu, request.generator)
    label = _label(generator, request.label)
    target = None if request.target is None else _label(generator, request.target)
    if target == label:
        raise RequestError("The target label must differ from the label: choose another target.")
    _check_seed(request.seed)
    subset, layer_weights = (
        custom_subset(generator, request.weights)
        if request.weights is not None
        else preset(generator, request.subset)
    )
    condition = _condition(
        menu,
        generator,
        request.classifier,
        subset,
        layer_weights,
        request.search,
        request.schedule,
        request.budget,
    )
    return {
        "generator": generator.name,
        "conditions": [condition],
        "trials": 1,
        "seed": request.seed,
        "targeted": target is not None,
        **_generator_options(generator, request),
        "trial": {"index": 0, "label": label, "target": target, "seed": request.seed},
        "slots": 1,
    }


def experiment(menu: Menu, request: ExperimentRequest) -> dict[str, Any]:
    """The definition of a whole experiment. Raises RequestError."""
    generator = _generator(menu, request.generator)
    if not request.classifiers:
        raise RequestError(f"Choose at least one classifier: {', '.join(generator.classifiers)}.")
    slots = min(USUAL_SLOTS, request.trials) if request.slots is None else request.slots
    if request.trials < 1 or slots < 1:
        raise RequestError("An experiment needs at least 1 trial and 1 slot.")
    _check_seed(request.seed)
    subsets = [preset(generator, name) for name in _distinct(request.subsets)]
    if request.weights is not None:
        subsets.append(custom_subset(generator, request.weights))
    conditions = [
        _condition(
            menu, generator, classifier, subset, layer_weights, search, schedule, request.budget
        )
        for search in _distinct(request.searches)
        for schedule in _schedules(menu, request, search)
        for subset, layer_weights in subsets or [preset(generator, "all")]
        for classifier in _distinct(request.classifiers)
    ]
    return {
        "generator": generator.name,
        "conditions": conditions,
        "trials": request.trials,
        "seed": request.seed,
        "targeted": request.targeted,
        **_generator_options(generator, request),
        "slots": slots,
    }


def exploration_name(menu: Menu, definition: Mapping[str, Any]) -> str:
    """What to call a search: "seven → any other, mnist-robust, first, seed 42"."""
    labels = menu.generators[definition["generator"]].labels
    trial, [condition] = definition["trial"], definition["conditions"]
    target = "any other" if trial["target"] is None else labels[trial["target"]]
    return (
        f"{labels[trial['label']]} → {target}, {condition['classifier']}, {condition['subset']},"
        f" seed {trial['seed']}"
    )


def experiment_name(definition: Mapping[str, Any]) -> str:
    """What to call an experiment that was given no name: "mnist-conv, 4 conditions, 240 trials"."""
    count = len(definition["conditions"])
    return (
        f"{definition['generator']}, {count} condition{'s' if count > 1 else ''},"
        f" {definition['trials']} trials"
    )


def preset(generator: GeneratorChoice, name: str) -> tuple[str, tuple[float, ...]]:
    """A preset's name and its layer weights: 1 where a point is perturbed, 0 elsewhere."""
    chosen = _named(generator.presets, name, f"layer subset of {generator.name}")
    return name, tuple(float(point.name in chosen) for point in generator.points)


def custom_subset(
    generator: GeneratorChoice, weights: Mapping[str, float]
) -> tuple[str, tuple[float, ...]]:
    """A name for the user's own layer weights, a preset's where they equal one, and the weights."""
    points = {point.name: point for point in generator.points}
    for name, weight in weights.items():
        _named(points, name, f"point of {generator.name}")
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


def _schedules(menu: Menu, request: ExperimentRequest, search: str) -> list[str | None]:
    """Those asked for that are made for this search, or None, its default, where none is.

    One that is made for none of the searches asked for is left in, to be refused.
    """
    asked = _distinct(request.schedules)
    made_for = {name for other in request.searches for name in menu.searches.get(other, ())}
    fitting = menu.searches.get(search, ())
    return [name for name in asked if name in fitting or name not in made_for] or [None]


def _condition(
    menu: Menu,
    generator: GeneratorChoice,
    classifier: str,
    subset: str,
    layer_weights: tuple[float, ...],
    search: str,
    schedule: str | None,
    budget: int | None,
) -> dict[str, Any]:
    problem = _named(menu.classifiers, classifier, "classifier").problem
    if problem:
        raise RequestError(problem)
    if classifier not in generator.classifiers:
        raise RequestError(
            f"{classifier} does not tell apart the labels of {generator.name}; these do:"
            f" {', '.join(generator.classifiers)}."
        )
    fitting = _named(menu.searches, search, "search")
    schedule = schedule or default_schedule(menu, generator, search)
    values = dict(_named(menu.schedules, schedule, "schedule"))
    if schedule not in fitting:
        raise RequestError(
            f"The schedule {schedule} is not made for the {search} search; choose from"
            f" {', '.join(fitting)}."
        )
    if budget is not None:
        if budget < 1:
            raise RequestError("The budget must be at least 1 step.")
        values["budget"] = budget
    return {
        "classifier": classifier,
        "subset": subset,
        "layer_weights": list(layer_weights),
        "search": search,
        "schedule_name": schedule,
        "schedule": values,
    }


def _generator(menu: Menu, name: str) -> GeneratorChoice:
    generator = _named(menu.generators, name, "generator")
    if generator.problem:
        raise RequestError(generator.problem)
    return generator


def _generator_options(
    generator: GeneratorChoice, request: SearchRequest | ExperimentRequest
) -> dict[str, Any]:
    """The recorded options of the generator, which not every one has."""
    if not 0 < request.truncation <= 1:
        raise RequestError(f"Truncation is above 0 and at most 1, not {request.truncation:g}.")
    asked = {
        "truncation": request.truncation,
        "condition_follows_z": request.condition_follows_z,
    }
    for option, (words, usual) in _OPTIONS.items():
        if asked[option] != usual and option not in generator.options:
            raise RequestError(f"{generator.name} has no {words}: leave it at {usual}.")
    return asked


_OPTIONS = {
    "truncation": ("truncation", 1.0),
    "condition_follows_z": ("condition that follows z", True),
}


def _label(generator: GeneratorChoice, label: int | str) -> int:
    """The index of a label given as index, name or phrase."""
    text = str(label).strip()
    if text.isdecimal():
        if int(text) < len(generator.labels):
            return int(text)
        raise RequestError(
            f"There is no label {text}: {generator.name} has labels 0 to"
            f" {len(generator.labels) - 1}."
        )
    for names in (generator.labels, generator.phrases):
        matches = [index for index, name in enumerate(names) if name.lower() == text.lower()]
        if len(matches) == 1:
            return matches[0]
        if matches:
            raise RequestError(
                f"Labels {' and '.join(map(str, matches))} are called “{text}”: give the number."
            )
    raise _unknown(text, "label", generator.labels)


def _named(choices: Mapping[str, Any], name: str, kind: str) -> Any:
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


def _check_seed(seed: int) -> None:
    if not 0 <= seed <= LARGEST_SEED:
        raise RequestError(f"A seed is a whole number from 0 to {LARGEST_SEED}.")


def _distinct(values: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(values))
