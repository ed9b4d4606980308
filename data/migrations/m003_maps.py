"""Schema 3, maps: semantic maps, the files that they are of, and the jobs that compute them."""

from __future__ import annotations

import sqlite_utils


def upgrade(database: sqlite_utils.Database) -> None:
    """Bring a database of schema 2 up; it has no maps yet."""
    database.executescript(TABLES)
    _rebuild_jobs(database)


def _rebuild_jobs(database: sqlite_utils.Database) -> None:
    """Constraints cannot be altered in place: a new table takes over the rows.

    New: a job of kind *map* is about a map, every other one about an experiment; a *transfer* tests
    its pictures on other classifiers, a *strength* renders them for a study, weaker and stronger.
    `request` is what a job was asked besides.
    """
    indexes = [
        sql
        for (sql,) in database.execute(
            "SELECT sql FROM sqlite_master WHERE type = 'index' AND tbl_name = 'jobs'"
            " AND sql IS NOT NULL"
        ).fetchall()
    ]
    columns = ", ".join(column.name for column in database["jobs"].columns)
    database.execute(JOBS)
    database.execute(f"INSERT INTO jobs_3 ({columns}) SELECT {columns} FROM jobs")
    database.execute("DROP TABLE jobs")
    database.execute("ALTER TABLE jobs_3 RENAME TO jobs")
    for sql in indexes:
        database.execute(sql)
    database.execute("CREATE INDEX jobs_map ON jobs (map_id)")


TABLES = """
-- `description` is enough to compute the map again. `content` is a NumPy archive (engine/maps/
-- stored.py), NULL until the first scores are there; `measured` of `points` have been asked.
CREATE TABLE maps (
    id TEXT PRIMARY KEY NOT NULL,
    name TEXT NOT NULL,
    description TEXT NOT NULL CHECK (json_valid(description)),
    origin TEXT NOT NULL CHECK (origin IN ('computed', 'imported', 'averaged')),
    content BLOB,
    sha256 TEXT CHECK (length(sha256) = 64),
    measured INTEGER NOT NULL DEFAULT 0 CHECK (measured BETWEEN 0 AND points),
    points INTEGER NOT NULL CHECK (points > 0),
    complete INTEGER NOT NULL DEFAULT 0 CHECK (complete IN (0, 1)),
    code_version TEXT NOT NULL,
    created_by TEXT NOT NULL,
    created_at TEXT NOT NULL,
    CHECK ((content IS NULL) = (sha256 IS NULL)),
    CHECK (NOT complete OR content IS NOT NULL)
) STRICT;
CREATE INDEX maps_created ON maps (created_at);

-- Files that maps are of: photos and meshes, as they were uploaded.
CREATE TABLE map_files (
    sha256 TEXT PRIMARY KEY NOT NULL CHECK (length(sha256) = 64),
    name TEXT NOT NULL,
    content BLOB NOT NULL,
    created_at TEXT NOT NULL
) STRICT;
"""

JOBS = """
CREATE TABLE jobs_3 (
    id TEXT PRIMARY KEY NOT NULL,
    kind TEXT NOT NULL CHECK (kind IN ('search', 'experiment', 'transfer', 'strength', 'map')),
    priority INTEGER NOT NULL CHECK (priority IN (0, 1)),
    experiment_id TEXT REFERENCES experiments (id) ON DELETE CASCADE,
    map_id TEXT REFERENCES maps (id) ON DELETE CASCADE,
    owner TEXT NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('queued', 'running', 'done', 'stopped', 'failed')),
    device TEXT NOT NULL,
    worker TEXT,
    heartbeat REAL,
    lease_expires REAL,
    progress TEXT NOT NULL DEFAULT '{}' CHECK (json_valid(progress)),
    cancel INTEGER NOT NULL DEFAULT 0 CHECK (cancel IN (0, 1)),
    message TEXT,
    created_at TEXT NOT NULL,
    started_at TEXT,
    finished_at TEXT,
    deaths INTEGER NOT NULL DEFAULT 0,
    request TEXT NOT NULL DEFAULT '{}' CHECK (json_valid(request)),
    CHECK (state <> 'running' OR (worker IS NOT NULL AND lease_expires IS NOT NULL)),
    CHECK ((finished_at IS NOT NULL) = (state IN ('done', 'stopped', 'failed'))),
    CHECK ((map_id IS NOT NULL) = (kind = 'map') AND (experiment_id IS NULL) = (kind = 'map'))
) STRICT
"""
