"""A Ray cluster of two nodes on this machine, one of which is killed in mid-run."""

from __future__ import annotations

import hashlib
import json
import sys
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace

import pytest
import torch
from safetensors.torch import load_file, save_file
from sqlite_utils import Database

from app import api
from app.__main__ import main
from app.runner.chunk import Chunk
from app.runner.cluster import CHUNK_TRIALS, _parts, cluster_course
from app.runner.models import Models
from app.runner.request import ExperimentRequest, RequestError
from data.experiments import conditions, experiment
from data.home import Home
from data.results import results
from engine.entries import ModelError
from engine.experiment import Trial

NO_RAY = "Ray is not installed: pip install -r requirements-cluster.txt"
REQUEST = ExperimentRequest(
    "tiny",
    ("tiny-fair", "tiny-stubborn"),
    ("first", "last"),
    budget=800,
    trials=24,
    slots=4,
    random_directions=1,
)
#: What two runs on different machines do not share.
OF_THE_RUN = {"id", "condition_id", "created_at", "seconds", "device"}


@pytest.fixture
def cluster() -> Iterator[object]:
    """A head without cores and two nodes of one core each."""
    pytest.importorskip("ray", reason=NO_RAY)
    from ray.cluster_utils import Cluster

    made = Cluster(initialize_head=True, head_node_args={"num_cpus": 0, "include_dashboard": False})
    yield made
    made.shutdown()


def table(database: Database, experiment_id: str) -> list[dict[str, object]]:
    """Every column of every result that decides something."""
    return [
        {"position": condition.position}
        | {key: value for key, value in vars(row).items() if key not in OF_THE_RUN}
        for condition in conditions(database, experiment_id)
        for row in results(database, condition.id)
    ]


def test_with_a_node_killed_in_mid_run_the_table_is_that_of_one_process(
    place: Home, database: Database, cluster: object
) -> None:
    alone = api.define(REQUEST, place.root)
    list(api.run(alone, place.root, threads=1))
    together = api.define(REQUEST, place.root, new=True)
    nodes = [cluster.add_node(num_cpus=1, include_dashboard=False) for _ in range(2)]
    course = cluster_course(
        *(database, place, Models(place), experiment(database, together)),
        address=cluster.address,
        chunk_trials=8,
    )
    killed_at = None
    with closing(course):
        for _ in course:
            if killed_at is None and len(devices(database, together)) == 2:
                killed_at = len(table(database, together))
                cluster.remove_node(nodes[0], allow_graceful=False)
                cluster.add_node(num_cpus=1, include_dashboard=False)
    assert killed_at is not None and killed_at < 24 * 4
    assert table(database, together) == table(database, alone)
    assert len(table(database, together)) == 24 * 8
    assert len(devices(database, together)) == 3  # two that began, and the one that came later


def devices(database: Database, experiment_id: str) -> set[str]:
    return {
        row.device
        for condition in conditions(database, experiment_id)
        for row in results(database, condition.id)
        if row.steps
    }


def test_weights_that_differ_on_a_node_are_refused(
    place: Home, database: Database, cluster: object
) -> None:
    cluster.add_node(num_cpus=1, include_dashboard=False)
    experiment_id = api.define(replace(REQUEST, trials=2), place.root)
    models = Models(place)
    models.classifier("tiny-fair")  # this machine has loaded it; the node finds another
    file = place.weights / "tiny-fair.safetensors"
    save_file({**load_file(file), "linear.bias": torch.ones(4)}, file)
    checksum = hashlib.sha256(file.read_bytes()).hexdigest()
    file.with_suffix(".json").write_text(json.dumps({"sha256": checksum}))
    course = cluster_course(
        *(database, place, models, experiment(database, experiment_id)), address=cluster.address
    )
    with pytest.raises(ModelError, match="other weights of tiny-fair than this machine"):
        list(course)


def test_without_ray_it_is_said_how_to_get_it(
    place: Home, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    asked = ("experiment", "--generator", "tiny", "--trials", "2", "--budget", "2")
    assert main([*asked, "--cluster", "auto", "--home", str(place.root)]) == 2
    assert "pip install -r requirements-cluster.txt" in capsys.readouterr().err


@pytest.mark.parametrize("address", ["127.0.0.1:1", "nowhere", "127.0.0.1:99999", "auto"])
def test_without_a_cluster_it_is_said_how_to_start_one(place: Home, address: str) -> None:
    pytest.importorskip("ray", reason=NO_RAY)
    experiment_id = api.define(replace(REQUEST, trials=2), place.root)
    with pytest.raises(RequestError, match="start one with `ray start --head`"):
        list(api.run(experiment_id, place.root, cluster=address))


@pytest.mark.parametrize(
    ("count", "sizes"),
    [
        (0, []),
        (CHUNK_TRIALS, [CHUNK_TRIALS]),
        (CHUNK_TRIALS + 1, [CHUNK_TRIALS, 1]),
    ],
)
def test_chunks_hold_every_trial_once(count: int, sizes: list[int]) -> None:
    trials = tuple(Trial(index, 0, None, index) for index in range(count))
    norms = tuple((float(index),) for index in range(count))
    parts = list(_parts(Chunk(None, trials, norms), CHUNK_TRIALS))
    assert [len(part.trials) for part in parts] == sizes
    assert tuple(trial for part in parts for trial in part.trials) == trials
    assert tuple(norm for part in parts for norm in part.magnitudes) == norms
