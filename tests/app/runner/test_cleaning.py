"""Cleaning frees what nothing refers to, and nothing else; deleting spells out what goes."""

from __future__ import annotations

import os
import time
from pathlib import Path

import numpy as np
import pytest
from sqlite_utils import Database

from app.runner.cleaning import clean
from app.runner.menu import write_menu
from app.runner.models import Models
from app.runner.request import RequestError
from data.experiments import conditions, experiment
from data.home import Home
from data.images import image_file
from data.jobs import claim, finish, submit
from data.judgements import add_judgement
from data.plans import add_plan
from data.references import referring
from data.removal import RemovalError, delete_experiment, removal
from data.results import add_result, add_stimulus, source
from data.studies import create_study
from data.tensors import pin, store_perturbation
from tests.data.rows import a_failure, a_find, a_study, an_experiment, perturbation, pixels


def freed(database: Database, home: Home, **options: object) -> dict[str, tuple[int, int]]:
    """Kind → (rows, files), of what there was anything of; however young it is."""
    found = clean(database, home, young=0.0, **options)
    return {one.kind: (one.rows, len(one.files)) for one in found if one.rows or one.files}


@pytest.fixture
def found(database: Database, place: Home) -> str:
    """An experiment with one found result and its tensor; its id."""
    experiment_id = an_experiment(database)
    first, _ = conditions(database, experiment_id)
    tensor = store_perturbation(database, place, perturbation(0))
    add_result(database, a_find(database, place, first.id, perturbation=tensor))
    return experiment_id


def files(home: Home) -> set[Path]:
    return {
        path for folder in (home.images, home.tensors, home.runs) for path in folder.rglob("*.*")
    }


def test_nothing_is_freed_of_what_is_used(database: Database, place: Home, found: str) -> None:
    a_study(database, place)
    before = files(place)
    assert freed(database, place) == {}
    assert files(place) == before


def test_a_dry_run_shows_what_a_run_then_frees(database: Database, place: Home, found: str) -> None:
    add_stimulus(database, place, pixels(7))
    store_perturbation(database, place, perturbation(7))
    orphan = place.images / "ab" / f"ab{'0' * 62}.png"
    orphan.parent.mkdir(exist_ok=True)
    orphan.write_bytes(b"written, and its row never came")
    (place.images / "ab" / ".half.part").write_bytes(b"a crash")
    run = place.runs / "0123456789"
    run.mkdir()
    (run / "live.json").write_text("{}")
    used = {path for path in files(place) if "0000" not in path.name}
    expected = {
        "pictures that no result, source or study has": (1, 2),
        "perturbation tensors that no result has": (1, 1),
        "live files of runs that are gone": (0, 1),
        "files that were never finished": (0, 1),
    }
    before = files(place)
    assert freed(database, place, dry_run=True) == expected
    assert files(place) == before
    assert freed(database, place) == expected
    assert freed(database, place) == {}
    assert not orphan.exists() and not run.exists()
    assert files(place) < used
    assert database["results"].count == 1
    stored = [row["sha256"] for row in database["stimuli"].rows]
    assert all(image_file(place, sha256).is_file() for sha256 in stored)


def test_what_is_young_or_was_just_stored_again_stays(database: Database, place: Home) -> None:
    sha256 = add_stimulus(database, place, pixels(7))
    file = image_file(place, sha256)
    assert [one.rows + len(one.files) for one in clean(database, place)] == [0] * 8
    database.execute("DELETE FROM stimuli")
    os.utime(file, (0, 0))
    add_stimulus(database, place, pixels(7))  # as a search does that draws the same picture
    database.execute("DELETE FROM stimuli")
    clean(database, place)
    assert file.is_file()
    os.utime(file, (0, 0))
    clean(database, place)
    assert not file.exists()


def test_nothing_is_freed_while_anything_is_at_work(
    database: Database, place: Home, found: str
) -> None:
    add_stimulus(database, place, pixels(7))
    submit(database, kind="experiment", experiment_id=found, owner="ada", device="cpu")
    with pytest.raises(RequestError, match="1 job is at work"):
        clean(database, place, young=0.0)
    assert len(freed(database, place, dry_run=True)) == 1
    assert database["stimuli"].count == 3


def test_a_tensor_that_no_result_names_goes_though_it_was_pinned(
    database: Database, place: Home
) -> None:
    pin(database, store_perturbation(database, place, perturbation(1)))
    clean(database, place, young=0.0)
    assert database["perturbations"].count == 0


