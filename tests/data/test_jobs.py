"""The job table: one worker a job, interactive first, and nothing lost with a worker."""

from __future__ import annotations

from typing import Any

import pytest
from sqlite_utils import Database

from data.home import Home
from data.jobs import (
    BACKGROUND,
    INTERACTIVE,
    MOST_DEATHS,
    active_jobs,
    beat,
    cancel,
    claim,
    finish,
    job,
    job_of,
    release,
    report,
    submit,
    take_from_dead,
)
from tests.data.actors import run_together, start
from tests.data.rows import an_experiment

#: A lease that has run out as soon as it is given.
NO_TIME = -1.0


def a_job(database: Database, **changes: Any) -> str:
    """A job for an experiment of its own."""
    row = {
        "kind": "experiment",
        "experiment_id": an_experiment(database),
        "owner": "ada",
        "device": "cpu",
        "priority": BACKGROUND,
    }
    return submit(database, **row | changes)


def test_a_job_from_submission_to_its_end(database: Database) -> None:
    job_id = a_job(database)
    queued = job(database, job_id)
    assert (queued.state, queued.active, queued.worker, queued.progress) == (
        "queued",
        True,
        None,
        {},
    )
    running = claim(database, "cpu", "one")
    assert (running.id, running.state, running.worker) == (job_id, "running", "one")
    assert running.lease_expires > running.heartbeat
    assert report(database, job_id, "one", {"done": 3}).progress == {"done": 3}
    assert beat(database, job_id, "one", 60.0).lease_expires > running.lease_expires
    ended = finish(database, job_id, "one", "failed", "The weights are missing.")
    assert (ended.state, ended.active, ended.progress) == ("failed", False, {"done": 3})
    assert ended.message == "The weights are missing."
    assert ended.created_at <= ended.started_at <= ended.finished_at
    assert job(database, job_id) == ended == job_of(database, ended.experiment_id)
    assert claim(database, "cpu", "one") is None


def test_interactive_jobs_come_first_then_the_oldest_and_only_of_this_device(
    database: Database,
) -> None:
    early, late = a_job(database), a_job(database)
    a_job(database, device="cuda:0", priority=INTERACTIVE)
    live = a_job(database, priority=INTERACTIVE)
    claimed = [claim(database, "cpu", "one").id for _ in range(3)]
    assert claimed == [live, early, late]
    assert claim(database, "cpu", "one") is None


def test_a_double_click_gives_one_job_and_a_resumed_experiment_another(
    database: Database,
) -> None:
    experiment_id = an_experiment(database)
    first = a_job(database, experiment_id=experiment_id)
    assert a_job(database, experiment_id=experiment_id) == first
    claim(database, "cpu", "one")
    assert a_job(database, experiment_id=experiment_id) == first
    finish(database, first, "one", "stopped")
    assert a_job(database, experiment_id=experiment_id) != first


def test_eight_processes_claim_no_job_twice(home: Home, database: Database) -> None:
    submitted = {a_job(database) for _ in range(80)}
    done = run_together([start("claimant", home.root, f"worker {n}") for n in range(8)])
    claimed = [job_id for lines in done for job_id in lines]
    assert sorted(claimed) == sorted(submitted)
    assert active_jobs(database) == []


def test_a_lease_that_ran_out_comes_back_and_its_old_worker_is_refused(
    database: Database,
) -> None:
    job_id = a_job(database)
    dead = claim(database, "cpu", "dead", NO_TIME)
    report(database, job_id, "dead", {"done": 5}, NO_TIME)
    taken = claim(database, "cpu", "alive")
    assert (taken.id, taken.worker, taken.progress) == (job_id, "alive", {"done": 5})
    assert taken.started_at == dead.started_at
    assert claim(database, "cpu", "third") is None

    assert beat(database, job_id, "dead") is None
    assert report(database, job_id, "dead", {"done": 0}) is None
    assert release(database, job_id, "dead") is None
    assert finish(database, job_id, "dead", "done") is None
    assert job(database, job_id) == taken


