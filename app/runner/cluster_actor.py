"""What each node of a Ray cluster runs: an actor that holds an experiment's models."""

from __future__ import annotations

import hashlib
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch

from app.runner.chunk import Chunk, Loaded, run_chunk
from app.runner.models import Models
from app.runner.record import Recorder
from app.runner.request import RequestError
from data.experiments import Experiment, StoredCondition
from data.home import CHECKOUT, Home, code_version
from engine.entries import ModelError
from engine.search.result import Result

WITHOUT_RAY = (
    "--cluster needs Ray, which is not installed: run"
    " `.venv/bin/pip install -r requirements-cluster.txt`, here and on every node."
)


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
        return f"{socket.gethostname()}-{ray_here().get_runtime_context().get_node_id()[:6]}"

    def run(self, chunk: Chunk) -> Iterator[list[Result]]:
        """None, once it begins; then the chunk's results, as they end."""
        yield []
        loaded = Loaded(
            self._generator.module,
            self._classifiers[chunk.condition.classifier].module,
            self._scales,
            self._arguments["device"],
        )
        for ended, _ in run_chunk(chunk, loaded, self._arguments["definition"]):
            if ended:
                yield ended


def actor_arguments(
    home: Home,
    recorder: Recorder,
    experiment: Experiment,
    stored: list[StoredCondition],
    device: str,
    threads: int,
) -> dict[str, Any]:
    """What an actor is given; σ is this machine's, so that all search with the same."""
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


def ray_here() -> Any:
    """Ray, an optional extra. Raises RequestError with how to get it."""
    try:
        import ray
    except ImportError as error:
        raise RequestError(WITHOUT_RAY) from error
    return ray
