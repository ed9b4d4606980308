"""Schema 1: experiments with their results, jobs, and studies with their judgements."""

from __future__ import annotations

import sqlite_utils


def m001_first_light(database: sqlite_utils.Database) -> None:
    """Experiments with their results, jobs, and studies with their judgements."""
    database.executescript(EXPERIMENTS)
    database.executescript(IMAGES)
    database.executescript(RESULTS)
    database.executescript(JOBS)
    database.executescript(STUDIES)
    database.executescript(JUDGEMENTS)


EXPERIMENTS = """
CREATE TABLE experiments (
    id TEXT PRIMARY KEY NOT NULL,
    kind TEXT NOT NULL CHECK (kind IN ('experiment', 'exploration')),
    name TEXT NOT NULL,
    definition TEXT NOT NULL CHECK (json_valid(definition)),
    code_version TEXT NOT NULL,
    generator TEXT NOT NULL,
    generator_checksum TEXT NOT NULL,
    seed INTEGER NOT NULL,
    trials INTEGER NOT NULL CHECK (trials >= 0),
    created_by TEXT NOT NULL,
    created_at TEXT NOT NULL,
    saved_at TEXT,
    archived_at TEXT
) STRICT;

CREATE TABLE conditions (
    id INTEGER PRIMARY KEY,
    experiment_id TEXT NOT NULL REFERENCES experiments (id) ON DELETE CASCADE,
    position INTEGER NOT NULL,
    classifier TEXT NOT NULL,
    classifier_checksum TEXT NOT NULL,
    subset TEXT NOT NULL,
    layer_weights TEXT NOT NULL CHECK (json_valid(layer_weights)),
    search TEXT NOT NULL,
    schedule_name TEXT NOT NULL,
    schedule TEXT NOT NULL CHECK (json_valid(schedule)),
    UNIQUE (experiment_id, position)
) STRICT;
"""

IMAGES = """
CREATE TABLE stimuli (
    sha256 TEXT PRIMARY KEY NOT NULL CHECK (length(sha256) = 64),
    width INTEGER NOT NULL,
    height INTEGER NOT NULL,
    channels INTEGER NOT NULL CHECK (channels IN (1, 3)),
    bytes INTEGER NOT NULL,
    created_at TEXT NOT NULL
) STRICT;

-- An unperturbed image. Its id is the hash of what identifies it, not of a trial, so that trials
-- share it, and its judgement.
CREATE TABLE sources (
    id TEXT PRIMARY KEY NOT NULL CHECK (length(id) = 64),
    generator TEXT NOT NULL,
    generator_checksum TEXT NOT NULL,
    label INTEGER NOT NULL,
    seed INTEGER NOT NULL,
    truncation REAL NOT NULL,
    options TEXT NOT NULL CHECK (json_valid(options)),
    stimulus TEXT NOT NULL REFERENCES stimuli (sha256),
    created_at TEXT NOT NULL
) STRICT;
CREATE INDEX sources_stimulus ON sources (stimulus);

CREATE TABLE perturbations (
    id TEXT PRIMARY KEY NOT NULL CHECK (length(id) = 64),
    bytes INTEGER NOT NULL,
    pinned INTEGER NOT NULL DEFAULT 0 CHECK (pinned IN (0, 1)),
    created_at TEXT NOT NULL,
    used_at TEXT NOT NULL
) STRICT;
"""

