"""What a replication bundle carries, and what it leaves at home; the same from everywhere."""

from __future__ import annotations

import json
import re
import zipfile
from pathlib import Path

import pytest
from sqlite_utils import Database

from data.bundle import Written, write_bundle
from data.bundle_archive import BundleError
from data.bundle_import import import_bundle
from data.bundle_maps import map_ids
from data.home import Home
from data.judgements import add_event
from data.labellers import labellers
from tests.data.bundles import PLANE, a_map, carried


def test_a_bundle_carries_everything_to_another_home(
    database: Database, written: Written, elsewhere: tuple[Home, Database]
) -> None:
    home, there = elsewhere
    done = import_bundle(there, home, written.file)
    assert done.new
    plan = {"plan": None}  # its rule's name became a number
    before, after = carried(database), carried(there)
    before["analysis_plans"] = after["analysis_plans"] = plan
    assert after == before
    assert (written.results, written.images, written.studies, written.judgements) == (3, 6, 2, 5)
    assert (written.transfers, written.maps) == (1, 1)
    assert (done.transfers, done.maps) == (1, 1)
    assert len(list(home.images.rglob("*.png"))) == 6


def test_the_same_content_makes_the_same_file_wherever_it_is(
    database: Database,
    home: Home,
    original: str,
    written: Written,
    elsewhere: tuple[Home, Database],
    tmp_path: Path,
) -> None:
    content = written.file.read_bytes()
    again = write_bundle(database, home, original, tmp_path / "again.zip")
    assert again.file.read_bytes() == content
    other, there = elsewhere
    import_bundle(there, other, written.file)
    back = write_bundle(there, other, original, tmp_path / "back.zip")
    assert back.checksum == written.checksum
    assert back.file.read_bytes() == content


def test_nobody_is_named_and_nobody_gets_in(
    database: Database, written: Written, elsewhere: tuple[Home, Database]
) -> None:
    with zipfile.ZipFile(written.file) as archive:
        text = b"".join(archive.read(name) for name in archive.namelist()).decode("latin-1")
        [study] = json.loads(archive.read("bundle.json"))["asked_about_it"]
        people = f"studies/{study}/labellers.jsonl"
        [person] = [json.loads(line) for line in archive.read(people).splitlines()]
        plan = json.loads(archive.read("experiment.json"))["plans"][0]["plan"]
    assert "synthetic labeller" not in text
    assert "Grace" not in text
    assert re.fullmatch(r"labeller \d{9}", person["name"])
    assert plan["rule"]["labeller"] == person["name"]
    for (secret,) in database.execute("SELECT token_hash FROM labellers").fetchall():
        assert secret not in text
    home, there = elsewhere
    import_bundle(there, home, written.file)
    invited = [
        one
        for study_id in [row["id"] for row in there["studies"].rows]
        for one in labellers(there, study_id)
    ]
    assert len(invited) == 2
    assert all(one.revoked_at for one in invited)


def test_whoever_withdrew_is_not_passed_on(
    database: Database, home: Home, original: str, tmp_path: Path
) -> None:
    for person in database["labellers"].rows:
        add_event(database, person["id"], "withdrew")
    written = write_bundle(database, home, original, tmp_path / "without.zip")
    assert written.judgements == 0
    with zipfile.ZipFile(written.file) as archive:
        empty = [name for name in archive.namelist() if not archive.read(name)]
    of_people = ["assignments.jsonl", "judgements.jsonl", "labellers.jsonl"]
    assert sorted(name.rpartition("/")[2] for name in empty) == sorted(2 * of_people)


@pytest.mark.parametrize(
    ("space", "complete", "goes_along"),
    [
        (PLANE, True, True),
        ({"kind": "LatentInterpolation", "first": {}, "second": PLANE["source"]}, True, True),
        ({"kind": "PrincipalDirections", "source": PLANE["source"]}, False, False),
        ({**PLANE, "source": {**PLANE["source"], "seed": 77}}, True, False),
        ({"kind": "PublishedViews", "source": "a paper"}, True, False),
    ],
    ids=["plane", "interpolation", "unfinished", "another source", "published"],
)
def test_maps_go_along_that_are_finished_and_start_from_a_source(
    database: Database,
    home: Home,
    original: str,
    space: dict[str, object],
    complete: bool,
    goes_along: bool,
) -> None:
    a_map(database, PLANE)
    map_id = a_map(database, space, complete)
    assert (map_id in map_ids(database, original)) == goes_along


def test_a_picture_that_is_damaged_here_is_not_bundled(
    database: Database, home: Home, original: str, tmp_path: Path
) -> None:
    file = next(home.images.rglob("*.png"))
    file.write_bytes(file.read_bytes()[:-1])
    with pytest.raises(BundleError, match=f"{file.name} is damaged"):
        write_bundle(database, home, original, tmp_path / "bundle.zip")
    assert list(tmp_path.glob("*.zip")) == []
    assert list(tmp_path.glob(".*")) == []
    assert not database.conn.in_transaction
