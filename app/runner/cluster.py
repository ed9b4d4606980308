"""An experiment on a Ray cluster: chunks of trials on actors that hold the models.

The submitting process is the only one that writes: actors return results, known by condition and
trial, and one that is there already is left alone. An actor that dies is replaced where the cluster
has room, and what was left of its chunk goes to another. Nodes have the same code at the same path,
and weights of their own; no SQLite file is ever shared.
"""

from __future__ import annotations

import hashlib
import socket
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from time import monotonic
from typing import Any

import numpy as np
import torch
from sqlite_utils import Database

from app.runner.chunk import Chunk, Loaded, run_chunk
from app.runner.course import Course
from app.runner.experiment_course import Missing, OnResult, Pace, Waiting, preparation
from app.runner.explain import foreseen
from app.runner.models import Models
from app.runner.record import Recorder
from app.runner.request import RequestError
from data.home import CHECKOUT, Home, code_version
from data.jobs import MOST_DEATHS
from data.results import Experiment, StoredCondition, conditions
from engine.entries import ModelError
from engine.search.result import Result

#: Trials of a chunk: enough that an actor is busy for long, few enough that all are.
CHUNK_TRIALS = 256
#: So often the cluster is asked whether there is room for more actors; so long an answer may take.
HIRE_SECONDS = 2.0
WAIT_SECONDS = 0.1
CONNECT_SECONDS = 5.0

WITHOUT_RAY = (
    "--cluster needs Ray, which is not installed: run"
    " `.venv/bin/pip install -r requirements-cluster.txt`, here and on every node."
)


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
    GPU, or `threads` cores. Raises RequestError where Ray is not installed, no cluster answers, or
    a chunk kills every actor that takes it; ModelError where a node has other weights or code.
    """
    ray = _ray()
    stored = conditions(database, experiment.id)
    yield from preparation(models, experiment, stored)
    recorder = Recorder(database, home, models, experiment)
    missing = Missing(database, experiment, recorder.generator.module.label_count)
    pace = Pace(experiment.trials * len(stored), missing.count)
    pace.begin()
    yield {"preparing": f"Connecting to the cluster at {address}"}
    _connect(ray, address)
    try:
        crew = _Crew(ray, _arguments(home, recorder, experiment, stored, device, threads))
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
    """A chunk, the results of it that wait to be written, and how often its actor died."""

    chunk: Chunk
    waiting: Waiting
    done: set[int] = field(default_factory=set)
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
                    job.deaths += 1
                    if job.deaths >= MOST_DEATHS:
                        raise RequestError(_died(job.chunk.condition))
                    queue.appendleft(job)
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
        stream = actor.run.options(num_returns="streaming").remote(job.rest())
        self.busy[stream] = (actor, node, job)

    def wait(self) -> Iterator[tuple[_Job, str, list[Result] | None]]:
        """What has come in: a job, the actor's node, and results; None where the actor died."""
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
            self.idle.append((actor, node))

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


class Actor:
    """On a node: the models of the experiment, and chunks run with them."""

    def __init__(self, arguments: dict[str, Any]) -> None:
        self._arguments = arguments

    def begin(self) -> str:
        """Load the models; the name of the machine and of the node on it.

        Raises ModelError for other weights or other code than the submitting machine has.
        """
        given = self._arguments
        if _code() != given["code"]:
            raise ModelError(
                f"The node {socket.gethostname()} has other code in engine/ than this machine"
                f" ({code_version()}): bring its checkout to the same commit."
            )
        torch.set_num_threads(given["threads"])
        models = Models(Home(Path(given["home"])), given["device"])
        definition = given["definition"]
        for _ in models.preparation(definition["generator"], definition["truncation"]):
            pass
        self._generator = models.generator(
            definition["generator"],
            definition["truncation"],
            condition_follows_z=definition.get("condition_follows_z", True),
        )
        self._classifiers = {name: models.classifier(name) for name in given["classifiers"]}
        loaded = {definition["generator"]: self._generator, **self._classifiers}
        for name, checksum in given["checksums"].items():
            if loaded[name].checksum != checksum:
                raise ModelError(
                    f"The node {socket.gethostname()} has other weights of {name} than this"
                    " machine: copy them there."
                )
        self._scales = {
            name: torch.from_numpy(scale.copy()).to(given["device"])
            for name, scale in given["scales"].items()
        }
        return f"{socket.gethostname()}-{_ray().get_runtime_context().get_node_id()[:6]}"

    def run(self, chunk: Chunk) -> Iterator[list[Result]]:
        """The chunk's results, as they end."""
        loaded = Loaded(
            self._generator.module,
            self._classifiers[chunk.condition.classifier].module,
            self._scales,
            self._arguments["device"],
        )
        for ended, _ in run_chunk(chunk, loaded, self._arguments["definition"]):
            if ended:
                yield ended


def _arguments(
    home: Home,
    recorder: Recorder,
    experiment: Experiment,
    stored: list[StoredCondition],
    device: str,
    threads: int,
) -> dict[str, Any]:
    """What an actor is made of; σ is this machine's, so that all search with the same."""
    classifiers = {one.classifier: recorder.classifier(one).checksum for one in stored}
    scales: dict[str, np.ndarray] = {
        name: scale.cpu().numpy() for name, scale in recorder.generator.scales.items()
    }
    return {
        "home": str(home.root),
        "code": _code(),
        "definition": dict(experiment.definition),
        "device": device,
        "threads": threads,
        "scales": scales,
        "classifiers": list(classifiers),
        "checksums": {experiment.generator: recorder.generator.checksum, **classifiers},
    }


def _code() -> str:
    """SHA-256 of the code that computes."""
    digest = hashlib.sha256()
    for file in sorted((CHECKOUT / "engine").rglob("*.py")):
        digest.update(file.read_bytes())
    return digest.hexdigest()


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


def _died(condition: StoredCondition) -> str:
    return (
        f"Workers of the cluster died {MOST_DEATHS} times over the same trials of"
        f" {condition.classifier}, {condition.subset}: memory that ran out is the usual cause"
        " (choose fewer slots). What was stored is kept, and the experiment can be resumed."
    )


def _ray() -> Any:
    """Ray, an optional extra. Raises RequestError with how to get it."""
    try:
        import ray
    except ImportError as error:
        raise RequestError(WITHOUT_RAY) from error
    return ray


def _connect(ray: Any, address: str) -> None:
    try:
        if address != "auto":  # Ray itself would wait for many minutes
            host, _, port = address.rpartition(":")
            socket.create_connection((host, int(port)), CONNECT_SECONDS).close()
        ray.init(
            address=address,
            log_to_driver=False,
            logging_level="error",
            runtime_env={"env_vars": {"PYTHONPATH": str(CHECKOUT)}},
        )
    except (OSError, ValueError, OverflowError, RuntimeError) as error:
        raise RequestError(
            f"No Ray cluster answers at {address}: start one with `ray start --head` and give its"
            " address, such as 10.0.0.1:6379, or auto for the one on this machine."
        ) from error
