"""The schema, as migrations of sqlite-utils; what a release has applied is never edited.

Conventions: times are ISO-8601 UTC text in columns named `…_at` (epoch seconds only for leases),
JSON is text that SQLite itself checks, and a table is STRICT, so that a column holds its type.
Stimuli are named by the SHA-256 of their PNG file.

A migration is a file, or several where a release changes more than one thing. After a release, keep
a dump of the schema it ends in: see tests/data/schemas.
"""

from __future__ import annotations

import sqlite_utils
from sqlite_utils.migrations import Migrations

from data.migrations import (
    m002_experiments,
    m002_labelling,
    m003_access,
    m003_maps,
    m003_plans,
    m003_transfers,
)
from data.migrations.m001_first_light import m001_first_light

migrations = Migrations("plainview")
migrations()(m001_first_light)


@migrations()
def m002_instrument(database: sqlite_utils.Database) -> None:
    """Labelling by many, experiments of any size."""
    for part in (m002_labelling, m002_experiments):
        part.upgrade(database)


@migrations()
def m003_many_people(database: sqlite_utils.Database) -> None:
    """Served to many: who may come in; frozen analysis plans; maps; transfers."""
    for part in (m003_access, m003_plans, m003_maps, m003_transfers):
        part.upgrade(database)
