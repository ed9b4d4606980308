"""The course of a study's randomised strengths: pictures rendered, and added as items."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from sqlite_utils import Database

from app.runner.chunk import Chunk, Loaded, run_chunk
from app.runner.course import Course
from app.runner.experiment_course import preparation
from app.runner.models import Models
from app.runner.record import Recorder
from data.experiments import Experiment, StoredCondition
from data.experiments import conditions as conditions_of
from data.home import Home
from data.results import StoredResult, add_stimulus, results
from data.studies import ItemRow, add_items, items
from data.tensors import read_perturbation
from engine.experiment import Trial
from engine.search.replay import Replay

log = logging.getLogger(__name__)

Perturbation = Mapping[str, np.ndarray]


def strength_course(
    database: Database,
    home: Home,
    models: Models,
    experiment: Experiment,
    request: Mapping[str, Any],
) -> Course:
    """Render s·p for every (result, s) of the request; cut off, it goes on from the items there.

    A perturbation whose tensor was not kept is searched for again. One that is not found again, or
    that was found with another σ than there is now, is left out: nothing stands in for it.
    """
    study_id = request["study"]
    asked = items(database, study_id)
    there = {
        (one.details["condition"], one.details["trial"])
        for one in asked
        if one.kind == "strength" and one.details["experiment"] == experiment.id
    }
    texts = {(one.source_stimulus, one.label): one for one in asked if one.kind == "pair"}
    strengths = {result: strength for result, strength in request["strengths"]}
    total, done = len(strengths), len(there)
    stored = [one for one in conditions_of(database, experiment.id) if one.role == "search"]
    yield from preparation(models, experiment, stored)
    recorder = Recorder(database, home, models, experiment)
    for condition in stored:
        missing = [
            one
            for one in results(database, condition.id)
            if one.id in strengths and (condition.position, one.trial_index) not in there
        ]
        if not missing:
            continue
        loaded = Loaded(
            recorder.generator.module,
            recorder.classifier(condition).module,
            recorder.generator.scales,
            models.device,
        )
        usable = [one for one in missing if _same_scales(one, recorder)]
        for one, perturbation in _perturbations(
            database, home, condition, usable, loaded, experiment.definition
        ):
            if one is None or perturbation is None:
                yield {"preparing": "Searching again for perturbations that were not kept"}
                continue
            pair = texts.get((_source(database, one), one.label))
            if pair is None:
                continue
            item = _rendered(
                database, home, condition, one, perturbation, strengths[one.id], loaded, pair
            )
            add_items(database, study_id, [item])
            done += 1
            yield {"done": done, "total": total, "classifier": condition.classifier}
    yield {"done": done, "total": total}
    if done < total:
        log.warning("Study %s: %d strengths could not be rendered.", study_id, total - done)


def _perturbations(
    database: Database,
    home: Home,
    condition: StoredCondition,
    wanted: Sequence[StoredResult],
    loaded: Loaded,
    definition: Mapping[str, Any],
) -> Iterator[tuple[StoredResult | None, Perturbation | None]]:
    """Each result with its perturbation; pairs of None while one is searched for again."""
    gone = {}
    for one in wanted:
        perturbation = read_perturbation(database, home, one.perturbation)
        if perturbation is None:
            gone[one.trial_index] = one
        else:
            yield one, perturbation
    if gone:
        again = {**definition, "keep_perturbations": True}
        again.setdefault("slots", 1)
        chunk = Chunk(condition, [_trial(one) for one in gone.values()])
        for ended, _ in run_chunk(chunk, loaded, again):
            yield None, None
            for result in ended:
                if result.perturbation is not None:
                    yield gone[result.trial.index], result.perturbation


def _rendered(
    database: Database,
    home: Home,
    condition: StoredCondition,
    one: StoredResult,
    perturbation: Perturbation,
    strength: float,
    loaded: Loaded,
    pair: ItemRow,
) -> ItemRow:
    """The item that asks about the picture at s·p, beside its source."""
    trial = _trial(one)
    replay = Replay(
        loaded.generator,
        loaded.classifier,
        loaded.scales,
        trial,
        {name: array.astype(np.float32) for name, array in perturbation.items()},
        layer_weights=condition.layer_weights,
        device=loaded.device,
    )
    picture = replay.at_strength(strength)
    norm = np.sqrt(
        sum(float((array.astype(np.float64) ** 2).sum()) for array in perturbation.values())
    )
    return ItemRow(
        source_stimulus=pair.source_stimulus,
        perturbed_stimulus=add_stimulus(database, home, picture.image),
        label=pair.label,
        phrase=pair.phrase,
        search_term=pair.search_term,
        gloss=pair.gloss,
        kind="strength",
        details={
            # Not by the rows' numbers: these differ where a bundle is taken in.
            "experiment": condition.experiment_id,
            "condition": condition.position,
            "trial": one.trial_index,
            "strength": strength,
            "magnitude": strength * float(norm),
            "answer": int(picture.logits.argmax()),
        },
    )


def _trial(one: StoredResult) -> Trial:
    return Trial(one.trial_index, one.label, one.target, one.seed)


def _same_scales(one: StoredResult, recorder: Recorder) -> bool:
    return one.scales_checksum in (None, recorder.generator.scales_checksum)


def _source(database: Database, one: StoredResult) -> str | None:
    row = database.execute("SELECT stimulus FROM sources WHERE id = ?", [one.source_id]).fetchone()
    return row[0] if row else None
