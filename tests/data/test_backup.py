"""What is restored is what was backed up; nothing else is ever put in a home's place."""

from __future__ import annotations

import io
import json
import os
import subprocess
import tarfile
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from sqlite_utils import Database

from data.backup import MANIFEST, BackupError, write_backup
from data.database import DatabaseError, open_database
from data.experiments import conditions
from data.home import Home
from data.images import ImageError, image_file
from data.judgements import add_judgement, judgements
from data.restore import restore_backup
from data.results import missing_trials
from tests.data.actors import run_together, start
from tests.data.rows import a_study, an_experiment
from tests.data.test_crashes import assert_whole
from tests.data.test_schemas import DUMPS, counts, loaded

Member = tuple[tarfile.TarInfo, bytes]


def filled(home: Home) -> Home:
    """A home with a study, a judgement, models of its own, keys, and what is not the record."""
    with closing(open_database(home, durable=True)) as database:
        _, labeller, (item, _) = a_study(database, home, pairs=2)
        add_judgement(database, labeller_id=labeller, item_id=item, side="source", answer=2)
    (home.models / "mine.py").write_text("# a model")
    (home.keys / "signing.key").write_bytes(bytes(range(32)))
    (home.weights / "large.safetensors").write_bytes(b"w" * 1000)
    (home.caches / "sigma").write_bytes(b"c")
    (home.logs / "app.log").write_text("a line")
    return home


@pytest.fixture
def backup(home: Home, tmp_path: Path) -> Path:
    """A backup of a filled home."""
    write_backup(filled(home), tmp_path / "backup.tar")
    return tmp_path / "backup.tar"


def record(home: Home) -> dict[str, object]:
    """All that a backup is to keep: every row of the database, and the bytes of the files."""
    with closing(open_database(home)) as database:
        rows: dict[str, object] = {"database": list(database.conn.iterdump())}
    for folder in ("images", "models", "keys"):
        for file in (home.root / folder).rglob("*"):
            if file.is_file():
                rows[str(file.relative_to(home.root))] = file.read_bytes()
    return rows


def beside(home: Home) -> set[str]:
    """What lies beside the home."""
    return {file.name for file in home.root.parent.iterdir()} - {home.root.name}


def test_what_is_restored_is_what_was_backed_up(home: Home, backup: Path, tmp_path: Path) -> None:
    other = Home(tmp_path / "other" / "home")
    said, aside = restore_backup(backup, other)
    assert record(other) == record(home)
    assert_whole(other)
    assert (said.judgements, said.images, aside) == (1, 4, None)
    assert (other.keys / "signing.key").stat().st_mode & 0o777 == 0o600
    assert backup.stat().st_mode & 0o777 == 0o600
    assert not (other.root / "weights").exists() and not (other.root / "logs").exists()


def test_a_backup_taken_while_another_process_writes_is_of_one_moment(
    home: Home, tmp_path: Path
) -> None:
    with closing(open_database(home)) as database:
        condition = conditions(database, an_experiment(database))[0].id
    process = start("recorder", home.root, condition)
    process.stdin.write("go\n")
    process.stdin.flush()
    try:
        for _ in range(10):
            process.stdout.readline()
        for turn in range(3):
            at_least = int(process.stdout.readline())
            write_backup(home, tmp_path / f"{turn}.tar")
            restored = Home(tmp_path / f"restored-{turn}")
            restore_backup(tmp_path / f"{turn}.tar", restored)
            assert_whole(restored)
            with closing(open_database(restored)) as database:
                recorded = set(range(10_000)) - set(missing_trials(database, condition, 10_000))
            assert recorded == set(range(len(recorded))), "no trial is skipped"
            assert len(recorded) > at_least
    finally:
        process.kill()
        process.communicate()


def test_nothing_is_written_over(home: Home, backup: Path) -> None:
    before = backup.read_bytes()
    with pytest.raises(BackupError, match=r"backup\.tar is there already"):
        write_backup(home, backup)
    assert backup.read_bytes() == before


def remove(file: Path) -> None:
    file.unlink()


def spoil(file: Path) -> None:
    file.write_bytes(file.read_bytes()[:-1] + b"!")


@pytest.mark.parametrize(("harm", "says"), [(remove, "is missing"), (spoil, "is damaged")])
def test_a_home_that_is_not_whole_is_not_backed_up(
    home: Home, tmp_path: Path, harm: Callable[[Path], None], says: str
) -> None:
    with closing(open_database(filled(home))) as database:
        (name,) = database.execute("SELECT sha256 FROM stimuli LIMIT 1").fetchone()
    harm(image_file(home, name))
    with pytest.raises(ImageError, match=says):
        write_backup(home, tmp_path / "backup.tar")
    assert beside(home) == set(), "nothing of it is left"


