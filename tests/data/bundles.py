"""An experiment with all that a replication bundle holds, and bundles that were tampered with."""

from __future__ import annotations

import zipfile
from collections.abc import Callable
from pathlib import Path

from sqlite_utils import Database

from data.bundle_archive import SUMS, write_archive
from data.experiments import conditions
from data.home import Home
from data.jobs import submit
from data.judgements import add_comment, add_event, add_judgement, retract
from data.labellers import add_labeller, labeller_of
from data.maps import create_map, store_scores
from data.planes import plane_key
from data.plans import add_plan
from data.results import add_results, add_stimulus
from data.studies import ItemRow, add_items, create_study, items
from data.transfers import TransferRow, add_transfers
from tests.data.rows import a_failure, a_find, a_study, pixels

#: What of the database a bundle carries, without numbers that each database gives.
CARRIED = {
    "results": "trial_index, source_id, outcome, magnitude, magnitudes, confidences_after, stimulus"
    ", created_at",
    "sources": "id, stimulus",
    "stimuli": "sha256, width, height, channels, bytes",
    "studies": "id, name, options",
    "study_items": "study_id, position, kind, source_stimulus, perturbed_stimulus, phrase, details",
    "judgements": "side, stimulus, label, answer, response_ms, repeat, answered_at",
    "standing_judgements": "side, stimulus, label, answer",
    "analysis_plans": "experiment_id, plan, sha256, judgements",
    "labeller_events": "kind",
    "study_experiments": "study_id, experiment_id",
    "transfers": "classifier, classifier_checksum, source_answer, answer, created_at",
    "maps": "id, name, description, origin, content, sha256, measured, points, complete"
    ", created_by, created_at",
}

#: A plane through the source of trial 0.
PLANE = {
    "kind": "PerturbationPlane",
    "source": {
        "kind": "GeneratedSource",
        "generator": "mnist-conv",
        "checksum": "d" * 64,
        "label": 3,
        "seed": 0,
        "truncation": 1.0,
    },
    "scales_checksum": "e" * 64,
    "first": {"kind": "FoundDirection", "magnitude": 0.107, "perturbation_id": None},
    "second": {"kind": "RandomDirection", "seed": 0},
}


def a_map(database: Database, space: dict[str, object], complete: bool = True) -> str:
    map_id = create_map(
        database,
        name="a map",
        description={"space": space},
        origin="computed",
        points=4,
        code_version="0.1.0",
        created_by="ada",
    )
    store_scores(database, map_id, b"scores", measured=4, complete=complete)
    return map_id


def say_of_the_first(database: Database, classifier: str) -> None:
    """What another classifier says of the first found result."""
    (result_id,) = database.execute("SELECT min(id) FROM results").fetchone()
    add_transfers(database, [TransferRow(result_id, classifier, "b" * 64, 3, 5)])


def a_plane_study(database: Database, home: Home) -> None:
    """Of one picture of the plane, which one person was asked about; over no experiment."""
    study_id = create_study(database, name="a plane", experiment_ids=[], options={}, created_by="a")
    item = ItemRow(
        source_stimulus=add_stimulus(database, home, pixels(500)),
        perturbed_stimulus=add_stimulus(database, home, pixels(501)),
        label=3,
        phrase="a three",
        search_term="three digit",
        kind="plane",
        details={"plane": plane_key(PLANE), "u": [0.5, 0.25]},
    )
    add_items(database, study_id, [item])
    person = labeller_of(database, add_labeller(database, study_id, "another labeller"))
    [stored] = items(database, study_id)
    add_judgement(database, labeller_id=person.id, item_id=stored.id, side="source", answer=1)


def an_experiment_with_everything(database: Database, home: Home) -> str:
    """Two results tested on another classifier, a plan, a study with corrected, undone and standing
    judgements, a map of a plane with a study of its own; its id.
    """
    _, labeller_id, item_ids = a_study(database, home, pairs=2)
    [link] = database["study_experiments"].rows
    first, last = conditions(database, link["experiment_id"])
    add_results(database, [a_find(database, home, first.id, index) for index in range(2)])
    add_results(database, [a_failure(last.id)])
    plan = {"limit": 12.0, "rule": {"labeller": "synthetic labeller", "labellers": []}}
    add_plan(database, link["experiment_id"], plan, created_by="ada")
    asked = {"labeller_id": labeller_id, "item_id": item_ids[0]}
    mistake = add_judgement(database, **asked, side="source", answer=2, response_ms=812.5)
    add_judgement(database, **asked, side="source", answer=1, supersedes=mistake)
    undone = add_judgement(database, **asked, side="perturbed", answer=4)
    retract(database, undone)
    add_judgement(database, **asked, side="perturbed", answer=3, supersedes=undone)
    add_comment(database, labeller_id, item_ids[0], "I am Grace Hopper")
    add_event(database, labeller_id, "purpose", "I, Grace, think")
    say_of_the_first(database, "mnist-robust")
    a_map(database, PLANE)
    a_plane_study(database, home)
    submit(database, kind="experiment", experiment_id=first.experiment_id, owner="a", device="cpu")
    return first.experiment_id


def carried(database: Database) -> dict[str, list[tuple[object, ...]]]:
    return {
        table: sorted(database.execute(f"SELECT {columns} FROM {table}").fetchall(), key=repr)
        for table, columns in CARRIED.items()
    }


def rewritten(file: Path, change: Callable[[dict[str, bytes]], None]) -> Path:
    """The bundle with other content whose checksums fit: made by somebody who knows how."""
    with zipfile.ZipFile(file) as archive:
        contents = {name: archive.read(name) for name in archive.namelist() if name != SUMS}
    change(contents)
    target = file.with_name("changed.zip")
    write_archive(target, ((name, [content]) for name, content in contents.items()))
    return target
