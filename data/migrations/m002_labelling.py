"""Schema 2, labelling by many: who has which item, what was undone, said and withdrawn."""

from __future__ import annotations

import sqlite_utils


def upgrade(database: sqlite_utils.Database) -> None:
    """Bring a database of schema 1 up; what was judged there stays judged."""
    database.executescript(COLUMNS)
    database.executescript(EVENTS)
    database.executescript(ASSIGNMENTS)
    database.executescript(VIEW)


COLUMNS = """
-- What only researchers may know of an item: the answers that are right, a strength, a place.
ALTER TABLE study_items
    ADD COLUMN details TEXT NOT NULL DEFAULT '{}' CHECK (json_valid(details));

ALTER TABLE judgements ADD COLUMN hidden_ms REAL CHECK (hidden_ms >= 0);
ALTER TABLE judgements ADD COLUMN searches INTEGER NOT NULL DEFAULT 0 CHECK (searches >= 0);
"""

EVENTS = """
-- What a labeller did besides judging. Append-only, as judgements are.
CREATE TABLE labeller_events (
    id INTEGER PRIMARY KEY,
    labeller_id INTEGER NOT NULL REFERENCES labellers (id),
    kind TEXT NOT NULL CHECK (kind IN ('consented', 'started', 'purpose', 'withdrew')),
    text TEXT,
    created_at TEXT NOT NULL,
    UNIQUE (labeller_id, kind)
) STRICT;

CREATE TABLE comments (
    id INTEGER PRIMARY KEY,
    labeller_id INTEGER NOT NULL REFERENCES labellers (id),
    item_id INTEGER NOT NULL REFERENCES study_items (id),
    text TEXT NOT NULL CHECK (length(text) <= 2000),
    created_at TEXT NOT NULL
) STRICT;
CREATE INDEX comments_labeller ON comments (labeller_id, item_id);
CREATE INDEX comments_item ON comments (item_id);

-- A judgement that was undone. The next one of the same image supersedes it.
CREATE TABLE retractions (
    judgement_id INTEGER PRIMARY KEY REFERENCES judgements (id),
    created_at TEXT NOT NULL
) STRICT;

CREATE TRIGGER labeller_events_never_change BEFORE UPDATE ON labeller_events
BEGIN SELECT RAISE(ABORT, 'labeller_events are append-only'); END;
CREATE TRIGGER labeller_events_never_go BEFORE DELETE ON labeller_events
BEGIN SELECT RAISE(ABORT, 'labeller_events are append-only'); END;
CREATE TRIGGER comments_never_change BEFORE UPDATE ON comments
BEGIN SELECT RAISE(ABORT, 'comments are append-only'); END;
CREATE TRIGGER comments_never_go BEFORE DELETE ON comments
BEGIN SELECT RAISE(ABORT, 'comments are append-only'); END;
CREATE TRIGGER retractions_never_change BEFORE UPDATE ON retractions
BEGIN SELECT RAISE(ABORT, 'retractions are append-only'); END;
CREATE TRIGGER retractions_never_go BEFORE DELETE ON retractions
BEGIN SELECT RAISE(ABORT, 'retractions are append-only'); END;
"""

ASSIGNMENTS = """
-- Who has which item: leased until `lease_expires` (epoch seconds), or finished. `round` is the
-- judgements' `repeat`: 0 what counts, 1 practice, 2 a hidden repeat. `place` is the item's number
-- in the labeller's own sequence; NULL where a rejected source resolved it unseen, by the judgement
-- `closed_by`. This is no record: it says what to ask next, and goes when somebody withdraws.
CREATE TABLE assignments (
    id INTEGER PRIMARY KEY,
    study_id TEXT NOT NULL REFERENCES studies (id) ON DELETE CASCADE,
    labeller_id INTEGER NOT NULL REFERENCES labellers (id),
    item_id INTEGER NOT NULL REFERENCES study_items (id),
    round INTEGER NOT NULL CHECK (round IN (0, 1, 2)),
    place INTEGER CHECK (place >= 1),
    lease_expires REAL,
    finished_at TEXT,
    closed_by INTEGER REFERENCES judgements (id),
    UNIQUE (labeller_id, item_id, round),
    CHECK (place IS NOT NULL OR finished_at IS NOT NULL),
    CHECK (finished_at IS NOT NULL OR lease_expires IS NOT NULL)
) STRICT;
CREATE UNIQUE INDEX assignments_place ON assignments (labeller_id, place)
    WHERE place IS NOT NULL;
CREATE INDEX assignments_item ON assignments (item_id);
CREATE INDEX assignments_closed_by ON assignments (closed_by) WHERE closed_by IS NOT NULL;
-- Covers the count of an item's slots that are taken.
CREATE INDEX assignments_slots ON assignments
    (study_id, round, item_id, finished_at, lease_expires);

-- Items that need nothing more from somebody: judged, or their source rejected.
INSERT INTO assignments (study_id, labeller_id, item_id, round, place, finished_at)
SELECT study_items.study_id, labellers.id, study_items.id, 0,
    row_number() OVER (PARTITION BY labellers.id ORDER BY source.id, study_items.position),
    coalesce(perturbed.answered_at, source.answered_at)
FROM labellers
JOIN study_items ON study_items.study_id = labellers.study_id
JOIN standing_judgements AS source ON source.labeller_id = labellers.id
    AND source.side = 'source' AND source.repeat = 0
    AND source.stimulus = study_items.source_stimulus AND source.label = study_items.label
LEFT JOIN standing_judgements AS perturbed ON perturbed.labeller_id = labellers.id
    AND perturbed.side = 'perturbed' AND perturbed.repeat = 0
    AND perturbed.stimulus = study_items.perturbed_stimulus
    AND perturbed.label = study_items.label
WHERE source.answer <> 1 OR study_items.perturbed_stimulus IS NULL OR perturbed.id IS NOT NULL;
"""

VIEW = """
DROP VIEW standing_judgements;
-- The judgements that stand: neither superseded nor undone, and of nobody who withdrew.
CREATE VIEW standing_judgements AS
SELECT * FROM judgements
WHERE NOT EXISTS (SELECT 1 FROM judgements AS later WHERE later.supersedes = judgements.id)
    AND NOT EXISTS (SELECT 1 FROM retractions WHERE retractions.judgement_id = judgements.id)
    AND NOT EXISTS (
        SELECT 1 FROM labeller_events
        WHERE labeller_events.labeller_id = judgements.labeller_id
            AND labeller_events.kind = 'withdrew'
    );
"""