def test_a_full_disk_leaves_no_half_a_backup(home: Home, tmp_path: Path) -> None:
    """In a process that may write no file larger than 100 kB."""
    filled(home)
    tried = subprocess.run(
        ["bash", "-c", f"ulimit -f 100; exec python -m app backup {tmp_path / 'backup.tar'}"],
        env=os.environ | {"PLAINVIEW_HOME": str(home.root), "PATH": _python_first()},
        capture_output=True,
        text=True,
        cwd=Path(__file__).resolve().parents[2],
    )
    assert tried.returncode == 2, tried.stderr
    assert len(tried.stderr.strip().splitlines()) == 1
    assert beside(home) == set()


def _python_first() -> str:
    import sys

    return f"{Path(sys.executable).parent}:{os.environ['PATH']}"


# --- Restoring ----------------------------------------------------------------------------------


def test_a_home_that_is_there_stays_without_force(home: Home, backup: Path) -> None:
    _change(home)
    before = record(home)
    with pytest.raises(BackupError, match="add --force"):
        restore_backup(backup, home)
    assert record(home) == before
    assert beside(home) == {backup.name}


def test_with_force_it_is_put_aside_whole_and_its_weights_go_over(home: Home, backup: Path) -> None:
    was = record(home)
    _change(home)
    changed = record(home)
    _, aside = restore_backup(backup, home, force=True)
    assert aside is not None
    assert record(home) == was
    assert record(Home(aside)) == changed
    assert (home.weights / "large.safetensors").read_bytes() == b"w" * 1000
    assert (aside / "logs" / "app.log").read_text() == "a line"


@pytest.mark.parametrize("blow", [1, 2, 3])
def test_killed_between_any_two_steps_both_homes_are_whole(
    home: Home, backup: Path, blow: int
) -> None:
    """The steps: the present home aside, the checked one there, weights over, caches over."""
    was = record(home)
    _change(home)
    changed = record(home)
    process = start("restorer", home.root, backup, blow)
    process.communicate("go\n", timeout=60)
    assert process.returncode == -9
    places = [Home(folder) for folder in home.root.parent.iterdir() if folder.is_dir()]
    found = [record(place) for place in places]
    assert changed in found and was in found
    assert home.root.exists() == (blow != 2)


def test_the_steps_are_all_of_them(home: Home, backup: Path) -> None:
    (lines,) = run_together([start("restorer", home.root, backup, 0)])
    assert lines == ["4"]


def test_a_home_in_use_is_left_alone(home: Home, backup: Path) -> None:
    before = record(home)
    with closing(open_database(home)) as database:
        assert database["judgements"].count == 1
        with pytest.raises(BackupError, match="is in use: end Plainview there"):
            restore_backup(backup, home, force=True)
    assert record(home) == before
    assert beside(home) == {backup.name}


def test_a_damaged_home_is_replaced(home: Home, backup: Path) -> None:
    was = record(home)
    home.database.write_bytes(b"no database" * 1000)
    restore_backup(backup, home, force=True)
    assert record(home) == was


@pytest.mark.parametrize("dump", DUMPS, ids=lambda file: file.name)
def test_a_backup_of_an_earlier_version_is_brought_up_to_date(
    dump: Path, home: Home, tmp_path: Path
) -> None:
    earlier = loaded(dump, home.database)
    before = counts(earlier)
    _without_images(earlier)
    write_backup(home, tmp_path / "backup.tar")
    other = Home(tmp_path / "other")
    restore_backup(tmp_path / "backup.tar", other)
    with closing(open_database(other)) as database:
        left = {
            table: count for table, count in before.items() if table in ("studies", "labellers")
        }
        assert left.items() <= counts(database).items()
    assert_whole(other)


def _without_images(database: Database) -> None:
    """The dumps have rows of images without their files: only what knows of none stays."""
    stays = {"experiments", "conditions", "studies", "study_experiments", "labellers"}
    triggers = [*database.query("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'")]
    for trigger in triggers:
        database.execute(f"DROP TRIGGER {trigger['name']}")
    for table in database.tables:
        if table.name not in stays and not table.name.startswith("_sqlite"):
            database.execute(f"DELETE FROM {table.name}")
    for trigger in triggers:
        database.execute(trigger["sql"])
    database.conn.commit()
    database.close()


