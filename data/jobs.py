"""The job table: what joins the app, which submits, and the workers, which claim.

A worker holds a job by a lease, which it renews (`beat`, `report`). The lease of a worker that died
runs out, and the job is claimed again: jobs must go on from what is stored. A job whose worker died
`MOST_DEATHS` times fails, lest it kill every worker to come. Functions that change a
running job name the worker, and do nothing for one that has lost the job.
"""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from sqlite_utils import Database

from data.database import as_json, immediate
from data.stamps import new_id, now

INTERACTIVE = 0
BACKGROUND = 1

LEASE_SECONDS = 15.0
MOST_DEATHS = 3

Kind = Literal["search", "experiment", "transfer", "strength", "map"]
#: What makes an experiment's results; the other kinds work on what is there.
SEARCHING: tuple[Kind, ...] = ("search", "experiment")
State = Literal["queued", "running", "done", "stopped", "failed"]


@dataclass(frozen=True)
class Job:
    """One piece of work. `heartbeat` and `lease_expires` are seconds since 1970.

    A job of kind *map* has a `map_id` and no `experiment_id`, any other the other way round.
    `cancel`: somebody asked a running job to stop. `message` is for people: why it failed.
    `deaths`: so many workers died while they held it. `request`: what it was asked besides.
    """

    id: str
    kind: Kind
    priority: int
    experiment_id: str | None
    map_id: str | None
    owner: str
    state: State
    device: str
    worker: str | None
    heartbeat: float | None
    lease_expires: float | None
    progress: Mapping[str, Any]
    cancel: bool
    message: str | None
    created_at: str
    started_at: str | None
    finished_at: str | None
    deaths: int = 0
    request: Mapping[str, Any] = field(default_factory=dict)

    @property
    def active(self) -> bool:
        """Whether it still waits or runs."""
        return self.state in ("queued", "running")


def submit(
    database: Database,
    *,
    kind: Kind,
    experiment_id: str | None = None,
    map_id: str | None = None,
    owner: str,
    device: str,
    priority: int = BACKGROUND,
    request: Mapping[str, Any] | None = None,
) -> str:
    """Queues a job for the worker of `device` and returns its id.

    It is about an experiment or a map. While a job of this kind for the same one, asked the same,
    is active, that one's id: a double click does not compute everything twice.
    """
    asked = as_json(request or {})
    active = (
        "kind = ? AND experiment_id IS ? AND map_id IS ? AND request = ?"
        " AND state IN ('queued', 'running')"
    )
    with immediate(database):
        for row in database["jobs"].rows_where(active, [kind, experiment_id, map_id, asked]):
            return row["id"]
        job_id = new_id()
        database["jobs"].insert(
            {
                "id": job_id,
                "kind": kind,
                "priority": priority,
                "experiment_id": experiment_id,
                "map_id": map_id,
                "owner": owner,
                "state": "queued",
                "device": device,
                "request": asked,
                "created_at": now(),
            }
        )
    return job_id


def claim(
    database: Database, device: str, worker: str, lease_seconds: float = LEASE_SECONDS
) -> Job | None:
    """Takes the next job for a device: interactive ones first, then the oldest.

    A job whose lease has run out comes back, unless somebody asked it to stop (then it is stopped)
    or its worker died once too often (then it has failed). Of several workers that ask at once, one
    gets it.
    """
    free = (
        "device = :device AND"
        " (state = 'queued' OR (state = 'running' AND lease_expires <= :seconds))"
    )
    values = {"device": device, "worker": worker, "seconds": time.time(), "lease": lease_seconds}
    # Without the write lock first: idle workers ask several times a second.
    if not database.execute(f"SELECT 1 FROM jobs WHERE {free}", values).fetchone():
        return None
    with immediate(database):
        database.execute(
            f"UPDATE jobs SET state = 'stopped', finished_at = :at WHERE {free} AND cancel",
            values | {"at": now()},
        )
        for lost in _jobs(database, "device = :device AND state = 'running'", values):
            if (lost.lease_expires or 0) <= values["seconds"]:
                _lose(database, lost)
        return _updated(
            database,
            "state = 'running', worker = :worker, heartbeat = :seconds,"
            " lease_expires = :seconds + :lease, started_at = coalesce(started_at, :at)",
            f"id = (SELECT id FROM jobs WHERE {free} ORDER BY priority, created_at, rowid LIMIT 1)",
            values | {"at": now()},
        )


def beat(
    database: Database, job_id: str, worker: str, lease_seconds: float = LEASE_SECONDS
) -> Job | None:
    """Renews the lease and returns the job as it stands, its `cancel` flag among it.

    None when the worker has lost the job: it must stop, and writes nothing more for it.
    """
    return _held(
        database,
        job_id,
        worker,
        "heartbeat = :seconds, lease_expires = :seconds + :lease",
        {"seconds": time.time(), "lease": lease_seconds},
    )


def report(
    database: Database,
    job_id: str,
    worker: str,
    progress: Mapping[str, Any],
    lease_seconds: float = LEASE_SECONDS,
) -> Job | None:
    """Stores the progress, whatever JSON the page understands; otherwise as `beat`."""
    return _held(
        database,
        job_id,
        worker,
        "progress = :progress, heartbeat = :seconds, lease_expires = :seconds + :lease",
        {"progress": as_json(progress), "seconds": time.time(), "lease": lease_seconds},
    )


