"""A database of every earlier schema opens, migrates, and loses nothing."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest
from sqlite_utils import Database

from data.database import open_database
from data.home import Home
from data.judgements import judgements
from data.migrations import migrations

DUMPS = sorted(Path(__file__).with_name("schemas").glob("*.sql"), key=lambda file: int(file.stem))


def loaded(dump: Path, file: Path) -> Database:
    """The database that a dump describes."""
    connection = sqlite3.connect(file)
    connection.executescript(dump.read_text(encoding="utf-8"))
    connection.commit()
    return Database(connection)


def schema(database: Database) -> set[tuple[str, str]]:
    """(name, SQL) of everything in a database."""
    rows = database.execute("SELECT name, sql FROM sqlite_master WHERE sql IS NOT NULL")
    return {(name, " ".join(sql.split())) for name, sql in rows}


def counts(database: Database) -> dict[str, int]:
    """The number of rows of each table, without SQLite's and sqlite-utils' own."""
    return {
        table.name: table.count
        for table in database.tables
        if not table.name.startswith(("sqlite_", "_sqlite"))
    }


def test_there_is_a_dump_of_every_released_schema() -> None:
    released = migrations.pending(Database(memory=True))
    assert [file.stem for file in DUMPS] == [str(n + 1) for n in range(len(released))]


@pytest.mark.parametrize("dump", DUMPS, ids=lambda file: file.name)
def test_a_released_migration_is_never_edited(dump: Path, tmp_path: Path) -> None:
    names = [migration.name for migration in migrations.pending(Database(memory=True))]
    built = Database(memory=True)
    migrations.apply(built, stop_before=names[int(dump.stem) :])
    assert schema(loaded(dump, tmp_path / "dump.sqlite")) == schema(built)


@pytest.mark.parametrize("dump", DUMPS, ids=lambda file: file.name)
def test_an_earlier_database_migrates_without_loss(dump: Path, home: Home) -> None:
    earlier = loaded(dump, home.database)
    before = counts(earlier)
    assert all(before.values()), "the dump has a row in every table"
    earlier.close()

    database = open_database(home, durable=True)
    assert before.items() <= counts(database).items()
    assert schema(database) == schema(open_database(Home(home.root / "new")))
    assert database.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    assert database.execute("PRAGMA foreign_key_check").fetchall() == []
    assert [(row.side, row.answer) for row in judgements(database)] == [
        ("source", 1),
        ("perturbed", 3),
    ]
