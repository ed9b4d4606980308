"""Schema 3, transfers: what other classifiers say of the pictures that fooled one."""

from __future__ import annotations

import sqlite_utils


def upgrade(database: sqlite_utils.Database) -> None:
    """Bring a database of schema 2 up; no result was tested on another classifier yet."""
    database.executescript(TABLES)


TABLES = """
-- One 8-bit pair of a found result on one other classifier: its answers to source and stimulus.
CREATE TABLE transfers (
    result_id INTEGER NOT NULL REFERENCES results (id) ON DELETE CASCADE,
    classifier TEXT NOT NULL,
    classifier_checksum TEXT NOT NULL,
    source_answer INTEGER NOT NULL,
    answer INTEGER NOT NULL,
    created_at TEXT NOT NULL,
    PRIMARY KEY (result_id, classifier)
) STRICT, WITHOUT ROWID;
"""
