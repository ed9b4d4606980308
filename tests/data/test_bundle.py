"""A replication bundle: the same from everywhere, idempotent, refused when anything is wrong."""

from __future__ import annotations

import hashlib
import json
import re
import zipfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from pathlib import Path

import pytest
from sqlite_utils import Database

from data.bundle import Written, write_bundle
from data.bundle_archive import SUMS, BundleError, write_archive
from data.bundle_import import Imported, import_bundle
from data.bundle_maps import map_ids
from data.database import open_database
from data.experiments import conditions
from data.home import Home
from data.images import encode
from data.jobs import submit
from data.judgements import add_comment, add_event, add_judgement, judgements, retract
from data.labellers import add_labeller, labeller_of, labellers
from data.maps import create_map, store_scores
from data.planes import plane_key
from data.plans import add_plan
from data.results import add_results, add_stimulus
from data.studies import ItemRow, add_items, create_study, items
from data.transfers import TransferRow, add_transfers
from tests.data.rows import a_failure, a_find, a_study, an_experiment, pixels

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


@pytest.fixture
def original(home: Home, database: Database) -> str:
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


@pytest.fixture
def elsewhere(tmp_path: Path) -> Iterator[tuple[Home, Database]]:
    other = Home(tmp_path / "elsewhere")
    with closing(open_database(other, durable=True)) as connection:
        yield other, connection


@pytest.fixture
def written(database: Database, home: Home, original: str, tmp_path: Path) -> Written:
    return write_bundle(database, home, original, tmp_path / "bundle.zip")


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


def test_a_map_that_is_another_one_here_is_refused(
    written: Written, elsewhere: tuple[Home, Database]
) -> None:
    home, there = elsewhere
    import_bundle(there, home, written.file)
    there.execute("UPDATE maps SET name = 'another'")
    with pytest.raises(BundleError, match=r"map of .* is here already, and differs in maps/.*json"):
        import_bundle(there, home, written.file)


def test_a_map_that_is_none_is_refused(written: Written, elsewhere: tuple[Home, Database]) -> None:
    def check(record: Mapping[str, object], scores: bytes) -> None:
        assert (record["name"], scores) == ("a map", b"scores")
        raise ValueError("no map at all")

    home, there = elsewhere
    with pytest.raises(
        BundleError, match=r"map.json in .* \(no map at all\): nothing was taken in"
    ):
        import_bundle(there, home, written.file, check_map=check)
    assert there["experiments"].count == 0


def flip(file: Path, name: str) -> Path:
    """The bundle with one bit of a file's stored content turned."""
    content = bytearray(file.read_bytes())
    with zipfile.ZipFile(file) as archive:
        info = archive.getinfo(name)
    place = info.header_offset + 30 + len(name) + info.compress_size // 2
    content[place] ^= 1
    target = file.with_name("flipped.zip")
    target.write_bytes(content)
    return target


@pytest.mark.parametrize("pick", ["results.jsonl", "experiment.json", "images/"])
def test_a_turned_bit_is_found_and_its_file_named(
    written: Written, elsewhere: tuple[Home, Database], pick: str
) -> None:
    with zipfile.ZipFile(written.file) as archive:
        name = next(name for name in archive.namelist() if name.startswith(pick))
    home, there = elsewhere
    with pytest.raises(BundleError, match=re.escape(name)):
        import_bundle(there, home, flip(written.file, name))
    assert there["experiments"].count == 0


def replaced(file: Path, name: str, content: bytes) -> Path:
    """Another file under a name, the list of checksums left alone; a valid zip."""
    target = file.with_name("replaced.zip")
    with zipfile.ZipFile(file) as old, zipfile.ZipFile(target, "w") as new:
        for info in old.infolist():
            new.writestr(info, content if info.filename == name else old.read(info))
    return target


def test_another_result_under_the_old_checksum_is_refused_with_the_files_name(
    written: Written, elsewhere: tuple[Home, Database]
) -> None:
    home, there = elsewhere
    with zipfile.ZipFile(written.file) as archive:
        changed = archive.read("results.jsonl").replace(b'"found"', b'"exhausted"')
    with pytest.raises(
        BundleError, match=r"results.jsonl .* is not what was bundled: its checksum"
    ):
        import_bundle(there, home, replaced(written.file, "results.jsonl", changed))


def zip_of(
    file: Path, *members: tuple[str, bytes], compression: int = zipfile.ZIP_DEFLATED
) -> Path:
    target = file.with_name("made.zip")
    with zipfile.ZipFile(target, "w", compression) as archive:
        for name, content in members:
            archive.writestr(name, content)
    return target