def test_only_searches_that_nobody_saved_go_and_only_if_asked(
    database: Database, place: Home
) -> None:
    kinds = {
        name: an_experiment(database, kind=kind, name=name)
        for name, kind in (("a", "exploration"), ("b", "exploration"), ("c", "experiment"))
    }
    database.execute("UPDATE experiments SET saved_at = created_at WHERE name = 'b'")
    database.execute("UPDATE experiments SET created_at = '2020-01-01T00:00:00.000000Z'")
    assert freed(database, place) == {}
    assert freed(database, place, searches_days=30) == {
        "searches of Explore that nobody saved": (1, 0)
    }
    assert {row["id"] for row in database["experiments"].rows} == {kinds["b"], kinds["c"]}


def test_every_table_that_names_a_picture_keeps_it(database: Database) -> None:
    assert {
        *(("sources", "stimulus"), ("results", "stimulus"), ("judgements", "stimulus")),
        *(("study_items", "source_stimulus"), ("study_items", "perturbed_stimulus")),
    } <= set(referring(database, "stimuli"))


def test_deleting_says_what_goes_and_cleaning_frees_its_pictures(
    database: Database, place: Home, found: str
) -> None:
    second = an_experiment(database, name="second")
    first_of_second, last = conditions(database, second)
    shared = a_find(database, place, first_of_second.id)  # the source is the first one's
    own = add_stimulus(database, place, pixels(55))
    add_result(database, a_failure(last.id, 1))
    add_result(database, type(shared)(**{**vars(shared), "stimulus": own}))
    add_plan(database, second, {}, created_by="ada")
    create_study(database, name="Nobody's", experiment_ids=[second], options={}, created_by="ada")
    job_id = submit(database, kind="experiment", experiment_id=second, owner="a", device="cpu")
    claim(database, "cpu", "worker")
    assert removal(database, second).reason == "it is at work"
    finish(database, job_id, "worker", "done")
    what = removal(database, second)
    assert (what.results, what.pictures, what.plans, what.reason) == (2, 1, 1, None)
    assert what.in_words().startswith("2 results, 1 picture that nothing else has (")
    assert what.in_words().endswith(
        "1 frozen analysis plan and the study “Nobody's”, to which nobody is invited"
    )
    assert delete_experiment(database, second) == what
    assert experiment(database, second) is None
    assert (database["studies"].count, database["jobs"].count) == (0, 0)
    assert image_file(place, own).is_file()
    clean(database, place, young=0.0)
    assert not image_file(place, own).exists()
    [kept] = database["results"].rows
    assert image_file(place, kept["stimulus"]).is_file()
    assert image_file(place, source(database, kept["source_id"]).stimulus).is_file()


def test_what_was_judged_or_may_be_is_not_deleted(database: Database, place: Home) -> None:
    _, labeller_id, [item_id] = a_study(database, place)
    [link] = database["study_experiments"].rows
    experiment_id = link["experiment_id"]
    first, _ = conditions(database, experiment_id)
    add_result(database, a_find(database, place, first.id))
    with pytest.raises(RemovalError, match="1 person is invited to the study “digits” about it"):
        delete_experiment(database, experiment_id)
    database.execute("PRAGMA synchronous = FULL")
    add_judgement(database, labeller_id=labeller_id, item_id=item_id, side="source", answer=1)
    with pytest.raises(RemovalError, match="1 judgement of its pictures was made"):
        delete_experiment(database, experiment_id)
    assert experiment(database, experiment_id) is not None
    # Another experiment of the same sources shows a judged picture, and takes nothing along.
    twin = an_experiment(database, name="twin")
    other, _ = conditions(database, twin)
    own = {"stimulus": add_stimulus(database, place, np.full((28, 28, 1), 7, np.uint8))}
    add_result(database, a_find(database, place, other.id, **own))
    assert delete_experiment(database, twin).pictures == 1
    assert database["judgements"].count == 1


def test_σ_goes_only_of_generators_that_nobody_has(
    database: Database, place: Home, found: str
) -> None:
    used, unused = ("d" * 64, "e" * 64)
    for checksum in (used, unused):
        (place.caches / f"scales-{checksum}-1.safetensors").write_bytes(b"sigma")
    assert freed(database, place) == {}  # the catalogue is not known
    write_menu(place, Models(place).menu())
    assert freed(database, place) == {
        "σ of generators that neither the catalogue nor an experiment has": (0, 1)
    }
    assert (place.caches / f"scales-{used}-1.safetensors").is_file()


def test_cached_views_go_when_nobody_asked_for_them_this_week(
    database: Database, place: Home
) -> None:
    folder = place.caches / "views"
    folder.mkdir()
    for name, age_days in (("old", 8), ("new", 6)):
        (folder / name).write_bytes(b"a view")
        then = time.time() - age_days * 24 * 3600
        os.utime(folder / name, (then, then))
    assert freed(database, place) == {
        "cached views and answers that nobody asked for this week": (0, 1)
    }
    assert [file.name for file in folder.iterdir()] == ["new"]
