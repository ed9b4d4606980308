"""Small, valid rows for tests: an experiment with two conditions, results, a study."""

from __future__ import annotations

from typing import Any

import numpy as np
from sqlite_utils import Database

from data.experiments import ConditionRow, conditions, create_experiment
from data.home import Home
from data.labellers import add_labeller, labeller_of
from data.results import Confidences, ResultRow, SourceRow, add_source, add_stimulus, source
from data.studies import ItemRow, add_items, create_study, items


def pixels(seed: int, height: int = 28, width: int = 28, channels: int = 1) -> np.ndarray:
    """An 8-bit image of noise."""
    return np.random.default_rng(seed).integers(0, 256, (height, width, channels), np.uint8)


def perturbation(seed: int) -> dict[str, np.ndarray]:
    """A perturbation of two points, 6.7 kB of float16."""
    draws = np.random.default_rng(seed)
    return {
        "z": draws.standard_normal(128).astype(np.float16),
        "conv-1": draws.standard_normal((32, 10, 10)).astype(np.float16),
    }


def an_experiment(database: Database, **changes: Any) -> str:
    """Two conditions over ten trials."""
    row = {
        "kind": "experiment",
        "name": "first and last",
        "definition": {"generator": "mnist-conv", "trials": 10},
        "conditions": [
            ConditionRow(
                classifier="mnist-standard",
                classifier_checksum="c" * 64,
                subset=subset,
                layer_weights=weights,
                search="relaxation",
                schedule_name="mnist",
                schedule={"learning_rate": 0.004, "budget": 10_000},
            )
            for subset, weights in (("first", (1.0, 0.0)), ("last", (0.0, 1.0)))
        ],
        "code_version": "0.1.0",
        "generator": "mnist-conv",
        "generator_checksum": "d" * 64,
        "seed": 0,
        "trials": 10,
        "created_by": "ada",
    }
    return create_experiment(database, **row | changes)


def a_source(seed: int = 1, **changes: Any) -> SourceRow:
    """The identity of a three."""
    row = {
        "generator": "mnist-conv",
        "generator_checksum": "d" * 64,
        "label": 3,
        "seed": seed,
        "truncation": 1.0,
        "options": {},
    }
    return SourceRow(**row | changes)


def a_failure(condition_id: int, trial_index: int = 0, **changes: Any) -> ResultRow:
    """A result that refers to no image."""
    row = {
        "condition_id": condition_id,
        "trial_index": trial_index,
        "label": 3,
        "target": 5,
        "seed": 1,
        "outcome": "failed",
        "steps": 0,
        "seconds": 0.5,
        "device": "cpu",
        "code_version": "0.1.0",
        "generator_checksum": "d" * 64,
        "classifier_checksum": "c" * 64,
        "reason": "the logits are not finite",
    }
    return ResultRow(**row | changes)


def a_find(
    database: Database, home: Home, condition_id: int, trial_index: int = 0, **changes: Any
) -> ResultRow:
    """A found result, whose source and stimulus it stores."""
    row = {
        "outcome": "found",
        "steps": 7,
        "reason": None,
        "source_id": add_source(database, home, a_source(trial_index), pixels(trial_index)),
        "stimulus": add_stimulus(database, home, pixels(1000 + trial_index)),
        "magnitude": 0.107,
        "bound": 0.107,
        "bracket_low": 0.106,
        "bracket_high": 0.107,
        "magnitudes": (0.1, 0.038),
        "margin": 0.25,
        "confidences_before": Confidences(top=((3, 0.9), (5, 0.1)), label=0.9, target=0.1),
        "confidences_after": Confidences(top=((5, 0.6), (3, 0.4)), label=0.4, target=0.6),
    }
    return a_failure(condition_id, trial_index, **row | changes)


def a_study(database: Database, home: Home, *, pairs: int = 1) -> tuple[str, int, list[int]]:
    """A study of so many pairs with one labeller: (study, labeller, items)."""
    experiment_id = an_experiment(database)
    first = conditions(database, experiment_id)[0].id
    finds = [a_find(database, home, first, index) for index in range(pairs)]
    study_id = create_study(
        database, name="digits", experiment_ids=[experiment_id], options={}, created_by="ada"
    )
    add_items(
        database,
        study_id,
        [
            ItemRow(
                source_stimulus=source(database, find.source_id).stimulus,
                perturbed_stimulus=find.stimulus,
                label=find.label,
                phrase="a three",
                search_term="three digit",
            )
            for find in finds
        ],
    )
    labeller = labeller_of(database, add_labeller(database, study_id, "synthetic labeller"))
    return study_id, labeller.id, [item.id for item in items(database, study_id)]
