"""Schema 2, its part for results."""

from __future__ import annotations

import sqlite_utils


def upgrade(database: sqlite_utils.Database) -> None:
    """Bring a database of schema 1 up."""
