"""The course of an experiment: condition after condition, the trials that have no result yet."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from time import monotonic

from sqlite_utils import Database

from app.runner.chunk import Chunk, Loaded, run_chunk
from app.runner.course import Course, Progress
from app.runner.definition import read_definition
from app.runner.models import Models
from app.runner.record import Recorder
from data.experiments import Experiment, StoredCondition, conditions
from data.home import Home
from data.results import found_magnitudes, missing_trials, trial_outcomes
from engine.experiment import Definition, Trial, progression_trial
from engine.search.result import Result

#: Results wait so long, or until they are so many, to be written together.
WRITE_SECONDS = 1.0
WRITE_COUNT = 64
#: Side by side the easy trials end first: before so many have ended, the time left is not known.
FEWEST_FOR_TIME_LEFT = 10

OnResult = Callable[[StoredCondition, Result], None]


def experiment_course(
    database: Database,
    home: Home,
    models: Models,
    experiment: Experiment,
    *,
    on_result: OnResult = lambda condition, result: None,
) -> Course:
    """Run whatever is missing of the experiment; `on_result` is called once a result is stored.

    A trial's result is the same whatever its neighbours, so an experiment that was cut off and
    resumed ends with the results of one that ran through, but for float noise where a trial came
    into another slot.
    """
    stored = conditions(database, experiment.id)
    yield from preparation(models, experiment, stored)
    recorder = Recorder(database, home, models, experiment)
    missing = Missing(database, experiment, recorder.generator.module.label_count)
    pace = Pace(experiment.trials * len(stored), missing.count)
    for condition in stored:
        waiting = Waiting(recorder, condition, on_result)
        chunk, ended = missing.chunk(condition)
        waiting.add(ended)
        pace.begin(len(ended))
        try:
            if not chunk.trials:
                continue
            loaded = Loaded(
                recorder.generator.module,
                recorder.classifier(condition).module,
                recorder.generator.scales,
                models.device,
            )
            for ended, busy in run_chunk(chunk, loaded, experiment.definition):
                waiting.add(ended)
                pace.count(len(ended), busy)
                yield pace.progress(condition)
        finally:
            waiting.write()


def preparation(
    models: Models, experiment: Experiment, stored: Iterable[StoredCondition]
) -> Course:
    """Fetch and load the experiment's models, and measure σ in full where that was not done."""
    yield from models.preparation(
        experiment.generator,
        read_definition(experiment.definition).truncation,
        list(dict.fromkeys(condition.classifier for condition in stored)),
        full_scales=True,
    )


class Missing:
    """The trials of an experiment that have no result yet, condition by condition."""

    def __init__(self, database: Database, experiment: Experiment, label_count: int) -> None:
        self._database = database
        self._definition: Definition = read_definition(experiment.definition)
        self._label_count = label_count
        self._stored = {one.position: one for one in conditions(database, experiment.id)}
        self._indexes = {
            one.id: missing_trials(database, one.id, experiment.trials)
            for one in self._stored.values()
        }
        self.count = sum(map(len, self._indexes.values()))

    def chunk(self, condition: StoredCondition) -> tuple[Chunk, list[Result]]:
        """What is to be run under the condition, and what has ended without being run.

        A random direction can be drawn once its search has ended, and where that found nothing
        there is nothing to draw.
        """
        trials = [self._trial(index) for index in self._indexes[condition.id]]
        if condition.role != "random-direction" or not trials:
            return Chunk(condition, tuple(trials)), []
        controlled = self._stored[condition.controls]
        found = found_magnitudes(self._database, controlled.id)
        searched = trial_outcomes(self._database, controlled.id)
        drawn = [trial for trial in trials if trial.index in found]
        nothing = [
            Result(trial, "skipped", 0, 0.0, reason=_nothing_found(searched[trial.index]))
            for trial in trials
            if trial.index in searched and trial.index not in found
        ]
        return Chunk(condition, tuple(drawn), tuple(found[trial.index] for trial in drawn)), nothing

    def _trial(self, index: int) -> Trial:
        return progression_trial(
            self._definition.seed, index, self._label_count, targeted=self._definition.targeted
        )


def _nothing_found(outcome: str) -> str:
    return f"The search that this controls was {outcome}: there is no magnitude to draw at."


class Waiting:
    """Results of one condition that are not stored yet."""

    def __init__(self, recorder: Recorder, condition: StoredCondition, on_result: OnResult) -> None:
        self._recorder = recorder
        self._condition = condition
        self._on_result = on_result
        self._results: list[Result] = []
        self._device: str | None = None
        self._written = monotonic()

    def add(self, results: list[Result], *, device: str | None = None) -> None:
        """Store these some time soon. `device`: where they were made, if elsewhere."""
        if device != self._device:
            self.write()
            self._device = device
        self._results += results
        late = monotonic() - self._written > WRITE_SECONDS
        if len(self._results) >= WRITE_COUNT or (late and self._results):
            self.write()

    def write(self) -> None:
        """Store all that waits."""
        results, self._results = self._results, []
        if results:
            self._recorder.record(self._condition, results, device=self._device)
        self._written = monotonic()
        for result in results:
            self._on_result(self._condition, result)


class Pace:
    """How far an experiment is, and how long the rest will take at its pace so far."""

    def __init__(self, total: int, missing: int) -> None:
        self._total = total
        self._missing = missing
        self._ended = 0
        self._trial_steps = 0
        self._step = 0
        self._began = monotonic()

    def begin(self, ended: int = 0) -> None:
        """The next condition begins; so many of its trials have ended without being run."""
        self._step = 0
        self._missing -= ended

    def count(self, ended: int, busy: int) -> None:
        """One more step of so many trials, with which so many ended."""
        self._ended += ended
        self._trial_steps += busy
        self._step += 1

    def progress(self, condition: StoredCondition) -> Progress:
        """What pages and terminals are told."""
        seconds = max(monotonic() - self._began, 1e-9)
        left = self._missing - self._ended
        return {
            "done": self._total - left,
            "total": self._total,
            "classifier": condition.classifier,
            "subset": condition.subset,
            "schedule": condition.schedule_name,
            "role": condition.role,
            "step": self._step,
            "budget": condition.schedule["budget"],
            "trials_per_second": self._ended / seconds,
            "steps_per_second": self._trial_steps / seconds,
            "seconds_left": (
                seconds / self._ended * left if self._ended >= FEWEST_FOR_TIME_LEFT else None
            ),
        }
