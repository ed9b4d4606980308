"""Perturbations that searches found, with all that a map needs to make them axes."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlite_utils import Database


@dataclass(frozen=True)
class Found:
    """One found result of a search, its models and settings, and the two pictures.

    `perturbation` names the stored tensors, None where they are gone.
    """

    result_id: int
    experiment: str
    definition: Mapping[str, Any]
    generator: str
    generator_checksum: str
    scales_checksum: str
    label: int
    seed: int
    target: int | None
    classifier: str
    classifier_checksum: str
    subset: str
    search: str
    schedule: Mapping[str, Any]
    layer_weights: tuple[float, ...]
    magnitude: float
    source_id: str
    source_stimulus: str
    stimulus: str
    perturbation: str | None
    kind: str
    created_at: str


_QUERY = """
SELECT results.id AS result_id, experiments.name AS experiment, experiments.definition,
    experiments.generator, results.generator_checksum, results.scales_checksum, results.label,
    results.seed, results.target, conditions.classifier, results.classifier_checksum,
    conditions.subset, conditions.search, conditions.schedule, conditions.layer_weights,
    results.magnitude, results.source_id, sources.stimulus AS source_stimulus, results.stimulus,
    results.perturbation, experiments.kind, results.created_at
FROM results
JOIN conditions ON conditions.id = results.condition_id
JOIN experiments ON experiments.id = conditions.experiment_id
JOIN sources ON sources.id = results.source_id
WHERE results.outcome = 'found' AND results.scales_checksum IS NOT NULL
"""
#: Whose tensors are kept come first: a map of them needs no search again.
_ORDER = " ORDER BY results.perturbation IS NULL, results.created_at DESC, results.id DESC"


def found_directions(database: Database, *, limit: int = 200) -> list[Found]:
    """The newest found perturbations, those first whose tensors are kept."""
    return _read(database, f"{_QUERY}{_ORDER} LIMIT ?", [limit])


def found_direction(database: Database, result_id: int) -> Found | None:
    """The perturbation of one result; None where that is not of a search that found any."""
    return next(iter(_read(database, f"{_QUERY} AND results.id = ?", [result_id])), None)


def of_the_same_source(database: Database, first: Found) -> list[Found]:
    """What other searches found from the same source with the same σ, other pictures than that."""
    where = " AND results.source_id = ? AND results.scales_checksum = ? AND results.stimulus <> ?"
    parameters = [first.source_id, first.scales_checksum, first.stimulus]
    return _read(database, f"{_QUERY}{where}{_ORDER}", parameters)


def _read(database: Database, query: str, parameters: list[Any]) -> list[Found]:
    return [
        Found(
            **row
            | {name: json.loads(row[name]) for name in ("definition", "schedule")}
            | {"layer_weights": tuple(json.loads(row["layer_weights"]))}
        )
        for row in database.query(query, parameters)
    ]


def source_stimulus(
    database: Database, *, generator_checksum: str, label: int, seed: int, truncation: float
) -> str | None:
    """The picture of a source, by what decides it; None where no search began from it here."""
    row = database.execute(
        "SELECT stimulus FROM sources WHERE generator_checksum = ? AND label = ? AND seed = ?"
        " AND truncation = ?",
        [generator_checksum, label, seed, truncation],
    ).fetchone()
    return row[0] if row else None


def found_stimulus(
    database: Database, source: str, *, classifier_checksum: str, magnitude: float
) -> str | None:
    """The picture that a search found from a source's stimulus; None where it is not here."""
    row = database.execute(
        "SELECT results.stimulus FROM results JOIN sources ON sources.id = results.source_id"
        " WHERE sources.stimulus = ? AND results.classifier_checksum = ? AND outcome = 'found'"
        " AND abs(magnitude - ?) <= 1e-9 * magnitude",
        [source, classifier_checksum, magnitude],
    ).fetchone()
    return row[0] if row else None
