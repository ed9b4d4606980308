"""What comes before a search: weights that are fetched, σ that is measured, models that break."""

from __future__ import annotations

import subprocess
import threading
from collections.abc import Iterator
from dataclasses import replace

import pytest
import torch
from sqlite_utils import Database

from app.runner import offer, scale_files
from app.runner.checksums import remembered_checksum
from app.runner.live import read_live
from app.runner.menu import read_menu
from app.runner.models import Models
from app.runner.request import ExperimentRequest, SearchRequest
from app.runner.submit import submit_experiment, submit_search
from data.experiments import conditions, experiment
from data.home import Home
from data.jobs import cancel, job
from data.results import results
from engine.downloads import checksum
from engine.scales import FULL, PREVIEW, measure_scales
from tests.app.processes import until
from tests.engine.file_server import FileServer, serving

SERVED = """
import runpy
from dataclasses import replace
from pathlib import Path

from engine.entries import Origin

TINY = runpy.run_path(str(Path(__file__).with_name("tiny.py")))
ENTRIES = [
    replace(
        entry,
        name="served",
        weights=replace(entry.weights, filename="served.safetensors"),
        origin=Origin(urls=({url!r},), megabytes=1.5),
    )
    for entry in TINY["ENTRIES"]
    if entry.name == "tiny-fair"
]
"""
SEARCH = SearchRequest("tiny", "served", "ring", "dot", seed=1, schedule="imagenet")


@pytest.fixture
def server(place: Home) -> Iterator[FileServer]:
    with serving((place.weights / "tiny-fair.safetensors").read_bytes()) as server:
        (place.models / "served.py").write_text(SERVED.format(url=server.url()))
        yield server


def test_the_job_fetches_and_can_be_stopped_and_the_next_goes_on_and_records_the_checksum(
    place: Home, database: Database, server: FileServer, worker: subprocess.Popen[str]
) -> None:
    choice = read_menu(place).classifiers["served"]
    assert (choice.checksum, choice.problem) == (None, None)
    assert choice.remark == "The weights of served are fetched on first use (2 MB)."
    server.waits_for = threading.Event()
    stopped = submit_search(database, place, SEARCH)
    until(lambda: "Fetching served" in job(database, stopped).progress.get("preparing", ""))
    assert "Fetching served" in read_live(place, stopped).message
    cancel(database, stopped)
    until(lambda: not job(database, stopped).active)
    assert job(database, stopped).state == "stopped"

    server.waits_for.set()
    again = submit_search(database, place, SEARCH)
    until(lambda: not job(database, again).active)
    assert (job(database, again).state, job(database, again).message) == ("done", None)
    fetched = checksum(place.weights / "served.safetensors")
    [condition] = conditions(database, job(database, again).experiment_id)
    [result] = results(database, condition.id)
    assert result.outcome == "found"
    assert fetched == condition.classifier_checksum == result.classifier_checksum
    until(lambda: read_menu(place).classifiers["served"].checksum == fetched)


def test_without_a_network_the_job_fails_with_the_command_that_does_without(
    place: Home, database: Database, worker: subprocess.Popen[str]
) -> None:
    (place.models / "served.py").write_text(SERVED.format(url="http://127.0.0.1:9/x"))
    until(lambda: "served" in read_menu(place).classifiers)
    failed = submit_search(database, place, SEARCH)
    until(lambda: not job(database, failed).active)
    assert job(database, failed).state == "failed"
    assert "is there a network? Run the test again." in job(database, failed).message


def test_one_broken_entry_fails_nobody_else(
    place: Home, database: Database, worker: subprocess.Popen[str]
) -> None:
    """A file that does not run, one that exits, and a generator whose code fails when built."""
    (place.models / "broken.py").write_text("import nothing_of_this_name")
    (place.models / "exits.py").write_text("raise SystemExit(1)")
    text = (place.models / "tiny.py").read_text().replace("tiny", "fails")
    (place.models / "fails.py").write_text(
        text.replace("build=Patterns", "build=lambda: 1 / 0").replace("fails-fair", "other-fair")
    )
    until(lambda: "nothing_of_this_name" in (read_menu(place).problem or ""))
    until(lambda: "fails cannot be built (ZeroDivisionError" in read_menu(place).problem)
    menu = read_menu(place)
    assert "exits.py does not run: SystemExit" in menu.problem
    assert {"mnist-conv", "tiny", "biggan-deep-128"} <= set(menu.generators)
    assert "fails" not in menu.generators
    sound = submit_search(database, place, replace(SEARCH, classifier="tiny-fair"))
    until(lambda: not job(database, sound).active)
    assert job(database, sound).state == "done"


