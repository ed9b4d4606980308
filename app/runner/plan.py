"""From a request to a definition: every default filled in, every name checked.

A definition is the JSON form of `engine.experiment.Definition` with `slots` beside its fields, for
an exploration the `trial`, since its label and target are chosen, not drawn, with what is stored of
the one that it is to find `again`, and for an experiment `keep_perturbations` and the `device` that
was asked for.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict
from difflib import get_close_matches
from typing import Any

from app.runner.menu import GeneratorChoice, Menu
from app.runner.request import ExperimentRequest, RequestError, SearchRequest, about

#: More names than this are not listed in a message: the nearest ones are.
LISTED = 20
LARGEST_SEED = 2**53 - 1
USUAL_SLOTS = 128
PRECISIONS = ("float32", "bfloat16", "float64")
#: So many random directions, or repeated runs, of everything are more than any use of them.
MOST_CONTROLS = 20


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
        "precision": _precision(request.precision),
        "trial": {"index": 0, "label": label, "target": target, "seed": request.seed},
        "slots": 1,
        **({} if request.again is None else {"again": asdict(request.again)}),
    }


def experiment(menu: Menu, request: ExperimentRequest) -> dict[str, Any]:
    """The definition of a whole experiment. Raises RequestError."""
    generator = _generator(menu, request.generator)
    if not request.classifiers:
        raise RequestError(
            f"Choose at least one classifier: {', '.join(generator.classifiers)}.", "classifiers"
        )
    if not request.searches:
        raise RequestError(f"Choose at least one search: {', '.join(menu.searches)}.", "searches")
    check_trials(request.trials)
    slots = min(USUAL_SLOTS, request.trials) if request.slots is None else request.slots
    if slots < 1:
        raise RequestError("An experiment needs at least 1 slot.", "slots")
    _check_seed(request.seed)
    precision = _precision(request.precision)
    with about("subsets"):
        subsets = dict(_subset(generator, subset) for subset in request.subsets)
    conditions = [
        _condition(
            menu, generator, classifier, subset, layer_weights, search, schedule, request.budget
        )
        for search in _distinct(request.searches)
        for schedule in _schedules(menu, request, search)
        for subset, layer_weights in (subsets or dict([preset(generator, "all")])).items()
        for classifier in _distinct(request.classifiers)
    ]
    return {
        "generator": generator.name,
        "conditions": [*conditions, *_controls(conditions, request)],
        "trials": request.trials,
        "seed": request.seed,
        "targeted": request.targeted,
        **_generator_options(generator, request),
        "precision": precision,
        "slots": slots,
        "keep_perturbations": request.keep_perturbations,
        "device": request.device,
    }


def experiment_request(menu: Menu, definition: Mapping[str, Any]) -> ExperimentRequest:
    """The request that a stored experiment's definition answers: `experiment` is its inverse."""
    generator = _generator(menu, definition["generator"])
    conditions = definition["conditions"]
    searched = [one for one in conditions if one.get("role", "search") == "search"]
    points = [point.name for point in generator.points]
    subsets: dict[str, str | dict[str, float]] = {}
    for one in searched:
        weights = dict(zip(points, one["layer_weights"], strict=True))
        is_preset = one["subset"] in generator.presets
        subsets[one["subset"]] = (
            one["subset"] if is_preset else {point: w for point, w in weights.items() if w}
        )
    budgets = {
        one["schedule"]["budget"]
        for one in searched
        if one["schedule"]["budget"] != menu.schedules[one["schedule_name"]]["budget"]
    }
    repetitions = {
        role: max((one["repetition"] for one in conditions if one.get("role") == role), default=0)
        for role in ("random-direction", "repeat")
    }
    return ExperimentRequest(
        generator=generator.name,
        classifiers=tuple(_distinct(one["classifier"] for one in searched)),
        subsets=tuple(subsets.values()),
        searches=tuple(_distinct(one["search"] for one in searched)),
        schedules=tuple(_distinct(one["schedule_name"] for one in searched)),
        budget=max(budgets, default=None),
        trials=definition["trials"],
        seed=definition["seed"],
        targeted=definition["targeted"],
        slots=definition["slots"],
        precision=definition.get("precision", "float32"),
        random_directions=repetitions["random-direction"],
        repeats=repetitions["repeat"],
        keep_perturbations=definition.get("keep_perturbations", False),
        device=definition.get("device"),
        truncation=definition["truncation"],
        condition_follows_z=definition.get("condition_follows_z", True),
    )


