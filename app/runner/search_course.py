"""The course of one Explore search: watched at every step, swept and stored at its end."""

from __future__ import annotations

import logging
from dataclasses import dataclass, field, replace
from time import monotonic

import numpy as np
import torch
from sqlite_utils import Database

from app.runner.chunk import PRECISIONS, in_precision
from app.runner.course import Course, Stopped
from app.runner.definition import read_trial
from app.runner.live import (
    After,
    Frame,
    History,
    Live,
    PointView,
    Strength,
    Transfer,
    View,
    softmax,
    top_guesses,
    write_after,
    write_live,
)
from app.runner.models import Models
from app.runner.record import Recorder
from app.runner.thinned import Thinned
from data.experiments import Experiment, conditions
from data.home import Home
from data.images import encode
from engine.entries import ModelError
from engine.experiment import Schedule, Trial
from engine.search.replay import Picture, Replay
from engine.search.result import Result
from engine.search.run import SearchRun, Snapshot

log = logging.getLogger(__name__)

#: Seconds between two live files: a page that reads three or four a second misses none for long.
LIVE_SECONDS = 0.15
HISTORY_LENGTH = 600
FRAME_COUNT = 64
#: 0 … 1.5 times the perturbation, in steps of 0.05.
STRENGTHS = tuple(step / 20 for step in range(31))


@dataclass
class _Watch:
    """What has been seen of a search so far."""

    live: Live
    history: Thinned[Snapshot] = field(default_factory=lambda: Thinned(HISTORY_LENGTH))
    frames: Thinned[Snapshot] = field(default_factory=lambda: Thinned(FRAME_COUNT))
    newest: Snapshot | None = None
    seconds: float = 0.0

    def see(self, snapshot: Snapshot) -> None:
        """Take note of one more step. The source is the same at all of them."""
        if self.live.source is None:
            self.live = replace(
                self.live,
                source=encode(snapshot.source),
                before=top_guesses(snapshot.source_logits),
            )
        self.newest = snapshot
        self.history.add(snapshot)
        self.frames.add(snapshot)

    def end(self, result: Result) -> None:
        """Take the search's result for its last step, which no snapshot has."""
        self.live = replace(
            self.live,
            outcome=result.outcome,
            message=result.reason,
            source=None if result.source is None else encode(result.source),
            before=() if result.source_logits is None else top_guesses(result.source_logits),
        )
        if result.outcome == "found":
            self.see(
                Snapshot(
                    trial=result.trial,
                    step=result.steps,
                    bound=result.bound,
                    magnitude=result.magnitude,
                    magnitudes=result.magnitudes,
                    margin=result.margin,
                    image=result.stimulus,
                    logits=result.logits,
                    source=result.source,
                    source_logits=result.source_logits,
                )
            )

    def filmstrip(self) -> tuple[Frame, ...]:
        """Pictures at even steps, the last one included."""
        return tuple(
            Frame(seen.step, seen.magnitude, seen.margin, encode(seen.image))
            for seen in self.frames.items()
        )

    def picture(self) -> Live:
        """The live file's content as of the newest step."""
        newest = self.newest
        if newest is None:
            return self.live
        kept = self.history.items()
        return replace(
            self.live,
            step=newest.step,
            seconds=self.seconds,
            bound=newest.bound,
            magnitude=newest.magnitude,
            margin=newest.margin,
            magnitudes=newest.magnitudes,
            image=encode(newest.image),
            after=top_guesses(newest.logits),
            history=History(
                step=[seen.step for seen in kept],
                margin=[seen.margin for seen in kept],
                magnitude=[seen.magnitude for seen in kept],
                bound=[seen.bound for seen in kept],
            ),
        )


