"""Rows of images, sources and results.

A `…Row` is what one writes; the type that extends it has what the database adds. Looking up an id
that is not there gives None.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, fields, replace
from typing import Any, Literal

import numpy as np
from sqlite_utils import Database

from data.database import as_json, immediate, insert_once
from data.experiments import ConditionRow
from data.home import Home
from data.images import image_file, store_image
from data.stamps import now

Outcome = Literal["found", "exhausted", "skipped", "failed", "changed", "unchanged"]


@dataclass(frozen=True)
class SourceRow:
    """What identifies an unperturbed image; the generator's name is only for people."""

    generator: str
    generator_checksum: str
    label: int
    seed: int
    truncation: float
    options: Mapping[str, Any]

    @property
    def id(self) -> str:
        """SHA-256 of the identity as JSON with sorted keys: the same on every machine."""
        identity = asdict(self) | {"truncation": float(self.truncation)}
        del identity["generator"]
        return hashlib.sha256(as_json(identity).encode()).hexdigest()


@dataclass(frozen=True, kw_only=True)
class Source(SourceRow):
    """A source as it stands in the database."""

    stimulus: str
    created_at: str


@dataclass(frozen=True)
class Confidences:
    """Softmax scores in [0, 1]: of the up to five likeliest labels, of y, and of t if there is one.

    `top` is pairs (label, score), the likeliest first.
    """

    top: tuple[tuple[int, float], ...]
    label: float
    target: float | None


@dataclass(frozen=True, kw_only=True)
class ResultRow:
    """The end of one trial under one condition.

    `magnitude` (‖p‖₂) is set when the outcome is *found*, and then lies in the half-open interval
    (bracket_low, bracket_high]; `bound` is the last bound tested. Under a random direction it is
    set too, the classifier's answer being *changed* or *unchanged*; *skipped*, with a `reason`,
    then means that there was no search's find to compare with. `magnitudes` has ‖p_i‖₂ for each
    point of the generator. `pixel_l2`, `pixel_linf` and `ssim` compare the 8-bit source and
    stimulus (engine.pixel_distances), None where there is no stimulus. `margin` is of the logits on
    the 8-bit image, positive when fooled. `stimulus` is that image's name. `seconds` is the trial's
    share of its batch's time.
    `scales_checksum` says which σ was used, `scales_samples` over how many samples it was measured
    (a preview: 256); None for results of before that was recorded.
    `reason` says why a trial *failed*. Floats are finite.
    """

    condition_id: int
    trial_index: int
    label: int
    target: int | None
    seed: int
    outcome: Outcome
    steps: int
    seconds: float
    device: str
    code_version: str
    generator_checksum: str
    classifier_checksum: str
    scales_checksum: str | None = None
    scales_samples: int | None = None
    source_id: str | None = None
    magnitude: float | None = None
    bound: float | None = None
    bracket_low: float | None = None
    bracket_high: float | None = None
    magnitudes: tuple[float, ...] | None = None
    pixel_l2: float | None = None
    pixel_linf: float | None = None
    ssim: float | None = None
    margin: float | None = None
    confidences_before: Confidences | None = None
    confidences_after: Confidences | None = None
    stimulus: str | None = None
    perturbation: str | None = None
    reason: str | None = None


@dataclass(frozen=True, kw_only=True)
class StoredResult(ResultRow):
    """A result as it stands in the database; `perturbation` is None once its tensor is dropped."""

    id: int
    created_at: str


def missing_trials(database: Database, condition_id: int, trials: int) -> list[int]:
    """Those of the trials 0 … `trials` − 1 that have no result under the condition yet."""
    there = database.execute(
        "SELECT trial_index FROM results WHERE condition_id = ?", [condition_id]
    )
    return sorted(set(range(trials)) - {index for (index,) in there})


#: Fewer earlier trials than this tell nothing of what is to come.
FEWEST_EARLIER = 20


@dataclass(frozen=True)
class EarlierTrials:
    """How earlier trials under a like condition went: how many, steps in the mean and at most."""

    trials: int
    mean_steps: float
    most_steps: int


def earlier_trials(
    database: Database,
    generator_checksum: str,
    classifier_checksum: str,
    condition: ConditionRow,
    targeted: bool,
) -> EarlierTrials | None:
    """Those of any experiment with the same models, weights, search and schedule; None if few."""
    rows = database.execute(
        "SELECT count(*), avg(steps), max(steps) FROM results"
        " JOIN conditions ON conditions.id = condition_id"
        " WHERE role = 'search' AND conditions.classifier_checksum = :classifier"
        " AND generator_checksum = :generator AND layer_weights = :weights AND search = :search"
        " AND schedule = :schedule AND (target IS NOT NULL) = :targeted AND outcome <> 'failed'",
        {
            "generator": generator_checksum,
            "classifier": classifier_checksum,
            "weights": as_json(condition.layer_weights),
            "search": condition.search,
            "schedule": as_json(condition.schedule),
            "targeted": targeted,
        },
    )
    trials, mean, most = rows.fetchone()
    return EarlierTrials(trials, mean, most) if trials >= FEWEST_EARLIER else None


def trial_outcomes(database: Database, condition_id: int) -> dict[int, Outcome]:
    """How every trial under the condition ended, by its index."""
    rows = database.execute(
        "SELECT trial_index, outcome FROM results WHERE condition_id = ?", [condition_id]
    )
    return dict(rows.fetchall())


def found_magnitudes(database: Database, condition_id: int) -> dict[int, tuple[float, ...]]:
    """The ‖p_i‖₂ of every trial that was found under the condition, by its index."""
    rows = database.execute(
        "SELECT trial_index, magnitudes FROM results"
        " WHERE condition_id = ? AND outcome = 'found' AND magnitudes IS NOT NULL",
        [condition_id],
    )
    return {index: tuple(json.loads(magnitudes)) for index, magnitudes in rows}