def finish(
    database: Database,
    job_id: str,
    worker: str,
    state: Literal["done", "stopped", "failed"],
    message: str | None = None,
) -> Job | None:
    """Ends a job; None when the worker has lost it."""
    return _held(
        database,
        job_id,
        worker,
        "state = :state, message = :message, finished_at = :at",
        {"state": state, "message": message, "at": now()},
    )


def release(database: Database, job_id: str, worker: str) -> Job | None:
    """Puts a job back into the queue when its worker shuts down; None when the job is lost."""
    return _held(
        database,
        job_id,
        worker,
        "state = 'queued', worker = NULL, heartbeat = NULL, lease_expires = NULL",
        {},
    )


def take_from_dead(database: Database, job_id: str, worker: str) -> None:
    """Puts the job of a worker that died back into the queue; it fails after `MOST_DEATHS` deaths.

    Who calls this knows that the worker is dead; `claim` knows it by a lease that has run out.
    """
    with immediate(database):
        for held in _jobs(
            database, "id = ? AND state = 'running' AND worker = ?", [job_id, worker]
        ):
            _lose(database, held)


def _lose(database: Database, held: Job) -> None:
    """One more of the job's workers has died."""
    values = {"id": held.id, "at": now(), "message": _DIED}
    failed = held.deaths + 1 >= MOST_DEATHS
    database.execute(
        "UPDATE jobs SET deaths = deaths + 1, worker = NULL, heartbeat = NULL,"
        " lease_expires = NULL, "
        + (
            "state = 'failed', finished_at = :at, message = :message WHERE id = :id"
            if failed
            else "state = 'queued' WHERE id = :id"
        ),
        values,
    )


_DIED = (
    f"The worker died {MOST_DEATHS} times while it did this, so it is not tried again by itself:"
    " memory that ran out is the usual cause (choose fewer slots, fewer layers or a smaller"
    " generator). What was stored is kept, and resuming tries the rest once more."
)


def cancel(database: Database, job_id: str) -> Job | None:
    """Asks a job to stop. One that no living worker holds is stopped at once.

    Returns the job as it stands; None where there is none. A job that has ended stays as it is.
    """
    with immediate(database):
        database.execute(
            "UPDATE jobs SET cancel = 1 WHERE id = ? AND state IN ('queued', 'running')", [job_id]
        )
        database.execute(
            "UPDATE jobs SET state = 'stopped', finished_at = ? WHERE id = ?"
            " AND (state = 'queued' OR (state = 'running' AND lease_expires <= ?))",
            [now(), job_id, time.time()],
        )
        return job(database, job_id)


def job(database: Database, job_id: str) -> Job | None:
    """The job of this id."""
    return next(iter(_jobs(database, "id = ?", [job_id])), None)


def job_of(database: Database, experiment_id: str, kinds: Sequence[Kind] = SEARCHING) -> Job | None:
    """The newest job of these kinds for an experiment."""
    where = "experiment_id = ? AND kind IN (SELECT value FROM json_each(?))"
    return next(iter(_jobs(database, where, [experiment_id, as_json(list(kinds))], limit=1)), None)


def job_of_map(database: Database, map_id: str) -> Job | None:
    """The newest job for a map."""
    return next(iter(_jobs(database, "map_id = ?", [map_id], limit=1)), None)


def jobs_of_study(database: Database, study_id: str) -> list[Job]:
    """The jobs that render pictures for a study, the newest first."""
    where = "kind = 'strength' AND json_extract(request, '$.study') = ?"
    return _jobs(database, where, [study_id])


def active_jobs(
    database: Database, *, owner: str | None = None, device: str | None = None
) -> list[Job]:
    """The jobs that wait or run, the newest first; of one owner, or for one device, if named."""
    where = (
        "state IN ('queued', 'running') AND (:owner IS NULL OR owner = :owner)"
        " AND (:device IS NULL OR device = :device)"
    )
    return _jobs(database, where, {"owner": owner, "device": device})


def _jobs(database: Database, where: str, parameters: Any, limit: int | None = None) -> list[Job]:
    rows = database["jobs"].rows_where(
        where, parameters, order_by="created_at DESC, rowid DESC", limit=limit
    )
    return [_job(row) for row in rows]


def _held(
    database: Database, job_id: str, worker: str, changes: str, values: Mapping[str, Any]
) -> Job | None:
    """Changes a job that the worker holds."""
    with immediate(database):
        return _updated(
            database,
            changes,
            "id = :id AND state = 'running' AND worker = :worker",
            {**values, "id": job_id, "worker": worker},
        )


def _updated(database: Database, changes: str, where: str, values: Mapping[str, Any]) -> Job | None:
    rows = list(database.query(f"UPDATE jobs SET {changes} WHERE {where} RETURNING *", values))
    return _job(rows[0]) if rows else None


def _job(row: Mapping[str, Any]) -> Job:
    read = {name: json.loads(row[name]) for name in ("progress", "request")}
    return Job(**{**row, **read, "cancel": bool(row["cancel"])})
