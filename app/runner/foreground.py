"""A job run in the calling process, for the command line and notebooks.

The job table knows such a job like any other, so that pages show it and can stop it; its device is
one that no worker serves, so that none takes it up.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Callable, Iterator
from time import monotonic

from sqlite_utils import Database

from app.runner.course import Course, Progress, advance, stop
from app.runner.explain import explain
from app.runner.request import RequestError
from data.jobs import (
    INTERACTIVE,
    Job,
    cancel,
    claim,
    finish,
    job_of,
    report,
    submit,
    take_from_dead,
)

#: How long the course goes on between two looks at Ctrl-C's, the page's or the caller's wishes.
SLICE_SECONDS = 0.2
REPORT_SECONDS = 1.0


def run_here(
    database: Database,
    experiment_id: str,
    *,
    kind: str,
    owner: str,
    device: str,
    course: Callable[[str], Course],
) -> Iterator[Progress]:
    """Run an experiment's job to its end, yielding its progress several times a second.

    `course` makes the job's course from its id. Closing the iterator, or an exception at its
    yield (Ctrl-C), stops the job: what is stored stays, and the same call goes on from there.
    Raises RequestError when the experiment is running elsewhere.
    """
    worker = f"{socket.gethostname()}-{os.getpid()}"
    job = _claimed(database, experiment_id, kind=kind, owner=owner, device=device, worker=worker)
    running = course(job.id)
    progress: Progress = {}
    state, message = "stopped", None
    try:
        reported, over = monotonic(), False
        while not over:
            newest, over = advance(running, SLICE_SECONDS)
            progress = newest or progress
            if monotonic() - reported >= REPORT_SECONDS:
                stands = report(database, job.id, worker, progress)
                reported = monotonic()
                if stands is None or stands.cancel:
                    return
            yield progress
        state = "done"
    except Exception as error:
        state, message = "failed", explain(error)
        raise
    finally:
        if state == "stopped":
            stop(running)
        report(database, job.id, worker, progress)
        finish(database, job.id, worker, state, message)


def _claimed(
    database: Database, experiment_id: str, *, kind: str, owner: str, device: str, worker: str
) -> Job:
    """A job for the experiment that this process holds."""
    earlier = job_of(database, experiment_id)
    if earlier is not None and earlier.active:
        if earlier.worker is None or _alive(earlier.worker):
            raise RequestError(
                f"Experiment {experiment_id} is {earlier.state} already: watch it on the"
                " Experiments page, or stop it there first."
            )
        take_from_dead(database, earlier.id, earlier.worker)
        cancel(database, earlier.id)
    own_device = f"{device}, terminal {os.getpid()}"
    submit(
        database,
        kind=kind,
        experiment_id=experiment_id,
        owner=owner,
        device=own_device,
        priority=INTERACTIVE,
    )
    claimed = claim(database, own_device, worker)
    if claimed is None:
        raise RequestError(f"Another process has just taken up experiment {experiment_id}.")
    return claimed


def _alive(worker: str) -> bool:
    """Whether the process of this worker's name lives; of another computer we cannot know."""
    host, _, process = worker.rpartition("-")
    if host != socket.gethostname():
        return True
    try:
        os.kill(int(process), 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