def missing_counts(database: Database, experiment_id: str, trials: int) -> list[int]:
    """How many of so many trials have no result yet, condition by condition."""
    rows = database.execute(
        "SELECT count(results.id) FROM conditions LEFT JOIN results"
        " ON condition_id = conditions.id AND trial_index < ?"
        " WHERE experiment_id = ? GROUP BY conditions.id ORDER BY position",
        [trials, experiment_id],
    )
    return [trials - done for (done,) in rows]


def add_stimulus(database: Database, home: Home, pixels: np.ndarray) -> str:
    """Stores an 8-bit image (uint8, (H, W, C)) and its row; returns its SHA-256.

    The file is on the disk before the row is written, so that no row is ever without its file.
    Call it outside a transaction, which would hold the write lock while the disk works.
    """
    sha256 = store_image(home, pixels)
    height, width, channels = pixels.shape
    insert_once(
        database,
        "stimuli",
        {
            "sha256": sha256,
            "width": width,
            "height": height,
            "channels": channels,
            "bytes": image_file(home, sha256).stat().st_size,
            "created_at": now(),
        },
    )
    return sha256


def add_source(database: Database, home: Home, row: SourceRow, pixels: np.ndarray) -> str:
    """Stores an unperturbed image (uint8, (H, W, C)), once; returns the source's id.

    A source that is there already keeps its first image: devices may differ by one level, and
    people judge one image.
    """
    if source(database, row.id) is None:
        stimulus = add_stimulus(database, home, pixels)
        values = {"id": row.id, **asdict(row), "options": as_json(row.options)}
        insert_once(database, "sources", values | {"stimulus": stimulus, "created_at": now()})
    return row.id


def source(database: Database, source_id: str) -> Source | None:
    """The source of this id."""
    for row in database.query("SELECT * FROM sources WHERE id = ?", [source_id]):
        del row["id"]
        return Source(**row | {"options": json.loads(row["options"])})
    return None


def add_result(database: Database, row: ResultRow) -> bool:
    """Records a result; False, and nothing done, when that trial has one under that condition.

    Its source and stimulus are stored before (`add_source`, `add_stimulus`). A perturbation that
    the quota has dropped meanwhile is recorded as gone.
    """
    return add_results(database, [row]) == 1


def add_results(database: Database, rows: Iterable[ResultRow]) -> int:
    """Records several results in one transaction, as `add_result`; returns how many were new."""
    with immediate(database):
        return sum(
            insert_once(database, "results", _values(database, row)) is not None for row in rows
        )


def result(database: Database, condition_id: int, trial_index: int) -> StoredResult | None:
    """The result of one trial under one condition."""
    where = "condition_id = ? AND trial_index = ?"
    for row in database["results"].rows_where(where, [condition_id, trial_index]):
        return _stored_result(row)
    return None


def results(database: Database, condition_id: int) -> list[StoredResult]:
    """All results under one condition, by trial."""
    rows = database["results"].rows_where(
        "condition_id = ?", [condition_id], order_by="trial_index"
    )
    return [_stored_result(row) for row in rows]


def outcome_counts(database: Database, experiment_id: str) -> dict[int, dict[Outcome, int]]:
    """How many trials ended how: condition id → outcome → count, for outcomes that occurred."""
    counts: dict[int, dict[Outcome, int]] = {}
    rows = database.execute(
        "SELECT condition_id, outcome, count(*) FROM results"
        " JOIN conditions ON conditions.id = condition_id WHERE experiment_id = ?"
        " GROUP BY condition_id, outcome",
        [experiment_id],
    )
    for condition_id, outcome, count in rows:
        counts.setdefault(condition_id, {})[outcome] = count
    return counts


@dataclass(frozen=True)
class MeanDistances:
    """Means over the results of one condition that have a magnitude: found, changed, unchanged."""

    magnitude: float
    pixel_l2: float | None
    pixel_linf: float | None
    ssim: float | None


def mean_distances(database: Database, experiment_id: str) -> dict[int, MeanDistances]:
    """The means by condition id; a condition with no magnitude is not there."""
    rows = database.execute(
        "SELECT condition_id, avg(magnitude), avg(pixel_l2), avg(pixel_linf), avg(ssim)"
        " FROM results JOIN conditions ON conditions.id = condition_id"
        " WHERE experiment_id = ? AND magnitude IS NOT NULL GROUP BY condition_id",
        [experiment_id],
    )
    return {condition_id: MeanDistances(*means) for condition_id, *means in rows}


def _values(database: Database, row: ResultRow) -> dict[str, Any]:
    """The columns of a result to be written."""
    kept = "SELECT 1 FROM perturbations WHERE id = ?"
    if row.perturbation and not database.execute(kept, [row.perturbation]).fetchone():
        row = replace(row, perturbation=None)
    values = {field.name: getattr(row, field.name) for field in fields(ResultRow)}
    for name in ("magnitudes", "confidences_before", "confidences_after"):
        value = values[name]
        if value is not None:
            values[name] = as_json(asdict(value) if isinstance(value, Confidences) else value)
    return values | {"created_at": now()}


def _stored_result(row: dict[str, Any]) -> StoredResult:
    if row["magnitudes"] is not None:
        row["magnitudes"] = tuple(json.loads(row["magnitudes"]))
    for name in ("confidences_before", "confidences_after"):
        if row[name] is not None:
            record = json.loads(row[name])
            top = tuple((label, score) for label, score in record["top"])
            row[name] = Confidences(**record | {"top": top})
    return StoredResult(**row)
