"""The worker: one process a device that claims jobs and gives each its turn."""

from __future__ import annotations

import logging
import os
import socket
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from time import monotonic, sleep

import torch
from sqlite_utils import Database

from app.runner.cost import Cost
from app.runner.cost_wishes import answer_cost, cost_wishes
from app.runner.course import Course, Progress, advance, stop
from app.runner.experiment_course import experiment_course
from app.runner.explain import explain
from app.runner.map_course import map_course, map_view
from app.runner.map_spaces import SpaceBuilder
from app.runner.map_views import PictureView, answer_views, view_wishes
from app.runner.menu import write_menu
from app.runner.models import Models
from app.runner.old_runs import drop_old_runs
from app.runner.search_course import search_course
from app.runner.strength_course import strength_course
from app.runner.timing import cost_course
from app.runner.transfer_course import transfer_course
from data.database import open_database
from data.experiments import Experiment, experiment
from data.home import Home
from data.jobs import (
    INTERACTIVE,
    Job,
    active_jobs,
    beat,
    claim,
    finish,
    job,
    release,
    report,
    take_from_dead,
)
from data.maps import stored_map

log = logging.getLogger(__name__)

#: How long one course goes on before others have their turn. An experiment beside interactive
#: searches gets short turns, so that these stay live.
INTERACTIVE_SECONDS = 0.06
SHORT_BACKGROUND_SECONDS = 0.1
LONG_BACKGROUND_SECONDS = 0.4
#: How often the job table is looked at: for new jobs, for a wish to stop, to renew the leases.
LOOK_SECONDS = 0.2
REPORT_SECONDS = 1.0
#: From so many pixels a side a step is worth several threads.
LARGE_PICTURE = 64
#: More interactive searches than this wait in the queue.
MOST_INTERACTIVE = 16


def work(
    home: Home,
    device: str = "cpu",
    *,
    threads: int | None = None,
    idle_seconds: float | None = None,
    ended: Callable[[], bool] = lambda: False,
) -> None:
    """Serve the device's jobs until `ended()`, or until there was none for `idle_seconds`.

    `threads` is how many processor threads a batch of searches may use (default: all); a single
    search runs on one, which is faster for it. Raises WorkerRuns when the device has a worker.
    """
    with closing(open_database(home)) as database:
        worker = _Worker(home, database, device, threads or len(os.sched_getaffinity(0)))
        worker.take_over()
        idle_since = monotonic()
        try:
            while not ended():
                if worker.turn():
                    idle_since = monotonic()
                elif idle_seconds is not None and monotonic() - idle_since > idle_seconds:
                    log.info("Nothing to do for %g s: the worker ends.", idle_seconds)
                    return
                else:
                    sleep(LOOK_SECONDS / 2)
        finally:
            worker.hand_back()


@dataclass
class _Running:
    """A claimed job with its course."""

    job: Job
    course: Course
    threads: int | None = None  # None: all that the worker has
    progress: Progress = field(default_factory=dict)
    reported: float = -REPORT_SECONDS


@dataclass
class _Estimate:
    """A wish to know a cost, with the course that finds out."""

    wish: Path
    course: Course
    costs: list[Cost] = field(default_factory=list)


