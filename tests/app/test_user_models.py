"""Models that other people trained, added to a running app as a user would: an entry file in the
home's models/, the weights by `models import`, and no project code touched."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlite_utils import Database

from app.runner.menu import read_menu
from app.runner.request import ExperimentRequest, SearchRequest
from app.runner.submit import submit_experiment, submit_search
from data.experiments import conditions
from data.home import Home
from data.jobs import job
from data.results import results
from tests.app.processes import until

ENTRIES = Path(__file__).parents[1] / "engine" / "user_models"
SHARED = Path(__file__).parents[3] / "shared" / "data"

pytestmark = pytest.mark.skipif(
    not (SHARED / "models").is_dir(), reason="the models lie in ../shared, which is not here"
)

FILES = {
    "advertorch-standard": "advertorch_lenet5_clntrained",
    "advertorch-robust": "advertorch_lenet5_advtrained",
    "cgan-mlp": "cgan_mlp_mnist",
    "squeezenet": "squeezenet1_1_imagenet_fp16",
}


def test_four_models_are_added_to_the_running_app_and_used(
    place: Home,
    database: Database,
    worker: subprocess.Popen[str],
    run: Callable[..., subprocess.CompletedProcess[str]],
) -> None:
    for entry in ENTRIES.glob("*.py"):
        shutil.copy(entry, place.models)
    until(lambda: "cgan-mlp" in read_menu(place).generators)
    assert "missing" in read_menu(place).classifiers["squeezenet"].problem
    for name, file in FILES.items():
        told = run("models", "import", name, str(SHARED / "models" / f"{file}.safetensors"))
        assert told.returncode == 0, told.stderr
    until(lambda: read_menu(place).generators["cgan-mlp"].checksum)
    until(lambda: all(read_menu(place).classifiers[n].checksum for n in FILES if n != "cgan-mlp"))
    menu = read_menu(place)
    assert {"advertorch-standard", "advertorch-robust", "mnist-standard"} <= set(
        menu.generators["cgan-mlp"].classifiers
    )
    assert "squeezenet" in menu.generators["biggan-deep-128"].classifiers

    explored = submit_search(
        database,
        place,
        SearchRequest("cgan-mlp", "advertorch-standard", "seven", schedule="imagenet"),
    )
    compared = submit_experiment(
        database,
        place,
        ExperimentRequest(
            "cgan-mlp",
            ("advertorch-standard", "advertorch-robust"),
            ("first",),
            schedules=("imagenet",),
            trials=4,
        ),
    )
    until(lambda: not job(database, explored).active and not job(database, compared).active)
    assert (job(database, explored).state, job(database, compared).state) == ("done", "done")
    [condition] = conditions(database, job(database, explored).experiment_id)
    [result] = results(database, condition.id)
    assert (result.outcome, result.scales_samples) == ("found", 10_000)
    cells = conditions(database, job(database, compared).experiment_id)
    outcomes = [one.outcome for cell in cells for one in results(database, cell.id)]
    assert len(outcomes) == 8 and outcomes.count("found") >= 4

    checked = run("models", "check", "squeezenet", str(SHARED / "photos"), "--json")
    measured = json.loads(checked.stdout)
    # To within one photo: resizing differs in the last bit between machines.
    assert measured["photos"] == 100
    assert measured["top1"]["right"] == pytest.approx(65, abs=1)
    assert measured["top5"]["right"] == pytest.approx(87, abs=1)