@pytest.mark.parametrize(
    ("members", "said"),
    [
        ([("a.txt", b"")], "has no SHA256SUMS"),
        ([(SUMS, b""), ("../../.ssh/authorized_keys", b"")], "authorized_keys', which no bundle"),
        ([(SUMS, b""), ("/etc/passwd", b"")], "which no bundle does"),
        ([(SUMS, b""), ("images/../../x.png", b"")], "which no bundle does"),
        ([(SUMS, b""), ("results.jsonl", bytes(2**26))], "would unpack to 64 MiB"),
        ([(SUMS, b""), ("results.jsonl", b"")], "results.jsonl in .* is not in its SHA256SUMS"),
        ([(SUMS, b"0" * 64 + b"  results.jsonl\n")], "results.jsonl is missing"),
        ([(SUMS, b"0" * 64 + b"  ../x\n")], "has a line that is none"),
        ([(SUMS, b"")], "bundle.json is missing"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_is_no_bundle_is_refused(
    tmp_path: Path, elsewhere: tuple[Home, Database], members: list[tuple[str, bytes]], said: str
) -> None:
    home, there = elsewhere
    with pytest.raises(BundleError, match=said):
        import_bundle(there, home, zip_of(tmp_path / "x", *members))
    assert {file.name for file in tmp_path.iterdir()} == {"elsewhere", "made.zip"}


@pytest.mark.parametrize("content", [b"", b"no zip at all", b"PK\x03\x04 and then nothing"])
def test_a_file_of_another_kind_is_refused(
    tmp_path: Path, elsewhere: tuple[Home, Database], content: bytes
) -> None:
    home, there = elsewhere
    (tmp_path / "x.zip").write_bytes(content)
    with pytest.raises(BundleError, match="is no bundle, or was cut off"):
        import_bundle(there, home, tmp_path / "x.zip")


def huge_picture() -> bytes:
    """A PNG of some bytes that says it is of 4 gigapixels."""
    content = bytearray(encode(pixels(0)))
    content[16:24] = (65536).to_bytes(4, "big") * 2
    return bytes(content)


def rename_image(contents: dict[str, bytes]) -> None:
    name = next(name for name in contents if name.startswith("images/"))
    contents[name] = encode(pixels(99))


def huge_image(contents: dict[str, bytes]) -> None:
    content = huge_picture()
    contents[f"images/{hashlib.sha256(content).hexdigest()}.png"] = content


def edit(name: str, old: bytes, new: bytes) -> Callable[[dict[str, bytes]], None]:
    def change(contents: dict[str, bytes]) -> None:
        chosen = next(one for one in contents if one.endswith(name) and old in contents[one])
        contents[chosen] = contents[chosen].replace(old, new)

    return change


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (rename_image, "images/.* is not what its name says"),
        (huge_image, "images/.* is no picture to be judged"),
        (edit("bundle.json", b'"version": 2', b'"version": 9'), "version 9; this Plainview reads"),
        (edit("bundle.json", b'"plainview-bundle"', b'"other"'), "no bundle of Plainview"),
        (edit("results.jsonl", b'"found"', b'"lost"'), "results.jsonl .* nothing was taken in"),
        (edit("results.jsonl", b'"outcome"', b'"ending"'), "results.jsonl .* nothing was taken in"),
        (edit("judgements.jsonl", b'"answer":1', b'"answer":7'), "judgements.jsonl .* nothing"),
        (edit("experiment.json", b"{", b"["), "experiment.json .* nothing was taken in"),
        (edit("transfers.jsonl", b'"answer":5', b'"answer":"five"'), "transfers.jsonl .* nothing"),
        (edit("map.json", b'"points": 4', b'"points": 3'), "map.json .* nothing was taken in"),
        (edit("scores.npz", b"scores", b"others"), "map.json .* its checksum.* nothing"),
        (lambda contents: contents.pop("sources.jsonl"), "sources.jsonl is missing"),
        (lambda contents: contents.pop("transfers.jsonl"), "transfers.jsonl is missing"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",  # no addresses: workers differ
)
def test_a_forged_bundle_with_fitting_checksums_changes_nothing(
    written: Written,
    elsewhere: tuple[Home, Database],
    change: Callable[[dict[str, bytes]], None],
    said: str,
) -> None:
    home, there = elsewhere
    with pytest.raises(BundleError, match=said):
        import_bundle(there, home, rewritten(written.file, change))
    for table in ("experiments", "results", "studies", "judgements", "labellers", "maps"):
        assert there[table].count == 0


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
