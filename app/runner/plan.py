"""From a request to a definition: every default filled in, every name checked.

A definition is the JSON form of `engine.experiment.Definition` with `slots` beside its fields, for
an exploration the `trial`, since its label and target are chosen, not drawn, with what is stored of
the one that it is to find `again`, and for an experiment `keep_perturbations` and the `device` that
was asked for.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict
from typing import Any

from app.runner.choices import (
    check_pair,
    choice_of,
    chosen_generator,
    chosen_precision,
    chosen_subset,
    custom_subset,
    default_schedule,
    label_index,
    preset,
)
from app.runner.menu import GeneratorChoice, Menu
from app.runner.request import ExperimentRequest, RequestError, SearchRequest, about
from data.counted import counted

LARGEST_SEED = 2**53 - 1
USUAL_SLOTS = 128
#: So many random directions, or repeated runs, of everything are more than any use of them.
MOST_CONTROLS = 20


def exploration(menu: Menu, request: SearchRequest) -> dict[str, Any]:
    """The definition of one search with chosen label and target. Raises RequestError."""
    generator = chosen_generator(menu, request.generator)
    label = label_index(generator, request.label)
    target = None if request.target is None else label_index(generator, request.target)
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
        "precision": chosen_precision(request.precision),
        "trial": {"index": 0, "label": label, "target": target, "seed": request.seed},
        "slots": 1,
        **({} if request.again is None else {"again": asdict(request.again)}),
    }


def experiment(menu: Menu, request: ExperimentRequest) -> dict[str, Any]:
    """The definition of a whole experiment. Raises RequestError."""
    generator = chosen_generator(menu, request.generator)
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
    precision = chosen_precision(request.precision)
    with about("subsets"):
        subsets = dict(chosen_subset(generator, subset) for subset in request.subsets)
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
    generator = chosen_generator(menu, definition["generator"])
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


def check_trials(trials: int) -> None:
    """Raises RequestError for a number of trials that no experiment has."""
    if trials < 1:
        raise RequestError("An experiment needs at least 1 trial.", "trials")


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
        f"{definition['generator']}, {counted(count, 'condition')},"
        f" {counted(definition['trials'], 'trial')}"
    )


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
        problem = choice_of(menu.classifiers, classifier, "classifier").problem
        if problem:
            raise RequestError(problem)
        check_pair(menu, generator.name, classifier)
    with about("searches"):
        fitting = choice_of(menu.searches, search, "search")
    with about("schedules"):
        schedule = schedule or default_schedule(menu, generator, search)
        values = dict(choice_of(menu.schedules, schedule, "schedule"))
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


def _check_seed(seed: int) -> None:
    if not 0 <= seed <= LARGEST_SEED:
        raise RequestError(f"A seed is a whole number from 0 to {LARGEST_SEED}.", "seed")


def _distinct(values: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(values))
