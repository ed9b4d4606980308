"""The course of an experiment: condition after condition, the trials that have no result yet."""

from __future__ import annotations

from collections.abc import Callable
from time import monotonic

from sqlite_utils import Database

from app.runner.course import Course, Progress
from app.runner.definition import read_definition
from app.runner.models import Models
from app.runner.record import Recorder
from data.home import Home
from data.results import Experiment, StoredCondition, conditions, missing_trials
from engine.experiment import Schedule, progression_trial
from engine.search.result import Result
from engine.search.run import SearchRun

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
    keep_perturbations: bool = False,
    on_result: OnResult = lambda condition, result: None,
) -> Course:
    """Run whatever is missing of the experiment; `on_result` is called once a result is stored.

    A trial's result is the same whatever its neighbours, so an experiment that was cut off and
    resumed ends with the very results of one that ran through.
    """
    definition = read_definition(experiment.definition)
    stored = conditions(database, experiment.id)
    yield from models.preparation(
        experiment.generator,
        definition.truncation,
        list(dict.fromkeys(condition.classifier for condition in stored)),
        full_scales=True,
    )
    recorder = Recorder(database, home, models, experiment)
    generator = recorder.generator
    missing = {
        condition.id: missing_trials(database, condition.id, definition.trials)
        for condition in stored
    }
    pace = _Pace(definition.trials * len(stored), sum(map(len, missing.values())))
    for condition in stored:
        if not missing[condition.id]:
            continue
        search = SearchRun(
            (
                progression_trial(
                    definition.seed,
                    index,
                    generator.module.label_count,
                    targeted=definition.targeted,
                )
                for index in missing[condition.id]
            ),
            generator.module,
            recorder.classifier(condition).module,
            generator.scales,
            layer_weights=condition.layer_weights,
            schedule=Schedule(**condition.schedule),
            search=condition.search,
            slots=experiment.definition["slots"],
            keep_perturbations=keep_perturbations,
            device=models.device,
        )
        waiting = _Waiting(recorder, condition, on_result)
        pace.begin()
        try:
            while not search.finished:
                ended = search.step()
                waiting.add(ended)
                pace.count(len(ended), search.busy)
                yield pace.progress(condition)
        finally:
            waiting.write()


class _Waiting:
    """Results of one condition that are not stored yet."""

    def __init__(self, recorder: Recorder, condition: StoredCondition, on_result: OnResult) -> None:
        self._recorder = recorder
        self._condition = condition
        self._on_result = on_result
        self._results: list[Result] = []
        self._written = monotonic()

    def add(self, results: list[Result]) -> None:
        self._results += results
        late = monotonic() - self._written > WRITE_SECONDS
        if len(self._results) >= WRITE_COUNT or (late and self._results):
            self.write()

    def write(self) -> None:
        results, self._results = self._results, []
        if results:
            self._recorder.record(self._condition, results)
        self._written = monotonic()
        for result in results:
            self._on_result(self._condition, result)


class _Pace:
    """How far an experiment is, and how long the rest will take at its pace so far."""

    def __init__(self, total: int, missing: int) -> None:
        self._total = total
        self._missing = missing
        self._ended = 0
        self._trial_steps = 0
        self._step = 0
        self._began = monotonic()

    def begin(self) -> None:
        """The next condition begins."""
        self._step = 0

    def count(self, ended: int, busy: int) -> None:
        self._ended += ended
        self._trial_steps += busy
        self._step += 1

    def progress(self, condition: StoredCondition) -> Progress:
        seconds = max(monotonic() - self._began, 1e-9)
        left = self._missing - self._ended
        return {
            "done": self._total - left,
            "total": self._total,
            "classifier": condition.classifier,
            "subset": condition.subset,
            "schedule": condition.schedule_name,
            "step": self._step,
            "budget": condition.schedule["budget"],
            "trials_per_second": self._ended / seconds,
            "steps_per_second": self._trial_steps / seconds,
            "seconds_left": (
                seconds / self._ended * left if self._ended >= FEWEST_FOR_TIME_LEFT else None
            ),
        }
