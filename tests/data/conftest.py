"""A home of each test's own, a durable connection to its database; a bundle, and where to."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from sqlite_utils import Database

from data.bundle import Written, write_bundle
from data.database import open_database
from data.home import Home
from tests.data.bundles import an_experiment_with_everything


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path / "home")


@pytest.fixture
def database(home: Home) -> Iterator[Database]:
    connection = open_database(home, durable=True)
    yield connection
    connection.close()


@pytest.fixture
def original(home: Home, database: Database) -> str:
    """The id of an experiment with all that a bundle can hold."""
    return an_experiment_with_everything(database, home)


@pytest.fixture
def elsewhere(tmp_path: Path) -> Iterator[tuple[Home, Database]]:
    other = Home(tmp_path / "elsewhere")
    with closing(open_database(other, durable=True)) as connection:
        yield other, connection


@pytest.fixture
def written(database: Database, home: Home, original: str, tmp_path: Path) -> Written:
    return write_bundle(database, home, original, tmp_path / "bundle.zip")
