"""From the engine's results to rows: images first, then the rows that name them."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from sqlite_utils import Database

from app.runner.live import softmax, top_guesses
from app.runner.models import Models
from data.experiments import (
    Experiment,
    StoredCondition,
    record_classifier_checksum,
    record_generator_checksum,
)
from data.home import Home, code_version
from data.results import Confidences, ResultRow, SourceRow, add_results, add_source, add_stimulus
from data.tensors import store_perturbation
from engine.catalogue import LoadedClassifier, LoadedGenerator, ModelError
from engine.experiment import Trial
from engine.pixel_distances import pixel_distances
from engine.search.result import Result


class Recorder:
    """Writes results of one experiment, with everything that decided them.

    Raises ModelError when a model is not the one that the experiment was begun with: results of
    two models must not meet under one name.
    """

    def __init__(
        self, database: Database, home: Home, models: Models, experiment: Experiment
    ) -> None:
        self._database = database
        self._home = home
        self._models = models
        self._experiment = experiment
        definition = experiment.definition
        self._truncation = float(definition["truncation"])
        self.generator: LoadedGenerator = models.generator(
            experiment.generator,
            self._truncation,
            condition_follows_z=definition.get("condition_follows_z", True),
        )
        _check(experiment.generator, self.generator.checksum, experiment.generator_checksum)
        if not experiment.generator_checksum:
            record_generator_checksum(database, experiment.id, self.generator.checksum)

    def classifier(self, condition: StoredCondition) -> LoadedClassifier:
        """The condition's classifier."""
        loaded = self._models.classifier(condition.classifier)
        _check(condition.classifier, loaded.checksum, condition.classifier_checksum)
        if not condition.classifier_checksum:
            record_classifier_checksum(self._database, condition.id, loaded.checksum)
        return loaded

    def record(
        self, condition: StoredCondition, results: Iterable[Result], *, device: str | None = None
    ) -> None:
        """Store results; one that is there already is left alone. `device`: where they were made,
        if elsewhere."""
        device = device or self._models.device
        add_results(self._database, [self._row(condition, result, device) for result in results])

    def _row(self, condition: StoredCondition, result: Result, device: str) -> ResultRow:
        trial = result.trial
        distances = (
            None
            if result.source is None or result.stimulus is None
            else pixel_distances(result.source, result.stimulus)
        )
        low, high = result.bracket or (None, None)
        return ResultRow(
            condition_id=condition.id,
            trial_index=trial.index,
            label=trial.label,
            target=trial.target,
            seed=trial.seed,
            outcome=result.outcome,
            steps=result.steps,
            seconds=result.seconds,
            device=device,
            code_version=code_version(),
            generator_checksum=self.generator.checksum,
            classifier_checksum=self._models.classifier(condition.classifier).checksum,
            scales_checksum=self.generator.scales_checksum,
            scales_samples=self.generator.scales_samples,
            source_id=None if result.source is None else self._source(trial, result.source),
            magnitude=result.magnitude,
            bound=result.bound,
            bracket_low=low,
            bracket_high=high,
            magnitudes=result.magnitudes,
            pixel_l2=distances and distances.l2,
            pixel_linf=distances and distances.linf,
            ssim=distances and distances.ssim,
            margin=result.margin,
            confidences_before=_confidences(trial, result.source_logits),
            confidences_after=_confidences(trial, result.logits),
            stimulus=None
            if result.stimulus is None
            else add_stimulus(self._database, self._home, result.stimulus),
            perturbation=None
            if result.perturbation is None
            else store_perturbation(
                self._database,
                self._home,
                {name: array.astype(np.float16) for name, array in result.perturbation.items()},
            ),
            reason=result.reason,
        )

    def _source(self, trial: Trial, pixels: np.ndarray) -> str:
        row = SourceRow(
            generator=self._experiment.generator,
            generator_checksum=self.generator.checksum,
            label=trial.label,
            seed=trial.seed,
            truncation=self._truncation,
            options={},
        )
        return add_source(self._database, self._home, row, pixels)


def _check(name: str, checksum: str, expected: str) -> None:
    """Nothing is expected yet where weights were fetched on first use."""
    if expected and checksum != expected:
        raise ModelError(
            f"The weights of {name} are not those that this experiment was begun with: start a new"
            " experiment, or put the old weights back."
        )


def _confidences(trial: Trial, logits: np.ndarray | None) -> Confidences | None:
    if logits is None or not np.isfinite(logits).all():
        return None
    scores = softmax(logits)
    return Confidences(
        top=tuple((guess.label, guess.confidence) for guess in top_guesses(logits)),
        label=float(scores[trial.label]),
        target=None if trial.target is None else float(scores[trial.target]),
    )