def search_course(
    database: Database, home: Home, models: Models, experiment: Experiment, job_id: str
) -> Course:
    """Search, then sweep the strengths, then store the result. Begun anew it repeats itself."""
    [condition] = conditions(database, experiment.id)
    trial = read_trial(experiment.definition)
    schedule = Schedule(**condition.schedule)
    watch = _Watch(Live("loading", schedule.budget))
    write_live(home, job_id, watch.live)
    try:
        yield {"phase": "loading"}
        preparation = models.preparation(
            experiment.generator,
            float(experiment.definition["truncation"]),
            [condition.classifier],
        )
        for progress in preparation:
            write_live(home, job_id, replace(watch.live, message=progress["preparing"]))
            yield progress
        recorder = Recorder(database, home, models, experiment)
        generator, classifier = recorder.generator, recorder.classifier(condition)
        dtype, gradient_dtype = PRECISIONS[experiment.definition.get("precision", "float32")]
        loaded = (
            in_precision(generator.module, dtype),
            in_precision(classifier.module, dtype),
            generator.scales,
        )
        shared = {
            "layer_weights": condition.layer_weights,
            "device": models.device,
            "dtype": dtype,
        }
        search = SearchRun(
            [trial],
            *loaded,
            **shared,
            schedule=schedule,
            search=condition.search,
            slots=1,
            keep_perturbations=True,
            gradient_dtype=gradient_dtype,
        )
        watch.live = replace(watch.live, phase="searching")
        written, results = -LIVE_SECONDS, []
        while not search.finished:
            began = monotonic()
            results += search.step()
            snapshot = search.snapshot()
            watch.seconds += monotonic() - began
            if snapshot is not None:
                watch.see(snapshot)
            if monotonic() - written >= LIVE_SECONDS:
                write_live(home, job_id, watch.picture())
                written = monotonic()
            yield {"phase": "searching", "step": watch.newest.step if watch.newest else 0}
        [result] = results
        watch.end(result)
        write_live(home, job_id, replace(watch.picture(), phase="sweeping"))
        after = After((), watch.filmstrip())
        if result.perturbation is not None:
            replay = Replay(*loaded, trial, result.perturbation, **shared)
            arrived_at = int(result.logits.argmax())
            for strength in STRENGTHS:
                seen = _strength(trial, arrived_at, strength, replay.at_strength(strength))
                after = replace(after, strengths=(*after.strengths, seen))
                yield {"phase": "sweeping", "step": result.steps}
            for share in replay.by_point():
                seen = PointView(
                    share.point, _view(trial, share.without), _view(trial, share.alone)
                )
                after = replace(after, points=(*after.points, seen))
                yield {"phase": "sweeping", "step": result.steps}
        if result.outcome == "found":
            for name in models.at_hand(experiment.generator):
                if name != condition.classifier:
                    seen = _transfers(models, name, trial, result)
                    after = replace(after, transfers=(*after.transfers, *seen))
                    yield {"phase": "sweeping", "step": result.steps}
        write_after(home, job_id, after)
        recorder.record(condition, [result])
        write_live(home, job_id, replace(watch.picture(), phase="done"))
    except Stopped:
        write_after(home, job_id, After((), watch.filmstrip()))
        write_live(home, job_id, replace(watch.picture(), phase="stopped"))
        raise
    except Exception:
        write_live(home, job_id, replace(watch.picture(), phase="failed"))
        raise


def _strength(trial: Trial, arrived_at: int, strength: float, seen: Picture) -> Strength:
    confidences = softmax(seen.logits)
    return Strength(
        strength=strength,
        image=encode(seen.image),
        top=top_guesses(seen.logits),
        label_confidence=float(confidences[trial.label]),
        fooled_confidence=float(confidences[arrived_at]),
        fooled=_fooled(trial, seen.logits),
    )


def _view(trial: Trial, seen: Picture) -> View:
    return View(encode(seen.image), top_guesses(seen.logits), _fooled(trial, seen.logits))


def _transfers(models: Models, name: str, trial: Trial, result: Result) -> list[Transfer]:
    """What another classifier says of the two 8-bit pictures; nothing where it cannot be had."""
    try:
        module = models.classifier(name).module
    except ModelError as error:  # the search asked nothing of this one
        log.warning("No transfer to %s: %s", name, error)
        return []
    pair = np.stack([result.source, result.stimulus])
    images = torch.from_numpy(pair).movedim(-1, 1).to(models.device, torch.float32) / 255
    with torch.no_grad():
        before, after = module(images).float().cpu().numpy()
    return [Transfer(name, top_guesses(before), top_guesses(after), _fooled(trial, after))]


def _fooled(trial: Trial, logits: np.ndarray) -> bool:
    prediction = int(logits.argmax())
    return prediction != trial.label if trial.target is None else prediction == trial.target