def test_the_menu_tells_each_label_apart(place: Home) -> None:
    generator = Models(place).menu().generators["biggan-deep-128"]
    crane, machine = (i for i, name in enumerate(generator.labels) if name.startswith("crane"))
    assert generator.glosses[crane] != generator.glosses[machine]
    assert generator.searches[crane] != generator.searches[machine]
    assert len(generator.searches) == len(generator.glosses) == 1000
    assert generator.options == ("truncation", "condition_follows_z")


def test_a_checksum_is_remembered_until_the_file_changes(place: Home, monkeypatch) -> None:
    file = place.weights / "tiny.safetensors"
    found = remembered_checksum(file, place.caches)
    with monkeypatch.context() as patched:
        patched.setattr("app.runner.checksums.checksum", lambda file: "hashed again")
        assert remembered_checksum(file, place.caches) == found
    with file.open("ab") as weights:
        weights.write(b"more")
    assert remembered_checksum(file, place.caches) == checksum(file) != found


def test_a_search_of_a_large_generator_begins_with_a_preview_until_sigma_is_measured(
    place: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scale_files, "SMALL", 0)
    models = Models(place)
    preview = models.generator("tiny")
    assert preview.scales_samples == PREVIEW
    assert models.menu().generators["tiny"].scales_samples == PREVIEW
    told = [one["preparing"] for one in Models(place).preparation("tiny", full_scales=True)]
    assert told[-1] == "Measuring σ of tiny: 10,000 of 10,000 samples"
    full = models.generator("tiny")
    assert full.scales_samples == FULL
    assert full.scales_checksum != preview.scales_checksum
    assert models.menu().generators["tiny"].scales_samples == FULL


def test_a_measurement_that_was_stopped_goes_on(place: Home) -> None:
    models = Models(place)
    course = models.preparation("tiny", full_scales=True)
    for _ in range(3):
        next(course)
    course.close()
    rest = [one["preparing"] for one in Models(place).preparation("tiny", full_scales=True)]
    assert rest[0] == "Measuring σ of tiny: 2,000 of 10,000 samples"
    resumed = models.generator("tiny").scales
    whole = measure_scales(models.generator("tiny").module)
    assert all(torch.equal(resumed[name], whole[name]) for name in whole)
    assert not list(place.caches.glob("*.sums"))


def test_an_experiment_is_run_with_the_full_sigma(
    place: Home, database: Database, worker: subprocess.Popen[str]
) -> None:
    request = ExperimentRequest(
        "tiny", ("tiny-fair",), ("last",), trials=2, budget=5, schedules=("imagenet",)
    )
    asked = submit_experiment(database, place, request)
    until(lambda: not job(database, asked).active)
    [condition] = conditions(database, job(database, asked).experiment_id)
    found = results(database, condition.id)
    assert [result.scales_samples for result in found] == [FULL, FULL]
    scales = Models(place).generator("tiny").scales_checksum
    assert {result.scales_checksum for result in found} == {scales}
    until(lambda: read_menu(place).generators["tiny"].scales_samples == FULL)


def test_the_condition_may_be_kept_beside_one_that_follows(place: Home) -> None:
    models = Models(place)
    follows, kept = (models.generator("tiny", condition_follows_z=one) for one in (True, False))
    assert (follows.module.condition_follows_z, kept.module.condition_follows_z) == (True, False)
    weights, same = (next(one.module.parameters()) for one in (follows, kept))
    assert weights.data_ptr() == same.data_ptr()


def test_weights_on_a_users_disk_are_read_on_first_use(place: Home) -> None:
    file = place.weights / "tiny-fair.safetensors"
    (place.models / "served.py").write_text(
        SERVED.format(url="").replace("urls=('',)", f"file=Path({str(file)!r})")
    )
    models = Models(place)
    choice = models.menu().classifiers["served"]
    assert choice.problem is None and f"read from {file}" in choice.remark
    assert models.classifier("served").checksum == checksum(place.weights / "served.safetensors")


def test_an_experiment_asked_for_before_its_weights_are_there_is_the_same_afterwards(
    place: Home, database: Database, server: FileServer
) -> None:
    from app import api

    request = ExperimentRequest("tiny", ("served",), ("last",), trials=2, budget=5)
    first = api.define(request, place.root)
    assert api.define(request, place.root) == first
    assert len(list(api.run(first, place.root, threads=1))) == 2
    assert api.define(request, place.root) == first
    assert experiment(database, first).generator_checksum


def test_offer_has_every_entry(place: Home) -> None:
    models = Models(place)
    problems: list[str] = []
    made = offer.menu(models.catalogue, place, problems)
    assert problems == []
    assert set(made.classifiers) == set(models.catalogue.classifiers)
