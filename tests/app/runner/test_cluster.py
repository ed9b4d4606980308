"""A Ray cluster of two nodes on this machine, whose nodes and actors are killed in mid-run.

`make test-cluster` runs this where Ray is installed, and lets nothing be skipped.
"""

from __future__ import annotations

import hashlib
import json
import sys
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace

import psutil
import pytest
import torch
from safetensors.torch import load_file, save_file
from sqlite_utils import Database

from app import api
from app.__main__ import main
from app.runner.chunk import Chunk
from app.runner.cluster import CHUNK_TRIALS, _parts, cluster_course
from app.runner.course import Course
from app.runner.models import Models
from app.runner.request import ExperimentRequest, RequestError
from data.experiments import conditions, experiment
from data.home import Home
from data.jobs import MOST_DEATHS
from data.results import results
from engine.entries import ModelError
from engine.experiment import Trial

NO_RAY = "Ray is not installed: pip install -r requirements-cluster.txt"
REQUEST = ExperimentRequest(
    "tiny",
    ("tiny-fair", "tiny-stubborn"),
    ("first", "last"),
    schedules=("imagenet",),
    budget=60,  # of each outcome there are some
    trials=24,
    slots=1,  # of several, which one a trial gets may change a float's last bit
    random_directions=1,
)
#: What two runs on different machines do not share.
OF_THE_RUN = {"id", "condition_id", "created_at", "seconds", "device"}


def table(database: Database, experiment_id: str) -> list[dict[str, object]]:
    """Every column of every result that decides something."""
    return [
        {"position": condition.position}
        | {key: value for key, value in vars(row).items() if key not in OF_THE_RUN}
        for condition in conditions(database, experiment_id)
        for row in results(database, condition.id)
    ]


def outcomes(database: Database, experiment_id: str) -> set[object]:
    return {row["outcome"] for row in table(database, experiment_id)}


def devices(database: Database, experiment_id: str) -> set[str]:
    return {
        row.device
        for condition in conditions(database, experiment_id)
        for row in results(database, condition.id)
        if row.steps
    }


# Those that need no cluster come first: `auto` would find the one of the others.


def test_without_ray_it_is_said_how_to_get_it(
    place: Home, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    asked = ("experiment", "--generator", "tiny", "--trials", "2", "--budget", "2")
    assert main([*asked, "--cluster", "auto", "--home", str(place.root)]) == 2
    assert "pip install -r requirements-cluster.txt" in capsys.readouterr().err


@pytest.mark.parametrize("address", ["127.0.0.1:1", "nowhere", "127.0.0.1:99999", "auto"])
def test_without_a_cluster_it_is_said_how_to_start_one(
    place: Home, monkeypatch: pytest.MonkeyPatch, address: str
) -> None:
    pytest.importorskip("ray", reason=NO_RAY)
    monkeypatch.setenv("RAY_ADDRESS", "127.0.0.1:1")  # auto: a cluster that is gone
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


@pytest.fixture(scope="module")
def head() -> Iterator[object]:
    """A head without cores."""
    pytest.importorskip("ray", reason=NO_RAY)
    from ray.cluster_utils import Cluster

    made = Cluster(initialize_head=True, head_node_args={"num_cpus": 0, "include_dashboard": False})
    yield made
    made.shutdown()


@pytest.fixture
def cluster(head: object) -> Iterator[object]:
    """The head, to which a test adds nodes of one core."""
    yield head
    for node in list(head.worker_nodes):
        head.remove_node(node, allow_graceful=False)


def course_of(
    experiment_id: str, place: Home, database: Database, cluster: object, chunk_trials: int = 8
) -> Course:
    return cluster_course(
        *(database, place, Models(place), experiment(database, experiment_id)),
        address=cluster.address,
        chunk_trials=chunk_trials,
    )


def add_node(cluster: object) -> object:
    return cluster.add_node(num_cpus=1, include_dashboard=False)


def test_with_a_node_killed_in_mid_run_the_table_is_that_of_one_process(
    place: Home, database: Database, cluster: object
) -> None:
    alone = api.define(REQUEST, place.root)
    list(api.run(alone, place.root, threads=1))
    assert outcomes(database, alone) == {"found", "exhausted", "skipped", "changed", "unchanged"}
    together = api.define(REQUEST, place.root, new=True)
    nodes = [add_node(cluster) for _ in range(2)]
    killed_at = None
    with closing(course_of(together, place, database, cluster)) as course:
        for _ in course:
            if killed_at is None and devices(database, together):
                killed_at = len(table(database, together))
                [device] = devices(database, together)
                [first] = [one for one in nodes if one.node_id[:6] == device[-6:]]
                cluster.remove_node(first, allow_graceful=False)
                add_node(cluster)
    assert killed_at is not None and killed_at < 24 * 4
    assert table(database, together) == table(database, alone)
    assert len(table(database, together)) == 24 * 8
    assert len(devices(database, together)) > 1


def test_weights_that_differ_on_a_node_are_refused(
    place: Home, database: Database, cluster: object
) -> None:
    add_node(cluster)
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


def actors(node: object) -> list[psutil.Process]:
    """The processes of this test's actors on the node."""
    [raylet] = node.all_processes["raylet"]
    below = psutil.Process(raylet.process.pid).children(recursive=True)
    return [one for one in below if "ray::Actor" in "".join(one.cmdline())]


def test_with_an_actor_killed_on_a_living_node_the_table_is_that_of_one_process(
    place: Home, database: Database, cluster: object
) -> None:
    alone = api.define(REQUEST, place.root)
    list(api.run(alone, place.root, threads=1))
    together = api.define(REQUEST, place.root, new=True)
    node = add_node(cluster)
    killed: list[psutil.Process] = []
    with closing(course_of(together, place, database, cluster)) as course:
        for _ in course:
            if not killed and devices(database, together):
                assert len(table(database, together)) < 24 * 4
                killed = actors(node)
                for one in killed:
                    one.kill()
    assert len(killed) == 1
    assert len(devices(database, together)) == 1
    assert table(database, together) == table(database, alone)


#: A user's classifier that takes its process along where a search begins at a wave.
DEADLY = """
import os, runpy, signal
from dataclasses import replace
from pathlib import Path

tiny = runpy.run_path(str(Path(__file__).with_name("tiny.py")))


class Deadly(tiny["Compare"]):
    def forward(self, images):
        logits = super().forward(images)
        if images.requires_grad and (logits.argmax(-1) == 3).any():
            os.kill(os.getpid(), signal.SIGKILL)
        return logits


ENTRIES = [replace(tiny["ENTRIES"][1], name="tiny-deadly", build=Deadly)]
"""


def test_trials_that_kill_every_actor_fail_and_the_experiment_goes_on(
    place: Home, database: Database, cluster: object
) -> None:
    (place.models / "deadly.py").write_text(DEADLY)
    asked = replace(
        REQUEST,
        classifiers=("tiny-deadly", "tiny-fair"),
        subsets=("first",),
        trials=4,
        seed=9,  # only the second trial is of a wave
        slots=1,
        random_directions=0,
    )
    experiment_id = api.define(asked, place.root)
    add_node(cluster)
    course = course_of(experiment_id, place, database, cluster, chunk_trials=3)
    *_, last = (progress for progress in course if "done" in progress)
    assert last["done"] == last["total"] == 2 * 4
    deadly, fair = (results(database, one.id) for one in conditions(database, experiment_id))
    assert [row.outcome == "failed" for row in deadly] == [False, True, True, False]
    assert f"died {MOST_DEATHS} times over this trial and those beside it" in deadly[1].reason
    assert "failed" not in [row.outcome for row in fair]
