"""A home folder with tiny models, and real processes in it."""

from __future__ import annotations

import hashlib
import json
import os
import runpy
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from safetensors.torch import save_file
from sqlite_utils import Database

from app.runner.lock import worker_process
from data.database import open_database
from data.home import Home, home
from tests.app.processes import PATIENCE_SECONDS, ROOT, command, until

TINY = Path(__file__).with_name("tiny_models.py")


@pytest.fixture
def place(home_folder: Path) -> Home:
    """A home of the test's own that knows the generator `tiny` and its two classifiers."""
    return tiny_home(home_folder)


def tiny_home(folder: Path) -> Home:
    """A home in this folder that knows `tiny`, with the weights of its models."""
    made = home(folder)
    shutil.copy(TINY, made.models / "tiny.py")
    for name, tensors in runpy.run_path(str(TINY))["weights"]().items():
        file = made.weights / f"{name}.safetensors"
        save_file(tensors, file)
        checksum = hashlib.sha256(file.read_bytes()).hexdigest()
        file.with_suffix(".json").write_text(json.dumps({"sha256": checksum}))
    return made


@pytest.fixture
def database(place: Home) -> Iterator[Database]:
    """A connection to the home's database."""
    opened = open_database(place)
    yield opened
    opened.close()


@pytest.fixture
def run(place: Home) -> Callable[..., subprocess.CompletedProcess[str]]:
    """`run("search", …)`: that command, to its end, in a process of its own."""

    def run_to_end(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            command(*arguments, place=place),
            cwd=ROOT,
            env={**os.environ, "OMP_NUM_THREADS": "1"},
            capture_output=True,
            text=True,
            timeout=PATIENCE_SECONDS,
        )

    return run_to_end


@pytest.fixture
def start(place: Home) -> Iterator[Callable[..., subprocess.Popen[str]]]:
    """`start("worker")`: that command, running until it ends or the test does."""
    started: list[subprocess.Popen[str]] = []

    def start_process(*arguments: str) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            command(*arguments, place=place),
            cwd=ROOT,
            env={**os.environ, "OMP_NUM_THREADS": "1"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        started.append(process)
        return process

    yield start_process
    for process in started:
        process.kill()
        process.communicate()


@pytest.fixture
def worker(place: Home, start: Callable[..., subprocess.Popen[str]]) -> subprocess.Popen[str]:
    """A worker of this home, ready to take jobs."""
    process = start("worker", "--threads", "1")
    until(lambda: (place.caches / "menu.json").exists())
    assert worker_process(place, "cpu") == process.pid
    return process
