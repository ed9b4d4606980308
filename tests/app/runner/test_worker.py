"""The worker as a process of its own: it searches, takes turns, stops, dies and is succeeded."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Callable
from dataclasses import replace

import pytest
from sqlite_utils import Database

from app.runner.live import Live, read_after, read_live, write_live
from app.runner.lock import WorkerRuns, worker_alive, worker_lock, worker_process
from app.runner.menu import read_menu, write_menu
from app.runner.models import Models
from app.runner.old_runs import drop_old_runs
from app.runner.request import ExperimentRequest, SearchRequest
from app.runner.search_course import STRENGTHS
from app.runner.submit import (
    ensure_worker,
    resume_experiment,
    submit_experiment,
    submit_search,
)
from data.experiments import conditions, save_experiment
from data.home import Home
from data.images import decode, read_image
from data.jobs import Job, cancel, job
from data.results import StoredResult, results, source
from tests.app.processes import until

Start = Callable[..., subprocess.Popen[str]]

FAIR = SearchRequest("tiny", "tiny-fair", "ring", "dot", seed=1, schedule="imagenet")
#: To this classifier nothing is a wave, so that the search goes on until it is stopped.
ENDLESS = SearchRequest("tiny", "tiny-stubborn", "ring", "wave", seed=1, budget=1_000_000)
EXPERIMENT = ExperimentRequest(
    "tiny", ("tiny-fair",), ("first", "last"), trials=40, slots=8, budget=3000
)
SHORT = replace(EXPERIMENT, trials=12, slots=4, budget=1200)


def ended(database: Database, job_id: str) -> Job | None:
    found = job(database, job_id)
    return None if found is None or found.active else found


def live(place: Home, job_id: str) -> Live:
    return read_live(place, job_id) or Live("loading", 0)


def stored(database: Database, job_id: str) -> list[StoredResult]:
    found = job(database, job_id)
    assert found is not None
    return [
        result
        for condition in conditions(database, found.experiment_id)
        for result in results(database, condition.id)
    ]


def outcome(result: StoredResult) -> tuple[object, ...]:
    """Everything of a result that a repetition must repeat, to the bit."""
    return (
        *(result.trial_index, result.label, result.target, result.outcome, result.steps),
        *(result.magnitude, result.magnitudes, result.margin, result.stimulus, result.source_id),
    )


def test_a_search_ends_with_its_result_stored_and_its_strengths_swept(
    place: Home, database: Database, worker: subprocess.Popen[str]
) -> None:
    job_id = submit_search(database, place, FAIR)
    until(lambda: ended(database, job_id))
    assert ended(database, job_id).state == "done"
    [result] = stored(database, job_id)
    shown, after = live(place, job_id), read_after(place, job_id)
    assert (result.outcome, shown.phase, shown.outcome) == ("found", "done", "found")
    assert (shown.magnitude, shown.margin, shown.step) == (
        result.magnitude,
        result.margin,
        result.steps,
    )
    assert (decode(shown.image) == read_image(place, result.stimulus)).all()
    origin = source(database, result.source_id)
    assert (decode(shown.source) == read_image(place, origin.stimulus)).all()
    assert shown.history.step == list(range(result.steps + 1))
    assert shown.after[0].label == result.target
    assert [frame.step for frame in after.frames][-1] == result.steps
    assert [one.strength for one in after.strengths] == list(STRENGTHS)
    at_rest, found = after.strengths[0], after.strengths[STRENGTHS.index(1.0)]
    assert (decode(at_rest.image) == decode(shown.source)).all()
    assert not at_rest.fooled
    assert found.fooled and (decode(found.image) == decode(shown.image)).all()


def test_the_same_search_takes_the_same_course(
    place: Home, database: Database, worker: subprocess.Popen[str]
) -> None:
    first, second = (submit_search(database, place, FAIR) for _ in range(2))
    until(lambda: ended(database, first) and ended(database, second))
    assert outcome(stored(database, first)[0]) == outcome(stored(database, second)[0])
    one, other = live(place, first), live(place, second)
    assert replace(one, seconds=0) == replace(other, seconds=0)


def test_two_searches_and_an_experiment_take_turns_and_a_stop_stops_one(
    place: Home, database: Database, worker: subprocess.Popen[str]
) -> None:
    background = submit_experiment(database, place, EXPERIMENT)
    one, other = (submit_search(database, place, ENDLESS) for _ in range(2))
    until(
        lambda: live(place, one).step and live(place, other).step and stored(database, background)
    )
    seen = [live(place, one).step, live(place, other).step, len(stored(database, background))]
    until(
        lambda: (
            live(place, one).step > seen[0]
            and live(place, other).step > seen[1]
            and len(stored(database, background)) > seen[2]
        )
    )
    cancel(database, one)
    until(lambda: ended(database, one))
    assert (ended(database, one).state, live(place, one).phase) == ("stopped", "stopped")
    assert stored(database, one) == []
    assert read_after(place, one).frames and not read_after(place, one).strengths
    now = live(place, other).step
    until(lambda: live(place, other).step > now)


def test_after_a_kill_no_trial_is_lost_none_twice_and_all_as_if_uninterrupted(
    place: Home, database: Database, worker: subprocess.Popen[str], start: Start
) -> None:
    search = submit_search(database, place, ENDLESS)
    killed = submit_experiment(database, place, SHORT, "killed")
    until(lambda: len(stored(database, killed)) >= 3 and live(place, search).step)
    worker.kill()
    worker.wait()
    before = stored(database, killed)
    assert len(before) < 24
    assert job(database, killed).state == job(database, search).state == "running"

    start("worker", "--threads", "1")
    until(lambda: job(database, search).worker not in (None, f"{os.uname().nodename}-{worker.pid}"))
    cancel(database, search)
    until(lambda: ended(database, killed))
    after = stored(database, killed)
    assert [result for result in after if result in before] == before
    assert [result.trial_index for result in after] == [*range(12), *range(12)]

    unbroken = submit_experiment(database, place, SHORT, "unbroken")
    until(lambda: ended(database, unbroken))
    assert [outcome(result) for result in after] == [
        outcome(result) for result in stored(database, unbroken)
    ]


def test_a_worker_that_is_asked_to_end_hands_its_jobs_back(
    place: Home, database: Database, worker: subprocess.Popen[str]
) -> None:
    job_id = submit_search(database, place, ENDLESS)
    until(lambda: live(place, job_id).step > 0)
    worker.send_signal(signal.SIGTERM)
    assert worker.wait(60) == 0
    assert (job(database, job_id).state, job(database, job_id).worker) == ("queued", None)


def test_a_search_that_cannot_run_fails_with_a_sentence_and_the_worker_goes_on(
    place: Home, database: Database, worker: subprocess.Popen[str]
) -> None:
    with (place.weights / "tiny-stubborn.safetensors").open("ab") as weights:
        weights.write(b"damage")
    broken = submit_search(database, place, ENDLESS)
    until(lambda: ended(database, broken))
    assert ended(database, broken).state == "failed"
    assert "is damaged" in ended(database, broken).message
    assert "Run the test again." in ended(database, broken).message
    assert live(place, broken).phase == "failed"
    sound = submit_search(database, place, FAIR)
    until(lambda: ended(database, sound))
    assert ended(database, sound).state == "done"


def test_weights_that_changed_since_are_refused(
    place: Home, database: Database, worker: subprocess.Popen[str]
) -> None:
    job_id = submit_experiment(database, place, EXPERIMENT)
    until(lambda: stored(database, job_id))
    cancel(database, job_id)
    until(lambda: ended(database, job_id))
    experiment_id = job(database, job_id).experiment_id
    database.execute(
        "UPDATE conditions SET classifier_checksum = ? WHERE experiment_id = ?",
        ["0" * 64, experiment_id],
    )
    again = resume_experiment(database, experiment_id, owner="test")
    until(lambda: ended(database, again))
    assert "are not those that this experiment was begun with" in ended(database, again).message


def test_a_device_has_one_worker_and_its_death_makes_room(
    place: Home, worker: subprocess.Popen[str], start: Start
) -> None:
    second = start("worker")
    assert second.wait(60) == 2
    assert f"runs already (process {worker.pid})" in second.stderr.read()
    worker.kill()
    worker.wait()
    assert not worker_alive(place, "cpu")
    with worker_lock(place, "cpu"):
        assert worker_process(place, "cpu") == os.getpid()
        with pytest.raises(WorkerRuns):
            worker_lock(place, "cpu").__enter__()
    assert not worker_alive(place, "cpu")


def test_a_page_starts_a_worker_when_none_is_alive_and_it_ends_with_its_home(place: Home) -> None:
    ensure_worker(place)
    ensure_worker(place)
    until(lambda: (place.caches / "menu.json").exists())
    process = worker_process(place, "cpu")
    ensure_worker(place)
    assert worker_process(place, "cpu") == process
    (place.root / "worker-cpu.lock").unlink()
    until(lambda: os.waitpid(process, os.WNOHANG) != (0, 0))


def test_models_that_are_added_or_broken_meanwhile_are_offered_or_named(
    place: Home, worker: subprocess.Popen[str]
) -> None:
    assert "tiny" in read_menu(place).generators
    entries = place.models / "tiny.py"
    text = entries.read_text()
    entries.write_text(text.replace('name="tiny"', 'name="small"'))
    until(lambda: "small" in read_menu(place).generators)
    entries.write_text("ENTRIES = None.nothing")
    until(lambda: read_menu(place).problem)
    assert "does not run" in read_menu(place).problem
    assert "mnist-conv" in read_menu(place).generators


def test_of_the_runs_that_nobody_saved_the_oldest_lose_their_live_files(
    place: Home, database: Database
) -> None:
    write_menu(place, Models(place).menu())
    runs = [submit_search(database, place, FAIR) for _ in range(4)]
    for age, run in enumerate(runs):
        write_live(place, run, Live("done", 0))
        cancel(database, run)
        os.utime(place.runs / run, (age, age))
    save_experiment(database, job(database, runs[0]).experiment_id, "kept")
    assert drop_old_runs(place, database, keep=2) == 1
    assert [read_live(place, run) is not None for run in runs] == [True, False, True, True]