@pytest.mark.parametrize("found_by", ["the next claim", "who knows that it is dead"])
def test_a_job_that_kills_its_workers_fails_with_a_sentence_after_some_deaths(
    database: Database, found_by: str
) -> None:
    job_id = a_job(database)
    for death in range(MOST_DEATHS):
        worker = f"worker {death}"
        assert claim(database, "cpu", worker, NO_TIME).deaths == death
        if found_by == "who knows that it is dead":
            take_from_dead(database, job_id, worker)
    assert claim(database, "cpu", "the last") is None
    failed = job(database, job_id)
    assert (failed.state, failed.deaths) == ("failed", MOST_DEATHS)
    assert f"The worker died {MOST_DEATHS} times" in failed.message


def test_a_job_that_is_handed_back_counts_no_death(database: Database) -> None:
    job_id = a_job(database)
    for _ in range(MOST_DEATHS + 1):
        claim(database, "cpu", "one")
        release(database, job_id, "one")
    assert (job(database, job_id).state, job(database, job_id).deaths) == ("queued", 0)
    claim(database, "cpu", "two")
    take_from_dead(database, job_id, "one")  # no longer its job
    assert job(database, job_id).worker == "two"


def test_a_beat_keeps_the_lease(database: Database) -> None:
    job_id = a_job(database)
    claim(database, "cpu", "one", NO_TIME)
    beat(database, job_id, "one", 60.0)
    assert claim(database, "cpu", "two") is None


def test_a_released_job_can_be_claimed_at_once(database: Database) -> None:
    job_id = a_job(database)
    claim(database, "cpu", "one")
    assert release(database, job_id, "one").state == "queued"
    assert claim(database, "cpu", "two").id == job_id


@pytest.mark.parametrize(
    ("lease", "state", "asked"),
    [(None, "stopped", True), (60.0, "running", True), (NO_TIME, "stopped", True)],
    ids=["queued", "running", "worker died"],
)
def test_cancelling_stops_at_once_what_no_living_worker_holds(
    database: Database, lease: float | None, state: str, asked: bool
) -> None:
    job_id = a_job(database)
    if lease is not None:
        claim(database, "cpu", "one", lease)
    cancelled = cancel(database, job_id)
    assert (cancelled.state, cancelled.cancel) == (state, asked)
    assert (cancelled.finished_at is not None) == (state == "stopped")
    assert claim(database, "cpu", "two") is None


def test_a_worker_learns_of_the_cancellation_by_its_next_beat(database: Database) -> None:
    job_id = a_job(database)
    claim(database, "cpu", "one")
    assert not beat(database, job_id, "one").cancel
    cancel(database, job_id)
    assert beat(database, job_id, "one").cancel
    assert finish(database, job_id, "one", "stopped").state == "stopped"


def test_a_cancelled_job_whose_worker_died_is_stopped_not_claimed(database: Database) -> None:
    job_id = a_job(database)
    claim(database, "cpu", "dead")
    cancel(database, job_id)
    beat(database, job_id, "dead", NO_TIME)
    assert claim(database, "cpu", "alive") is None
    assert job(database, job_id).state == "stopped"


def test_what_has_ended_stays_as_it_ended(database: Database) -> None:
    job_id = a_job(database)
    claim(database, "cpu", "one")
    ended = finish(database, job_id, "one", "done")
    assert cancel(database, job_id) == ended
    assert finish(database, job_id, "one", "failed") is None
    assert cancel(database, "nowhere") is None


def test_lists_are_newest_first_and_of_one_owner_if_named(database: Database) -> None:
    ada, bob = a_job(database), a_job(database, owner="bob", device="cuda:0")
    cancel(database, a_job(database))
    assert [row.id for row in active_jobs(database)] == [bob, ada]
    assert [row.id for row in active_jobs(database, owner="ada")] == [ada]
    assert [row.id for row in active_jobs(database, device="cuda:0")] == [bob]
