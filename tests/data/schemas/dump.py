"""Writes a small database of the current schema as SQL, for the tests of later migrations.

    python -m tests.data.schemas.dump > tests/data/schemas/2.sql

Run once for every migration that is released, before the next is written; the file is named by the
migration's number and never written again after that release.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from data.assignments import COUNTED, assign
from data.database import open_database
from data.experiments import conditions
from data.home import Home
from data.jobs import claim, submit
from data.judgements import add_comment, add_event, add_judgement, judgements, retract
from data.maps import add_map_file, create_map, store_scores
from data.people import add_person, end_session
from data.plans import add_plan
from data.results import add_result
from data.tensors import store_perturbation
from data.transfers import TransferRow, add_transfers
from tests.data.rows import a_failure, a_find, a_study, perturbation


def main() -> None:
    """Prints the SQL of a database with at least one row in every table."""
    with tempfile.TemporaryDirectory() as folder:
        home = Home(Path(folder))
        database = open_database(home, durable=True)
        study_id, labeller_id, [item_id] = a_study(database, home)
        (experiment_id,) = (row["experiment_id"] for row in database["study_experiments"].rows)
        first, last = conditions(database, experiment_id)
        tensor = store_perturbation(database, home, perturbation(0))
        add_result(database, a_find(database, home, first.id, perturbation=tensor))
        add_result(database, a_failure(last.id))
        submit(database, kind="experiment", experiment_id=experiment_id, owner="ada", device="cpu")
        claim(database, "cpu", "worker")
        add_plan(database, experiment_id, {"limit": 12.0}, created_by="ada")
        asked = {"labeller_id": labeller_id, "item_id": item_id}
        add_judgement(database, **asked, side="source", answer=2)
        (mistake,) = judgements(database, study_id=study_id)
        add_judgement(database, **asked, side="source", answer=1, supersedes=mistake.id)
        add_judgement(database, **asked, side="perturbed", answer=4)
        undone = judgements(database, study_id=study_id)[-1]
        retract(database, undone.id)
        more = {"response_ms": 812.5, "hidden_ms": 10.0, "searches": 1, "supersedes": undone.id}
        add_judgement(database, **asked, side="perturbed", answer=3, **more)
        add_event(database, labeller_id, "consented")
        add_comment(database, labeller_id, item_id, "a comment")
        assign(
            database,
            study_id=study_id,
            **asked,
            round=COUNTED,
            place=1,
            lease_expires=None,
        )
        [result_id] = (row["id"] for row in database["results"].rows_where("outcome = 'found'"))
        add_transfers(database, [TransferRow(result_id, "mnist-robust", "0" * 64, 7, 3)])
        add_person(database, "ada@example.org")
        end_session(database, "a session", "9999-01-01T00:00:00.000000Z")
        add_map_file(database, "cube.obj", b"the mesh")
        map_id = create_map(
            database,
            name="a map",
            description={"resolution": 2},
            origin="computed",
            points=2,
            code_version="0",
            created_by="ada",
        )
        store_scores(database, map_id, b"two scores", measured=2, complete=True)
        sys.stdout.writelines(f"{line}\n" for line in database.conn.iterdump())


if __name__ == "__main__":
    main()
