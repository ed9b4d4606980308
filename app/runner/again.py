"""A stored trial searched again: what to ask for, and whether it was found as it is stored."""

from __future__ import annotations

from app.runner.menu import Menu
from app.runner.request import RequestError, SearchRequest, StoredTrial
from data.experiments import Experiment, StoredCondition
from data.results import StoredResult


def again(
    menu: Menu | None,
    experiment: Experiment,
    condition: StoredCondition,
    stored: StoredResult,
    *,
    owner: str = "local",
) -> SearchRequest:
    """The search of one trial of an experiment, by itself, in the experiment's precision.

    `menu`: None before the worker has written it. Raises RequestError where a model is no longer
    the one that the trial was searched with.
    """
    generator = menu and menu.generators.get(experiment.generator)
    if menu is None or generator is None:
        raise RequestError(
            f"The generator {experiment.generator} is not at hand: where the worker is still"
            " starting, try again in a moment."
        )
    classifier = menu.classifiers.get(condition.classifier)
    used = {
        experiment.generator: (stored.generator_checksum, generator.checksum),
        condition.classifier: (stored.classifier_checksum, classifier and classifier.checksum),
    }
    # A model that is not here yet has no checksum; of old results some are not known.
    changed = [name for name, (then, now) in used.items() if then and now and then != now]
    if changed:
        raise RequestError(
            f"The weights of {' and '.join(changed)} are not those that this trial was searched"
            " with, so that it cannot be found again: put the old weights back, or search on"
            " Explore."
        )
    if len(generator.points) != len(condition.layer_weights):
        raise RequestError("This trial was made with another generator than there is now.")
    return SearchRequest(
        generator=experiment.generator,
        classifier=condition.classifier,
        label=stored.label,
        target=stored.target,
        seed=stored.seed,
        weights={
            point.name: weight
            for point, weight in zip(generator.points, condition.layer_weights, strict=True)
            if weight > 0
        },
        search=condition.search,
        schedule=condition.schedule_name,
        budget=int(condition.schedule["budget"]),
        truncation=float(experiment.definition.get("truncation", 1.0)),
        condition_follows_z=experiment.definition.get("condition_follows_z", True),
        precision=experiment.definition.get("precision", "float32"),
        again=StoredTrial(
            experiment=experiment.id,
            name=experiment.name,
            trial_index=stored.trial_index,
            outcome=stored.outcome,
            magnitude=stored.magnitude,
            slots=int(experiment.definition.get("slots", 1)),
            device=stored.device,
        ),
        owner=owner,
    )


def comparison(stored: StoredTrial, outcome: str, magnitude: float | None) -> str:
    """One or two sentences: is it found as it is stored, and if not, why that may be."""
    then, now = _ending(stored.outcome, stored.magnitude), _ending(outcome, magnitude)
    if (stored.outcome, stored.magnitude) == (outcome, magnitude):
        return f"Found again as it is stored: {now}."
    return (
        f"Stored {then}, found again {now}. There it was searched on {stored.device}, in"
        f" {stored.slots} slots; here it is alone. Across numbers of slots, machines and versions"
        " float noise can change a search."
    )


def _ending(outcome: str, magnitude: float | None) -> str:
    return outcome if magnitude is None else f"magnitude {magnitude:.6g}"
