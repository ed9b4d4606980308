"""Schema 3, who may come in: signed invitations, people who sign in by e-mail, ended sessions."""

from __future__ import annotations

import sqlite_utils


def upgrade(database: sqlite_utils.Database) -> None:
    """Bring a database of schema 2 up; invitations made before stay good without a signature."""
    database.executescript(TABLES)


TABLES = """
ALTER TABLE labellers ADD COLUMN signed INTEGER NOT NULL DEFAULT 0 CHECK (signed IN (0, 1));

-- Whoever signs in with an OpenID Connect provider is told by e-mail address, in lower case.
CREATE TABLE people (
    email TEXT PRIMARY KEY CHECK (email = lower(email) AND email LIKE '%_@_%'),
    role TEXT NOT NULL CHECK (role IN ('researcher')),
    created_at TEXT NOT NULL,
    removed_at TEXT
) STRICT;

-- Sessions that ended before their time, by signing out. They can go once they have expired.
CREATE TABLE ended_sessions (
    id TEXT PRIMARY KEY,
    expires_at TEXT NOT NULL
) STRICT;
"""
