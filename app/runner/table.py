"""Stored results as plain dictionaries: what `--json` prints and the Python API returns."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from sqlite_utils import Database

from app.runner.request import RequestError
from data.experiments import Experiment, StoredCondition, conditions, experiment, experiments
from data.results import StoredResult, results, source


def find_experiment(database: Database, experiment_id: str | None) -> Experiment:
    """The experiment of this id, or the newest one for None. Raises RequestError."""
    newest = experiments(database, kind="experiment")
    if experiment_id is None:
        if newest:
            return newest[0]
        raise RequestError("There is no experiment yet: run `python -m app experiment` first.")
    found = experiment(database, experiment_id)
    if found is None:
        known = ", ".join(one.id for one in newest[:10]) or "none yet"
        raise RequestError(f"There is no experiment “{experiment_id}”; the newest are: {known}.")
    return found


def result_objects(database: Database, experiment_id: str) -> Iterator[dict[str, Any]]:
    """All stored results of an experiment, by condition and index."""
    for condition in conditions(database, experiment_id):
        for result in results(database, condition.id):
            yield result_object(database, condition, result)


def result_object(
    database: Database, condition: StoredCondition, result: StoredResult
) -> dict[str, Any]:
    """One result as a JSON object; a target of null means "any other label".

    `stimulus` and `source` are the SHA-256 names of the PNG files of the perturbed and the
    unperturbed picture; `magnitude` is null unless something was found, or a random direction of
    that magnitude drawn (`role`). `pixel_l2`, `pixel_linf` and `ssim` compare the two pictures.
    """
    origin = source(database, result.source_id) if result.source_id else None
    return {
        "experiment": condition.experiment_id,
        "index": result.trial_index,
        "label": result.label,
        "target": result.target,
        "seed": result.seed,
        "classifier": condition.classifier,
        "subset": condition.subset,
        "layer_weights": list(condition.layer_weights),
        "search": condition.search,
        "schedule": condition.schedule_name,
        "budget": condition.schedule["budget"],
        "role": condition.role,
        "repetition": condition.repetition,
        "outcome": result.outcome,
        "magnitude": result.magnitude,
        "bound": result.bound,
        "magnitudes": list(result.magnitudes) if result.magnitudes is not None else None,
        "pixel_l2": result.pixel_l2,
        "pixel_linf": result.pixel_linf,
        "ssim": result.ssim,
        "margin": result.margin,
        "steps": result.steps,
        "seconds": result.seconds,
        "source": origin.stimulus if origin else None,
        "stimulus": result.stimulus,
        "reason": result.reason,
    }