class _Worker:
    def __init__(self, home: Home, database: Database, device: str, threads: int) -> None:
        self._home = home
        self._database = database
        self._device = device
        self._threads = threads
        self._name = f"{socket.gethostname()}-{os.getpid()}"
        self._running: list[_Running] = []
        self._estimate: _Estimate | None = None
        self._looked = -LOOK_SECONDS
        self._read_models()
        drop_old_runs(home, database)
        for wishes in (cost_wishes(home, device), view_wishes(home, device)):
            wishes.drop_old()
        log.info("Worker %s serves %s with %d threads.", self._name, device, threads)

    def _read_models(self) -> None:
        """Read the catalogue and the user's own entries, and offer them to the pages."""
        self._models_seen = _state_of(self._home)
        self._models = Models(self._home, self._device, lenient=True)
        self._spaces = SpaceBuilder(self._database, self._home, self._models)
        self._offer()

    def _offer(self) -> None:
        self._measured_seen = _measured(self._home)
        write_menu(self._home, self._models.menu())

    def take_over(self) -> None:
        """Queue again what a worker that died has left: who holds the lock is the only one."""
        for left in active_jobs(self._database, device=self._device):
            if left.state == "running" and left.worker is not None:
                log.info("Job %s was left by %s, which died.", left.id, left.worker)
                take_from_dead(self._database, left.id, left.worker)

    def hand_back(self) -> None:
        """Put the jobs back into the queue, for the next worker to go on with."""
        for running in self._running:
            running.course.close()
            release(self._database, running.job.id, self._name)
        self._running = []

    def turn(self) -> bool:
        """Give every job a turn; False when there was none."""
        if monotonic() - self._looked >= LOOK_SECONDS:
            self._look()
            self._looked = monotonic()
        interactive = [one for one in self._running if one.job.priority == INTERACTIVE]
        background = [one for one in self._running if one.job.priority != INTERACTIVE]
        for running in interactive:
            self._advance(running, INTERACTIVE_SECONDS)
        for running in background:
            self._advance(
                running, SHORT_BACKGROUND_SECONDS if interactive else LONG_BACKGROUND_SECONDS
            )
        if self._estimate is not None:
            self._advance_estimate(self._estimate)
        return bool(interactive or background or self._estimate)

    def _advance_estimate(self, estimate: _Estimate) -> None:
        """What an experiment would cost: steps are timed as an experiment makes them."""
        torch.set_num_threads(self._threads)
        try:
            _, over = advance(estimate.course, INTERACTIVE_SECONDS)
        except Exception as error:
            log.exception("A cost cannot be known.")
            answer_cost(estimate.wish, None, explain(error))
            self._estimate = None
            return
        if over:
            answer_cost(estimate.wish, estimate.costs[0])
            self._estimate = None

    def _advance(self, running: _Running, seconds: float) -> None:
        torch.set_num_threads(running.threads or self._threads)
        try:
            progress, over = advance(running.course, seconds)
        except Exception as error:
            log.exception("Job %s failed.", running.job.id)
            self._end(running, "failed", explain(error))
            return
        running.progress = progress or running.progress
        if over:
            self._end(running, "done")
        elif monotonic() - running.reported >= REPORT_SECONDS:
            report(self._database, running.job.id, self._name, running.progress)
            running.reported = monotonic()

    def _end(self, running: _Running, state: str, message: str | None = None) -> None:
        self._running.remove(running)
        report(self._database, running.job.id, self._name, running.progress)
        finish(self._database, running.job.id, self._name, state, message)
        log.info("Job %s: %s. %s", running.job.id, state, message or "")

    def _look(self) -> None:
        """Stop what people want stopped, drop what was lost, and claim what waits."""
        for running in list(self._running):
            stands = job(self._database, running.job.id)
            lost = stands is None or stands.state != "running" or stands.worker != self._name
            if lost:
                log.warning("Job %s is no longer this worker's.", running.job.id)
                self._running.remove(running)
                running.course.close()
            elif stands.cancel:
                stop(running.course)
                self._end(running, "stopped")
            elif monotonic() - running.reported >= REPORT_SECONDS:
                beat(self._database, running.job.id, self._name)
        if not self._running and _state_of(self._home) != self._models_seen:
            log.info("The user's own models have changed.")
            self._read_models()
        elif not self._running and _measured(self._home) != self._measured_seen:
            self._offer()
        if self._estimate is None:
            self._take_wish()
        answer_views(self._home, self._device, self._view)
        while self._room():
            claimed = claim(self._database, self._device, self._name)
            if claimed is None:
                break
            if claimed.kind == "map":
                self._running.append(_Running(claimed, self._map_course(claimed)))
                continue
            stored = experiment(self._database, claimed.experiment_id)
            course = self._course(claimed, stored)
            self._running.append(_Running(claimed, course, self._most_threads(claimed, stored)))

    def _take_wish(self) -> None:
        for wish, asked in cost_wishes(self._home, self._device).asked().items():
            costs: list[Cost] = []
            course = cost_course(
                self._database,
                self._home,
                self._models,
                asked["definition"],
                missing=asked["missing"],
                tell=costs.append,
            )
            self._estimate = _Estimate(wish, course, costs)
            return

    def _room(self) -> bool:
        """Whether to claim another job: many interactive ones, but one experiment at a time."""
        if len(self._running) >= MOST_INTERACTIVE:
            return False
        if all(one.job.priority == INTERACTIVE for one in self._running):
            return True
        waiting = active_jobs(self._database, device=self._device)
        return any(one.state == "queued" and one.priority == INTERACTIVE for one in waiting)

    def _most_threads(self, claimed: Job, stored: Experiment) -> int | None:
        """One thread for a single search of small pictures: more only wait for each other."""
        if claimed.kind != "search":
            return None
        generator = self._models.catalogue.generators.get(stored.generator)
        small = generator is None or max(generator.image_shape or (0,)) < LARGE_PICTURE
        return 1 if small else None

    def _map_course(self, claimed: Job) -> Course:
        stored = stored_map(self._database, claimed.map_id)
        return map_course(self._database, self._home, self._spaces, stored, claimed.request)

    def _view(self, map_id: str, u: list[float]) -> PictureView | str:
        torch.set_num_threads(self._threads)
        try:
            return map_view(self._database, self._spaces, map_id, u)
        except Exception as error:
            log.exception("A picture of map %s cannot be drawn.", map_id)
            return explain(error)

    def _course(self, claimed: Job, stored: Experiment) -> Course:
        if claimed.kind == "search":
            return search_course(self._database, self._home, self._models, stored, claimed.id)
        if claimed.kind == "transfer":
            return transfer_course(self._database, self._home, self._models, stored)
        if claimed.kind == "strength":
            asked = claimed.request
            return strength_course(self._database, self._home, self._models, stored, asked)
        return experiment_course(self._database, self._home, self._models, stored)


def _measured(home: Home) -> set[str]:
    """The names of the σ that there are: with another one, the menu says something else."""
    return {file.name for file in home.caches.glob("scales-*.safetensors")}


def _state_of(home: Home) -> tuple[tuple[str, int], ...]:
    """What tells that the user's own models or weights were changed: names and times of files.

    Weights that are still on their way have other names.
    """
    files = [*home.models.glob("*.py"), *home.weights.glob("*.safetensors")]
    return tuple(sorted((file.name, file.stat().st_mtime_ns) for file in files if file.is_file()))