# --- What is no whole backup --------------------------------------------------------------------


def without_its_end(members: list[Member]) -> list[Member]:
    return members[:-1]


def without_an_image(members: list[Member]) -> list[Member]:
    return [one for one in members if not one[0].name.startswith("images/")] + members[-1:]


def with_another_judgement(members: list[Member]) -> list[Member]:
    return [(entry, content.replace(b"ada", b"eve")) for entry, content in members]


def with_images_exchanged(members: list[Member]) -> list[Member]:
    """The manifest agrees; the names of the images do not."""
    (one, first), (other, second) = [it for it in members if it[0].name.startswith("images/")][:2]
    manifest = json.loads(members[-1][1])
    files = manifest["files"]
    files[one.name], files[other.name] = files[other.name], files[one.name]
    rest = [it for it in members[:-1] if it[0] not in (one, other)]
    return [*rest, (one, second), (other, first), (members[-1][0], json.dumps(manifest).encode())]


def with_a_way_out(members: list[Member]) -> list[Member]:
    return [(tarfile.TarInfo("models/../../outside"), b"!"), *members]


def with_a_link(members: list[Member]) -> list[Member]:
    link = tarfile.TarInfo("models/link")
    link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
    return [(link, b""), *members]


def with_something_else(members: list[Member]) -> list[Member]:
    return [(tarfile.TarInfo("weights/huge"), b"!"), *members]


def of_a_newer_format(members: list[Member]) -> list[Member]:
    return [
        (it, content.replace(b"plainview-backup-1", b"plainview-backup-2"))
        for it, content in members
    ]


def whose_manifest_lacks(name: str) -> Callable[[list[Member]], list[Member]]:
    """A turned bit in a key is enough."""

    def change(members: list[Member]) -> list[Member]:
        manifest = json.loads(members[-1][1])
        del manifest[name]
        return [*members[:-1], (members[-1][0], json.dumps(manifest).encode())]

    return change


CHANGES = [
    without_its_end,
    without_an_image,
    with_another_judgement,
    with_images_exchanged,
    with_a_way_out,
    with_a_link,
    with_something_else,
    of_a_newer_format,
    whose_manifest_lacks("files"),
    whose_manifest_lacks("created_at"),
]


@pytest.mark.parametrize("change", CHANGES)
def test_what_is_no_whole_backup_changes_nothing(
    home: Home, backup: Path, change: Callable[[list[Member]], list[Member]]
) -> None:
    before = record(home)
    changed = backup.with_name("changed.tar")
    _rewrite(backup, changed, change)
    with pytest.raises(BackupError, match=r"changed\.tar is (no backup|not whole|damaged)"):
        restore_backup(changed, home, force=True)
    assert record(home) == before
    assert beside(home) == {backup.name, changed.name}


@pytest.mark.parametrize("size", [0, 100, 2000, 50_000])
def test_a_backup_that_ends_early_changes_nothing(home: Home, backup: Path, size: int) -> None:
    before = record(home)
    backup.write_bytes(backup.read_bytes()[:size])
    with pytest.raises(BackupError):
        restore_backup(backup, home, force=True)
    assert record(home) == before
    assert beside(home) == {backup.name}


def test_a_backup_of_a_newer_version_changes_nothing(home: Home, tmp_path: Path) -> None:
    with closing(open_database(filled(home))) as database:
        database["_sqlite_migrations"].insert(
            {"migration_set": "plainview", "name": "m999_later", "applied_at": "2030-01-01"}
        )
    write_backup(home, tmp_path / "backup.tar")
    other = Home(tmp_path / "other")
    with pytest.raises(DatabaseError, match="newer version"):
        restore_backup(tmp_path / "backup.tar", other)
    assert not other.root.exists()


def _rewrite(source: Path, target: Path, change: Callable[[list[Member]], list[Member]]) -> None:
    with tarfile.open(source) as archive:
        members = [(entry, archive.extractfile(entry).read()) for entry in archive]
    assert members[-1][0].name == MANIFEST
    with tarfile.open(target, "w") as archive:
        for entry, content in change(members):
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))


def _change(home: Home) -> None:
    """One more judgement than was backed up."""
    with closing(open_database(home, durable=True)) as database:
        (first,) = judgements(database)
        add_judgement(
            database,
            labeller_id=first.labeller_id,
            item_id=first.item_id + 1,
            side="source",
            answer=1,
        )
