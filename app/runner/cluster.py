"""An experiment on a Ray cluster: chunks of trials on actors that hold the models.

The submitting process is the only one that writes: actors return results, known by condition and
trial, and one that is there already is left alone. An actor that dies is replaced where the cluster
has room, and what was left of its chunk goes to another; a chunk that kills one actor after another
has failed, and the experiment goes on without it. Nodes have the same code at the same path, and
weights of their own; no SQLite file is ever shared.
"""

from __future__ import annotations

import socket
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from time import monotonic
from typing import Any

from sqlite_utils import Database

from app.runner.chunk import Chunk
from app.runner.cluster_actor import Actor, actor_arguments, ray_here
from app.runner.course import Course
from app.runner.experiment_course import Missing, OnResult, Pace, Waiting, preparation
from app.runner.explain import foreseen
from app.runner.models import Models
from app.runner.record import Recorder
from app.runner.request import RequestError
from data.experiments import Experiment, conditions
from data.home import CHECKOUT, Home
from data.jobs import MOST_DEATHS
from engine.search.result import Result

#: Trials of a chunk: enough that an actor is busy for long, few enough that all are.
CHUNK_TRIALS = 256
#: So often the cluster is asked whether there is room for more actors; so long an answer may take.
HIRE_SECONDS = 2.0
WAIT_SECONDS = 0.1
CONNECT_SECONDS = 5.0


def cluster_course(
    database: Database,
    home: Home,
    models: Models,
    experiment: Experiment,
    *,
    address: str,
    device: str = "cpu",
    threads: int = 1,
    chunk_trials: int = CHUNK_TRIALS,
    on_result: OnResult = lambda condition, result: None,
) -> Course:
    """Run whatever is missing of the experiment on the cluster at `address`.

    `models` are this process's own, which only name and check the weights. Each actor takes one
    GPU, or `threads` cores. Trials that kill every actor that takes them are rows that failed.
    Raises RequestError where Ray is not installed, no cluster answers, or every actor dies while it
    loads the models; ModelError where a node has other weights or code.
    """
    ray = ray_here()
    stored = conditions(database, experiment.id)
    yield from preparation(models, experiment, stored)
    recorder = Recorder(database, home, models, experiment)
    missing = Missing(database, experiment, recorder.generator.module.label_count)
    pace = Pace(experiment.trials * len(stored), missing.count)
    pace.begin()
    yield {"preparing": f"Connecting to the cluster at {address}"}
    _connect(ray, address)
    try:
        crew = _Crew(ray, actor_arguments(home, recorder, experiment, stored, device, threads))
        # A random direction waits for the search that it controls.
        for late in (False, True):
            jobs: list[_Job] = []
            for condition in stored:
                if (condition.role == "random-direction") == late:
                    chunk, ended = missing.chunk(condition)
                    recorder.record(condition, ended)
                    pace.begin(len(ended))
                    for result in ended:
                        on_result(condition, result)
                    waiting = Waiting(recorder, condition, on_result)
                    jobs += [_Job(part, waiting) for part in _parts(chunk, chunk_trials)]
            yield from _work(crew, jobs, pace, device)
    finally:
        ray.shutdown()


@dataclass(eq=False)
class _Job:
    """A chunk, the results of it that wait to be written, and how often its actor died.

    `begun`: the actor that has it now is at work on it, so that its death may be the chunk's doing.
    """

    chunk: Chunk
    waiting: Waiting
    done: set[int] = field(default_factory=set)
    begun: bool = False
    deaths: int = 0

    def rest(self) -> Chunk:
        """What has not ended yet."""
        return _only(
            self.chunk,
            [k for k, trial in enumerate(self.chunk.trials) if trial.index not in self.done],
        )


def _work(crew: _Crew, jobs: list[_Job], pace: Pace, device: str) -> Course:
    queue = deque(jobs)
    try:
        while queue or crew.busy:
            crew.hire(len(queue) + len(crew.busy))
            while queue and crew.idle:
                crew.give(queue.popleft())
            if not crew.busy:
                yield {"preparing": "Waiting for room in the cluster"}
            for job, node, results in crew.wait():
                if results is None:  # its actor has died
                    job.deaths += job.begun
                    if job.deaths < MOST_DEATHS:
                        queue.appendleft(job)
                        continue
                    results = _failed(job.rest())
                elif not results:
                    job.begun = True
                    continue
                job.deaths = 0
                job.done |= {result.trial.index for result in results}
                job.waiting.add(results, device=f"{device} of {node}")
                pace.count(len(results), sum(result.steps for result in results))
                yield pace.progress(job.chunk.condition)
            yield {}
    finally:
        for job in jobs:
            job.waiting.write()


