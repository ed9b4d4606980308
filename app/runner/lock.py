"""One worker a device: a lock on a file, which the kernel frees however its holder ends."""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from time import monotonic, sleep, time

from data.home import Home

#: Who only looks whether a worker is alive holds the lock for a moment.
MOMENT_SECONDS = 0.5


class WorkerRuns(RuntimeError):
    """Another worker serves this device; the message is one sentence for the user."""


def lock_file(home: Home, device: str) -> Path:
    """The file whose lock a device's worker holds; in it, who that is."""
    return home.database.parent / f"worker-{device.replace(':', '-')}.lock"


@contextmanager
def worker_lock(home: Home, device: str) -> Iterator[Path]:
    """Hold the device's lock. Raises WorkerRuns when a living process has it."""
    file = lock_file(home, device)
    descriptor = os.open(file, os.O_RDWR | os.O_CREAT, 0o644)
    try:
        if not _take(descriptor):
            raise WorkerRuns(
                f"A worker for {device} runs already (process {worker_process(home, device)})."
            )
        os.ftruncate(descriptor, 0)
        os.write(descriptor, json.dumps({"process": os.getpid(), "since": time()}).encode())
        yield file
    finally:
        os.close(descriptor)


def worker_alive(home: Home, device: str) -> bool:
    """Whether a process holds the device's lock."""
    try:
        descriptor = os.open(lock_file(home, device), os.O_RDONLY)
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False


def worker_process(home: Home, device: str) -> int | None:
    """The process id of the device's worker; None where none is alive."""
    if not worker_alive(home, device):
        return None
    try:
        return json.loads(lock_file(home, device).read_text())["process"]
    except (ValueError, KeyError):  # it has just begun and not written yet
        return None


def _take(descriptor: int) -> bool:
    deadline = monotonic() + MOMENT_SECONDS
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if monotonic() > deadline:
                return False
            sleep(0.02)
        else:
            return True