RESULTS = """
CREATE TABLE results (
    id INTEGER PRIMARY KEY,
    condition_id INTEGER NOT NULL REFERENCES conditions (id) ON DELETE CASCADE,
    trial_index INTEGER NOT NULL CHECK (trial_index >= 0),
    source_id TEXT REFERENCES sources (id),
    label INTEGER NOT NULL,
    target INTEGER CHECK (target <> label),
    seed INTEGER NOT NULL,
    outcome TEXT NOT NULL CHECK (outcome IN ('found', 'exhausted', 'skipped', 'failed')),
    steps INTEGER NOT NULL CHECK (steps >= 0),
    magnitude REAL CHECK (magnitude >= 0),
    bound REAL CHECK (bound >= 0),
    bracket_low REAL,
    bracket_high REAL,
    magnitudes TEXT CHECK (magnitudes IS NULL OR json_valid(magnitudes)),
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
    reason TEXT,
    created_at TEXT NOT NULL,
    UNIQUE (condition_id, trial_index),
    CHECK ((magnitude IS NOT NULL) = (outcome = 'found')),
    CHECK (outcome <> 'found' OR (source_id IS NOT NULL AND stimulus IS NOT NULL)),
    CHECK (outcome <> 'exhausted' OR bound IS NOT NULL),
    CHECK (outcome <> 'failed' OR reason IS NOT NULL)
) STRICT;
CREATE INDEX results_source ON results (source_id);
CREATE INDEX results_stimulus ON results (stimulus);
CREATE INDEX results_perturbation ON results (perturbation) WHERE perturbation IS NOT NULL;
"""

JOBS = """
CREATE TABLE jobs (
    id TEXT PRIMARY KEY NOT NULL,
    kind TEXT NOT NULL CHECK (kind IN ('search', 'experiment')),
    priority INTEGER NOT NULL CHECK (priority IN (0, 1)),
    experiment_id TEXT NOT NULL REFERENCES experiments (id) ON DELETE CASCADE,
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
    CHECK (state <> 'running' OR (worker IS NOT NULL AND lease_expires IS NOT NULL)),
    CHECK ((finished_at IS NOT NULL) = (state IN ('done', 'stopped', 'failed')))
) STRICT;
CREATE INDEX jobs_active ON jobs (device, priority, created_at)
    WHERE state IN ('queued', 'running');
CREATE INDEX jobs_experiment ON jobs (experiment_id);
CREATE INDEX jobs_created ON jobs (created_at);
"""

STUDIES = """
CREATE TABLE studies (
    id TEXT PRIMARY KEY NOT NULL,
    name TEXT NOT NULL,
    options TEXT NOT NULL CHECK (json_valid(options)),
    created_by TEXT NOT NULL,
    created_at TEXT NOT NULL,
    closed_at TEXT
) STRICT;

-- An experiment that a study asks about cannot be deleted.
CREATE TABLE study_experiments (
    study_id TEXT NOT NULL REFERENCES studies (id) ON DELETE CASCADE,
    experiment_id TEXT NOT NULL REFERENCES experiments (id),
    PRIMARY KEY (study_id, experiment_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX study_experiments_experiment ON study_experiments (experiment_id);

CREATE TABLE study_items (
    id INTEGER PRIMARY KEY,
    study_id TEXT NOT NULL REFERENCES studies (id) ON DELETE CASCADE,
    position INTEGER NOT NULL,
    kind TEXT NOT NULL DEFAULT 'pair',
    source_stimulus TEXT NOT NULL REFERENCES stimuli (sha256),
    perturbed_stimulus TEXT REFERENCES stimuli (sha256),
    label INTEGER NOT NULL,
    phrase TEXT NOT NULL,
    search_term TEXT NOT NULL,
    gloss TEXT,
    UNIQUE (study_id, position)
) STRICT;
-- An expression, since SQL holds two NULLs to be different: a source alone is asked once, too.
CREATE UNIQUE INDEX study_items_distinct ON study_items
    (study_id, source_stimulus, coalesce(perturbed_stimulus, ''), label, kind);
CREATE INDEX study_items_source ON study_items (source_stimulus);
CREATE INDEX study_items_perturbed ON study_items (perturbed_stimulus);

CREATE TABLE labellers (
    id INTEGER PRIMARY KEY,
    study_id TEXT NOT NULL REFERENCES studies (id) ON DELETE CASCADE,
    name TEXT NOT NULL,
    token_hash TEXT NOT NULL UNIQUE CHECK (length(token_hash) = 64),
    order_seed INTEGER NOT NULL,
    created_at TEXT NOT NULL,
    revoked_at TEXT,
    expires_at TEXT
) STRICT;
CREATE INDEX labellers_study ON labellers (study_id);
"""