class _Crew:
    """The actors: those that start, those at rest, and those at work with what they have."""

    def __init__(self, ray: Any, arguments: dict[str, Any]) -> None:
        self._ray = ray
        self._arguments = arguments
        self._actor = ray.remote(Actor)
        self._starting: dict[Any, Any] = {}
        self._looked = -HIRE_SECONDS
        self._stillborn = 0
        self.idle: list[tuple[Any, str]] = []
        self.busy: dict[Any, tuple[Any, str, _Job]] = {}

    def hire(self, most: int) -> None:
        """Start as many actors as the cluster has room for, `most` at most."""
        if monotonic() - self._looked < HIRE_SECONDS:
            return
        self._looked = monotonic()
        gpu = self._arguments["device"] != "cpu"
        threads = self._arguments["threads"]
        there = self._ray.cluster_resources()
        room = int(there.get("GPU", 0) if gpu else there.get("CPU", 0) // threads)
        have = len(self._starting) + len(self.idle) + len(self.busy)
        for _ in range(min(room, most) - have):
            options = {"num_gpus": 1, "num_cpus": 1} if gpu else {"num_cpus": threads}
            actor = self._actor.options(**options).remote(self._arguments)
            self._starting[actor.begin.remote()] = actor

    def give(self, job: _Job) -> None:
        """What is left of the job to an actor at rest."""
        actor, node = self.idle.pop()
        job.begun = False
        stream = actor.run.options(num_returns="streaming").remote(job.rest())
        self.busy[stream] = (actor, node, job)

    def wait(self) -> Iterator[tuple[_Job, str, list[Result] | None]]:
        """What has come in: a job, the actor's node, and results.

        None are there when the actor begins, and in the place of them stands None when it has died.
        Raises RequestError where nobody is at work and new actors die one after the other.
        """
        pending = [*self._starting, *self.busy]
        if not pending:
            self._ray.wait([self._ray.put(None)], timeout=WAIT_SECONDS)
            return
        came, _ = self._ray.wait(pending, num_returns=1, timeout=WAIT_SECONDS)
        for one in came:
            if one in self._starting:
                self._started(one)
            else:
                yield from self._received(one)

    def _started(self, begun: Any) -> None:
        actor = self._starting.pop(begun)
        node = self._got(begun)
        if node is not None:
            self._stillborn = 0
            self.idle.append((actor, node))
            return
        self._stillborn += 1
        if self._stillborn >= MOST_DEATHS and not (self.idle or self.busy):
            raise RequestError(_STILLBORN)

    def _received(self, stream: Any) -> Iterator[tuple[_Job, str, list[Result] | None]]:
        actor, node, job = self.busy[stream]
        try:
            results = self._got(next(stream))
        except StopIteration:
            del self.busy[stream]
            self.idle.append((actor, node))
            return
        except self._ray.exceptions.RayActorError:
            results = None
        if results is None:
            del self.busy[stream]
        yield job, node, results

    def _got(self, reference: Any) -> Any:
        """The object; None where its actor, or the node with it, is lost."""
        errors = self._ray.exceptions
        try:
            return self._ray.get(reference)
        except errors.RayTaskError as error:
            if isinstance(error.cause, foreseen()):
                raise error.cause from error
            raise
        except (errors.RayActorError, errors.ObjectLostError, errors.NodeDiedError):
            return None


def _parts(chunk: Chunk, size: int) -> Iterator[Chunk]:
    indexes = list(range(len(chunk.trials)))
    for begin in range(0, len(indexes), size):
        yield _only(chunk, indexes[begin : begin + size])


def _only(chunk: Chunk, indexes: list[int]) -> Chunk:
    return replace(
        chunk,
        trials=tuple(chunk.trials[k] for k in indexes),
        magnitudes=tuple(chunk.magnitudes[k] for k in indexes) if chunk.magnitudes else (),
    )


def _failed(chunk: Chunk) -> list[Result]:
    """The chunk's trials, none of which ended before their actor died once too often."""
    reason = (
        f"Workers of the cluster died {MOST_DEATHS} times over this trial and those beside it:"
        " memory that ran out is the usual cause (choose fewer slots)."
    )
    return [Result(trial, "failed", 0, 0.0, reason=reason) for trial in chunk.trials]


_STILLBORN = (
    f"Workers of the cluster died {MOST_DEATHS} times in a row while they loaded the models: see"
    " whether the nodes have the memory for them. What was stored is kept, and the experiment can"
    " be resumed."
)


def _connect(ray: Any, address: str) -> None:
    try:
        there = _found(address)
        host, _, port = there.rpartition(":")  # for one that is gone Ray would wait many minutes
        socket.create_connection((host, int(port)), CONNECT_SECONDS).close()
        ray.init(
            address=there,
            log_to_driver=False,
            logging_level="error",
            runtime_env={"env_vars": {"PYTHONPATH": str(CHECKOUT)}},
        )
    except (OSError, ValueError, OverflowError, RuntimeError) as error:
        raise RequestError(
            f"No Ray cluster answers at {address}: start one with `ray start --head` and give its"
            " address, such as 10.0.0.1:6379, or auto for the one on this machine."
        ) from error


def _found(address: str) -> str:
    """The address, or for "auto" that of this machine's cluster as Ray has noted it down."""
    if address != "auto":
        return address
    from ray._private.services import canonicalize_bootstrap_address

    return canonicalize_bootstrap_address("auto") or ""
