"""A bundle that is damaged, forged, or none at all is refused, and nothing is changed."""

from __future__ import annotations

import hashlib
import re
import zipfile
from collections.abc import Callable, Mapping
from contextlib import closing
from pathlib import Path

import pytest
from sqlite_utils import Database

from data.bundle import Written, write_bundle
from data.bundle_archive import SUMS, BundleError
from data.bundle_import import import_bundle
from data.database import open_database
from data.home import Home
from data.images import encode
from labelling.options import StudyOptions
from tests.data.bundles import an_experiment_with_everything, rewritten
from tests.data.rows import pixels


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Written:
    """One bundle for all tests: each changes a copy."""
    folder = tmp_path_factory.mktemp("bundle")
    home = Home(folder / "home")
    with closing(open_database(home, durable=True)) as database:
        experiment_id = an_experiment_with_everything(database, home)
        return write_bundle(database, home, experiment_id, folder / "bundle.zip")


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


def test_a_damaged_list_of_checksums_is_refused(
    written: Written, elsewhere: tuple[Home, Database]
) -> None:
    content = bytearray(written.file.read_bytes())
    with zipfile.ZipFile(written.file) as archive:
        begins = archive.getinfo(SUMS).header_offset + 30 + len(SUMS)
    content[begins : begins + 40] = b"\xff" * 40  # no block of deflated data begins so
    damaged = written.file.with_name("damaged.zip")
    damaged.write_bytes(content)
    home, there = elsewhere
    with pytest.raises(BundleError, match="is no bundle, or was cut off"):
        import_bundle(there, home, damaged)


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
        (edit("bundle.json", b'"asked_about_it": [', b'"asked_about_it": [5,'), "does not fit its"),
        (edit("bundle.json", b'"asked_about_it"', b'"asked"'), "does not fit its other files"),
        (edit("sources.jsonl", b"{", b"{{"), "sources.jsonl .* nothing was taken in"),
        (edit("sources.jsonl", b'"id":', b'"id":[],"was":'), "sources.jsonl .* nothing was taken"),
        (
            edit("study.json", b'"name": ', b'"name": {}, "was": '),
            "study.json .* nothing was taken",
        ),
        (edit("study.json", b'"options": {}', b'"options": 5'), "study.json .*options 5.* nothing"),
        (
            edit("items.jsonl", b'"label":3', b'"label":9999999999999999999'),
            "items.jsonl .* nothing",
        ),
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


def test_a_study_told_what_no_study_can_be_is_refused(
    written: Written, elsewhere: tuple[Home, Database]
) -> None:
    """What `labelling.options` refuses would be met again on every page that lists studies."""
    home, there = elsewhere
    forged = rewritten(written.file, edit("study.json", b'"options": {}', b'"options": {"rule":5}'))
    with pytest.raises(BundleError, match=r"study.json in .* option rule must be text.* nothing"):
        import_bundle(there, home, forged, check_options=StudyOptions.of)
    assert there["studies"].count == 0
