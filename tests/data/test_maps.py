"""Maps in the database: found again with all that decides them; their jobs are like any other."""

from __future__ import annotations

import sqlite3

import pytest
from sqlite_utils import Database

from data.jobs import claim, job, job_of_map, submit
from data.maps import (
    add_map_file,
    create_map,
    delete_map,
    map_content,
    map_file,
    store_scores,
    stored_map,
    stored_maps,
)
from tests.data.rows import an_experiment


def a_map(database: Database, name: str = "a plane") -> str:
    return create_map(
        database,
        name=name,
        description={"label": 7, "resolution": [3, 2]},
        origin="computed",
        points=6,
        code_version="0.2.0",
        created_by="ada",
    )


def test_a_map_is_found_again_without_scores_and_then_with_them(database: Database) -> None:
    map_id = a_map(database)
    empty = stored_map(database, map_id)
    assert (empty.description, empty.measured, empty.complete) == (
        {"label": 7, "resolution": [3, 2]},
        0,
        False,
    )
    assert map_content(database, map_id) is None
    store_scores(database, map_id, b"half", measured=3, complete=False)
    store_scores(database, map_id, b"whole", measured=6, complete=True)
    full = stored_map(database, map_id)
    assert (full.measured, full.complete) == (6, True)
    assert map_content(database, map_id) == b"whole"
    assert [one.id for one in stored_maps(database)] == [map_id]


def test_more_points_than_there_are_cannot_be_measured(database: Database) -> None:
    with pytest.raises(sqlite3.IntegrityError):
        store_scores(database, a_map(database), b"x", measured=7, complete=False)


def test_a_map_job_goes_like_any_other_and_with_its_map(database: Database) -> None:
    map_id = a_map(database)
    job_id = submit(database, kind="map", map_id=map_id, owner="ada", device="cpu")
    again = submit(database, kind="map", map_id=map_id, owner="ada", device="cpu")
    assert again == job_id == job_of_map(database, map_id).id
    other = submit(database, kind="map", map_id=a_map(database), owner="ada", device="cpu")
    assert other != job_id
    claimed = claim(database, "cpu", "worker")
    assert (claimed.map_id, claimed.experiment_id) == (map_id, None)
    delete_map(database, map_id)
    assert job(database, job_id) is None


@pytest.mark.parametrize("kind", ["search", "map"])
def test_a_job_is_about_an_experiment_or_a_map_and_never_both(
    database: Database, kind: str
) -> None:
    about = {"experiment_id": an_experiment(database), "map_id": a_map(database)}
    for given in (about, {}):
        with pytest.raises(sqlite3.IntegrityError):
            submit(database, kind=kind, owner="ada", device="cpu", **given)


def test_a_file_is_kept_once_under_its_hash(database: Database) -> None:
    first = add_map_file(database, "chair.ply", b"ply")
    assert add_map_file(database, "copy.ply", b"ply") == first
    assert map_file(database, first) == b"ply"
    assert map_file(database, "0" * 64) is None
