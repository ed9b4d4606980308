"""Schema 3, analysis plans: what was fixed about an experiment's analysis, and when."""

from __future__ import annotations

import sqlite_utils


def upgrade(database: sqlite_utils.Database) -> None:
    """Bring a database of schema 2 up; no experiment has a plan yet."""
    database.executescript(TABLES)


TABLES = """
-- `judgements` is how many judgements of the experiment's pictures there were when it was frozen.
CREATE TABLE analysis_plans (
    id INTEGER PRIMARY KEY,
    experiment_id TEXT NOT NULL REFERENCES experiments (id) ON DELETE CASCADE,
    plan TEXT NOT NULL CHECK (json_valid(plan)),
    sha256 TEXT NOT NULL CHECK (length(sha256) = 64),
    judgements INTEGER NOT NULL CHECK (judgements >= 0),
    created_by TEXT NOT NULL,
    created_at TEXT NOT NULL
) STRICT;

CREATE INDEX analysis_plans_experiment ON analysis_plans (experiment_id);
CREATE TRIGGER analysis_plans_never_change BEFORE UPDATE ON analysis_plans
BEGIN SELECT RAISE(ABORT, 'an analysis plan is frozen: freeze another one'); END;
-- With its experiment it may go.
CREATE TRIGGER analysis_plans_never_go BEFORE DELETE ON analysis_plans
WHEN EXISTS (SELECT 1 FROM experiments WHERE experiments.id = OLD.experiment_id)
BEGIN SELECT RAISE(ABORT, 'an analysis plan is frozen: none is ever deleted'); END;
"""
