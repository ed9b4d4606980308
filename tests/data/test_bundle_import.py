"""A bundle taken in where some of it is already: twice is as once, and nothing is overwritten."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from sqlite_utils import Database

from data.bundle import Written, write_bundle
from data.bundle_archive import BundleError
from data.bundle_import import Imported, import_bundle
from data.experiments import conditions
from data.home import Home
from data.judgements import add_judgement, judgements
from data.labellers import labellers
from data.results import add_results
from data.studies import items
from tests.data.bundles import carried, rewritten, say_of_the_first
from tests.data.rows import a_failure, a_find, an_experiment


def test_twice_is_as_once(
    database: Database, home: Home, written: Written, elsewhere: tuple[Home, Database]
) -> None:
    other, there = elsewhere
    first = import_bundle(there, other, written.file)
    before = carried(there)
    second = import_bundle(there, other, written.file)
    nothing = Imported(
        first.experiment, first.checksum, new=False, transfers=0, studies=0, images=0, maps=0
    )
    assert not nothing.anything
    assert second == nothing
    assert carried(there) == before
    assert import_bundle(database, home, written.file) == nothing


def test_what_goes_on_here_is_not_overwritten(
    database: Database, home: Home, original: str, written: Written
) -> None:
    study = next(iter(database["studies"].rows))
    [person] = labellers(database, study["id"])
    second = items(database, study["id"])[1]
    add_judgement(database, labeller_id=person.id, item_id=second.id, side="source", answer=1)
    with pytest.raises(BundleError, match=r"study of .* is here already, and differs in .*judgem"):
        import_bundle(database, home, written.file)
    [_, last] = conditions(database, original)
    add_results(database, [a_failure(last.id, 1)])
    with pytest.raises(BundleError, match=r"experiment of .* differs in results.jsonl"):
        import_bundle(database, home, written.file)
    assert len(judgements(database)) == 4


def test_a_source_that_is_another_picture_here_is_refused(
    written: Written, elsewhere: tuple[Home, Database]
) -> None:
    home, there = elsewhere
    a_find(there, home, 0)
    there.execute("PRAGMA foreign_keys = OFF")
    there.execute("UPDATE sources SET stimulus = ?", ["f" * 64])
    with pytest.raises(BundleError, match=r"label 3 and seed 0 in .* is another picture here"):
        import_bundle(there, home, written.file)


def test_a_map_that_is_another_one_here_is_refused(
    written: Written, elsewhere: tuple[Home, Database]
) -> None:
    home, there = elsewhere
    import_bundle(there, home, written.file)
    there.execute("UPDATE maps SET name = 'another'")
    with pytest.raises(BundleError, match=r"map of .* is here already, and differs in maps/.*json"):
        import_bundle(there, home, written.file)


def test_what_is_tested_later_is_added_and_another_answer_is_refused(
    database: Database,
    home: Home,
    original: str,
    written: Written,
    elsewhere: tuple[Home, Database],
    tmp_path: Path,
) -> None:
    other, there = elsewhere
    import_bundle(there, other, written.file)
    say_of_the_first(database, "one more")
    later = write_bundle(database, home, original, tmp_path / "later.zip")
    done = import_bundle(there, other, later.file)
    assert (done.new, done.transfers, done.anything) == (False, 1, True)
    assert carried(there)["transfers"] == carried(database)["transfers"]
    there.execute("UPDATE transfers SET answer = 4 WHERE classifier = 'one more'")
    with pytest.raises(BundleError, match=r"experiment of .* differs in transfers.jsonl"):
        import_bundle(there, other, later.file)


def test_a_study_shared_by_two_experiments_is_taken_in_once(
    database: Database,
    home: Home,
    original: str,
    written: Written,
    tmp_path: Path,
    elsewhere: tuple[Home, Database],
) -> None:
    """The second experiment has the same sources, so judgements and maps are of it, too."""
    second = an_experiment(database, name="the second")
    first_of_second, _ = conditions(database, second)
    add_results(database, [a_find(database, home, first_of_second.id, 0)])
    other = write_bundle(database, home, second, tmp_path / "second.zip")
    assert (other.studies, other.maps) == (2, 1)
    place, there = elsewhere
    import_bundle(there, place, written.file)
    done = import_bundle(there, place, other.file)
    assert (done.new, done.studies, done.images) == (True, 0, 0)
    assert there["judgements"].count == database["judgements"].count
    assert {row["experiment_id"] for row in there["study_experiments"].rows} == {original}


def test_a_bundle_of_the_first_version_is_still_taken_in(
    database: Database, written: Written, elsewhere: tuple[Home, Database]
) -> None:
    def first_version(contents: dict[str, bytes]) -> None:
        about = json.loads(contents["bundle.json"])
        plane = (set(about["studies"]) - set(about["asked_about_it"])).pop()
        about |= {"version": 1, "studies": about["asked_about_it"]}
        del about["maps"]
        contents["bundle.json"] = json.dumps(about).encode()
        for name in list(contents):
            if name == "transfers.jsonl" or name.startswith(("maps/", f"studies/{plane}/")):
                del contents[name]

    home, there = elsewhere
    old = rewritten(written.file, first_version)
    done = import_bundle(there, home, old)
    assert (done.new, done.studies, done.transfers, done.maps) == (True, 1, 0, 0)
    assert there["results"].count == 3
    assert not import_bundle(there, home, old).anything
    assert import_bundle(there, home, written.file).transfers == 1