def check_pair(menu: Menu, generator: str, classifier: str) -> None:
    """Raises RequestError for names that there are not, and for two that do not fit each other."""
    fitting = _named(menu.generators, generator, "generator").classifiers
    _named(menu.classifiers, classifier, "classifier")
    if classifier not in fitting:
        raise RequestError(
            f"{classifier} does not tell apart the labels of {generator}; these do:"
            f" {', '.join(fitting)}."
        )


def check_trials(trials: int) -> None:
    """Raises RequestError for a number of trials that no experiment has."""
    if trials < 1:
        raise RequestError("An experiment needs at least 1 trial.", "trials")


def _subset(
    generator: GeneratorChoice, subset: str | Mapping[str, float]
) -> tuple[str, tuple[float, ...]]:
    return (
        preset(generator, subset) if isinstance(subset, str) else custom_subset(generator, subset)
    )


def _controls(
    conditions: list[dict[str, Any]], request: ExperimentRequest
) -> Iterator[dict[str, Any]]:
    """After all searches, since a random direction needs the magnitude that its search found."""
    asked = {"random-direction": request.random_directions, "repeat": request.repeats}
    for role, key in (("random-direction", "random_directions"), ("repeat", "repeats")):
        if not 0 <= asked[role] <= MOST_CONTROLS:
            raise RequestError(
                f"Controls are repeated 0 to {MOST_CONTROLS} times, not {asked[role]}.", key
            )
        for repetition in range(1, asked[role] + 1):
            for position, controlled in enumerate(conditions):
                yield {
                    **controlled,
                    "role": role,
                    "controls": position,
                    "repetition": repetition,
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
    count = sum(one.get("role", "search") == "search" for one in definition["conditions"])
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
    with about("classifiers"):
        problem = _named(menu.classifiers, classifier, "classifier").problem
        if problem:
            raise RequestError(problem)
        check_pair(menu, generator.name, classifier)
    with about("searches"):
        fitting = _named(menu.searches, search, "search")
    with about("schedules"):
        schedule = schedule or default_schedule(menu, generator, search)
        values = dict(_named(menu.schedules, schedule, "schedule"))
        if schedule not in fitting:
            raise RequestError(
                f"The schedule {schedule} is not made for the {search} search; choose from"
                f" {', '.join(fitting)}."
            )
    if budget is not None:
        if budget < 1:
            raise RequestError("The budget must be at least 1 step.", "budget")
        values["budget"] = budget
    return {
        "classifier": classifier,
        "subset": subset,
        "layer_weights": list(layer_weights),
        "search": search,
        "schedule_name": schedule,
        "schedule": values,
        "role": "search",
        "controls": None,
        "repetition": 0,
    }


def _generator(menu: Menu, name: str) -> GeneratorChoice:
    with about("generator"):
        generator = _named(menu.generators, name, "generator")
        if generator.problem:
            raise RequestError(generator.problem)
    return generator


def _generator_options(
    generator: GeneratorChoice, request: SearchRequest | ExperimentRequest
) -> dict[str, Any]:
    """The recorded options of the generator, which not every one has."""
    if not 0 < request.truncation <= 1:
        raise RequestError(
            f"Truncation is above 0 and at most 1, not {request.truncation:g}.", "truncation"
        )
    asked = {
        "truncation": request.truncation,
        "condition_follows_z": request.condition_follows_z,
    }
    for option, (words, usual) in _OPTIONS.items():
        if asked[option] != usual and option not in generator.options:
            raise RequestError(f"{generator.name} has no {words}: leave it at {usual}.", option)
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


def _precision(name: str) -> str:
    with about("precision"):
        if name not in PRECISIONS:
            raise _unknown(name, "precision", PRECISIONS)
    return name


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
        raise RequestError(f"A seed is a whole number from 0 to {LARGEST_SEED}.", "seed")


def _distinct(values: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(values))
