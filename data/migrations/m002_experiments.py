"""Schema 2, its part for experiments: controls, distances between pixels, attempts, extensions."""

from __future__ import annotations

import sqlite_utils


def upgrade(database: sqlite_utils.Database) -> None:
    """Bring a database of schema 1 up."""
    # What a condition is for. A control names the position of the condition that it controls.
    database.execute(
        "ALTER TABLE conditions ADD COLUMN role TEXT NOT NULL DEFAULT 'search'"
        " CHECK (role IN ('search', 'random-direction', 'repeat'))"
    )
    database.execute(
        "ALTER TABLE conditions ADD COLUMN controls INTEGER"
        " CHECK ((controls IS NULL) = (role = 'search'))"
    )
    database.execute(
        "ALTER TABLE conditions ADD COLUMN repetition INTEGER NOT NULL DEFAULT 0"
        " CHECK ((repetition = 0) = (role = 'search'))"
    )
    # Numbers of trials that an experiment had before it was extended, with when and by whom.
    database.execute(
        "ALTER TABLE experiments ADD COLUMN history TEXT NOT NULL DEFAULT '[]'"
        " CHECK (json_valid(history))"
    )
    # How often a worker that held the job died.
    database.execute("ALTER TABLE jobs ADD COLUMN deaths INTEGER NOT NULL DEFAULT 0")
    _rebuild_results(database)


def _rebuild_results(database: sqlite_utils.Database) -> None:
    """Constraints cannot be altered in place: a new table takes over the rows.

    New are the outcomes of a random direction; which σ a result was found with, NULL where that was
    not recorded; and the distances between the pixels of source and stimulus.
    """
    indexes = [
        sql
        for (sql,) in database.execute(
            "SELECT sql FROM sqlite_master WHERE type = 'index' AND tbl_name = 'results'"
            " AND sql IS NOT NULL"
        ).fetchall()
    ]
    columns = ", ".join(column.name for column in database["results"].columns)
    database.execute(RESULTS)
    database.execute(f"INSERT INTO results_2 ({columns}) SELECT {columns} FROM results")
    database.execute("DROP TABLE results")
    database.execute("ALTER TABLE results_2 RENAME TO results")
    for sql in indexes:
        database.execute(sql)


RESULTS = """
CREATE TABLE results_2 (
    id INTEGER PRIMARY KEY,
    condition_id INTEGER NOT NULL REFERENCES conditions (id) ON DELETE CASCADE,
    trial_index INTEGER NOT NULL CHECK (trial_index >= 0),
    source_id TEXT REFERENCES sources (id),
    label INTEGER NOT NULL,
    target INTEGER CHECK (target <> label),
    seed INTEGER NOT NULL,
    outcome TEXT NOT NULL CHECK (
        outcome IN ('found', 'exhausted', 'skipped', 'failed', 'changed', 'unchanged')
    ),
    steps INTEGER NOT NULL CHECK (steps >= 0),
    magnitude REAL CHECK (magnitude >= 0),
    bound REAL CHECK (bound >= 0),
    bracket_low REAL,
    bracket_high REAL,
    magnitudes TEXT CHECK (magnitudes IS NULL OR json_valid(magnitudes)),
    pixel_l2 REAL CHECK (pixel_l2 >= 0),
    pixel_linf REAL CHECK (pixel_linf BETWEEN 0 AND 1),
    ssim REAL CHECK (ssim BETWEEN -1 AND 1),
    margin REAL,
    confidences_before TEXT CHECK (confidences_before IS NULL OR json_valid(confidences_before)),
    confidences_after TEXT CHECK (confidences_after IS NULL OR json_valid(confidences_after)),
    stimulus TEXT REFERENCES stimuli (sha256),
    perturbation TEXT REFERENCES perturbations (id) ON DELETE SET NULL,
    seconds REAL NOT NULL CHECK (seconds >= 0),
    device TEXT NOT NULL,
    code_version TEXT NOT NULL,
    generator_checksum TEXT NOT NULL,
    classifier_checksum TEXT NOT NULL,
    scales_checksum TEXT,
    scales_samples INTEGER,
    reason TEXT,
    created_at TEXT NOT NULL,
    UNIQUE (condition_id, trial_index),
    CHECK ((magnitude IS NOT NULL) = (outcome IN ('found', 'changed', 'unchanged'))),
    CHECK (magnitude IS NULL OR (source_id IS NOT NULL AND stimulus IS NOT NULL)),
    CHECK (outcome <> 'exhausted' OR bound IS NOT NULL),
    CHECK (outcome <> 'failed' OR reason IS NOT NULL)
) STRICT
"""
