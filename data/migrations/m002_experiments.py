"""Schema 2, its part for experiments."""

from __future__ import annotations

import sqlite_utils


def upgrade(database: sqlite_utils.Database) -> None:
    """Bring a database of schema 1 up."""
    # Which σ a result was found with; NULL for those of before this was recorded.
    database.execute("ALTER TABLE results ADD COLUMN scales_checksum TEXT")
    database.execute("ALTER TABLE results ADD COLUMN scales_samples INTEGER")