JUDGEMENTS = """
-- Append-only: a correction is a new row that supersedes the old one. Since nothing here is
-- deleted, neither are labellers, items or stimuli that have been judged (foreign keys).
CREATE TABLE judgements (
    id INTEGER PRIMARY KEY,
    labeller_id INTEGER NOT NULL REFERENCES labellers (id),
    item_id INTEGER NOT NULL REFERENCES study_items (id),
    side TEXT NOT NULL CHECK (side IN ('source', 'perturbed')),
    stimulus TEXT NOT NULL REFERENCES stimuli (sha256),
    label INTEGER NOT NULL,
    answer INTEGER NOT NULL CHECK (answer BETWEEN 1 AND 4),
    response_ms REAL CHECK (response_ms >= 0),
    shown_at TEXT,
    answered_at TEXT NOT NULL,
    repeat INTEGER NOT NULL DEFAULT 0 CHECK (repeat >= 0),
    supersedes INTEGER REFERENCES judgements (id),
    created_at TEXT NOT NULL
) STRICT;

-- Whatever a browser sends twice is recorded once.
CREATE UNIQUE INDEX judgements_once ON judgements (labeller_id, side, stimulus, label, repeat)
    WHERE supersedes IS NULL;
CREATE UNIQUE INDEX judgements_superseded_once ON judgements (supersedes)
    WHERE supersedes IS NOT NULL;
CREATE INDEX judgements_labeller ON judgements (labeller_id);
CREATE INDEX judgements_item ON judgements (item_id);
-- Covers the count of answers to each image: 0.3 s for a million judgements, 2.8 s without.
CREATE INDEX judgements_stimulus ON judgements (stimulus, label, answer, labeller_id);

CREATE TRIGGER judgements_never_change BEFORE UPDATE ON judgements
BEGIN
    SELECT RAISE(ABORT, 'judgements are append-only: add one that supersedes it');
END;

CREATE TRIGGER judgements_never_go BEFORE DELETE ON judgements
BEGIN
    SELECT RAISE(ABORT, 'judgements are append-only: none is ever deleted');
END;

CREATE TRIGGER judgements_fit_their_item BEFORE INSERT ON judgements
WHEN NOT EXISTS (
    SELECT 1 FROM study_items
    JOIN labellers ON labellers.study_id = study_items.study_id
    WHERE study_items.id = NEW.item_id AND labellers.id = NEW.labeller_id
        AND study_items.label = NEW.label
        AND NEW.stimulus = CASE NEW.side
            WHEN 'source' THEN study_items.source_stimulus
            ELSE study_items.perturbed_stimulus
        END
)
BEGIN
    SELECT RAISE(ABORT, 'a judgement is about an image of an item of the labeller''s own study');
END;

CREATE TRIGGER judgements_supersede_their_like BEFORE INSERT ON judgements
WHEN NEW.supersedes IS NOT NULL AND NOT EXISTS (
    SELECT 1 FROM judgements AS earlier
    WHERE earlier.id = NEW.supersedes AND earlier.labeller_id = NEW.labeller_id
        AND earlier.side = NEW.side AND earlier.stimulus = NEW.stimulus
        AND earlier.label = NEW.label AND earlier.repeat = NEW.repeat
)
BEGIN
    SELECT RAISE(ABORT, 'a judgement supersedes one by the same labeller of the same image');
END;

-- The judgements that stand: those that nothing supersedes.
CREATE VIEW standing_judgements AS
SELECT * FROM judgements
WHERE NOT EXISTS (
    SELECT 1 FROM judgements AS later WHERE later.supersedes = judgements.id
);
"""
