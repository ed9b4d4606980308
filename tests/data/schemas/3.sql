BEGIN TRANSACTION;
CREATE TABLE "_sqlite_migrations" (
   "id" INTEGER PRIMARY KEY,
   "migration_set" TEXT,
   "name" TEXT,
   "applied_at" TEXT
);
INSERT INTO "_sqlite_migrations" VALUES(1,'plainview','m001_first_light','2026-11-21 09:20:02.043993+00:00');
INSERT INTO "_sqlite_migrations" VALUES(2,'plainview','m002_instrument','2026-11-21 09:20:02.059341+00:00');
INSERT INTO "_sqlite_migrations" VALUES(3,'plainview','m003_many_people','2026-11-21 09:20:02.067831+00:00');
CREATE TABLE analysis_plans (
    id INTEGER PRIMARY KEY,
    experiment_id TEXT NOT NULL REFERENCES experiments (id) ON DELETE CASCADE,
    plan TEXT NOT NULL CHECK (json_valid(plan)),
    sha256 TEXT NOT NULL CHECK (length(sha256) = 64),
    judgements INTEGER NOT NULL CHECK (judgements >= 0),
    created_by TEXT NOT NULL,
    created_at TEXT NOT NULL
) STRICT;
INSERT INTO "analysis_plans" VALUES(1,'c9b7a01f20','{"limit":12.0}','7e504ec69512fae57dd0ceccbcfba05c713df9960be27d54a4adcf4ecd1bd0d2',0,'ada','2026-11-21T09:20:02.171260Z');
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
INSERT INTO "assignments" VALUES(1,'d419bc62ff',1,1,0,1,NULL,'2026-11-21T09:20:02.203001Z',NULL);
CREATE TABLE comments (
    id INTEGER PRIMARY KEY,
    labeller_id INTEGER NOT NULL REFERENCES labellers (id),
    item_id INTEGER NOT NULL REFERENCES study_items (id),
    text TEXT NOT NULL CHECK (length(text) <= 2000),
    created_at TEXT NOT NULL
) STRICT;
INSERT INTO "comments" VALUES(1,1,1,'a comment','2026-11-21T09:20:02.199180Z');
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
    schedule TEXT NOT NULL CHECK (json_valid(schedule)), role TEXT NOT NULL DEFAULT 'search' CHECK (role IN ('search', 'random-direction', 'repeat')), controls INTEGER CHECK ((controls IS NULL) = (role = 'search')), repetition INTEGER NOT NULL DEFAULT 0 CHECK ((repetition = 0) = (role = 'search')),
    UNIQUE (experiment_id, position)
) STRICT;
INSERT INTO "conditions" VALUES(1,'c9b7a01f20',0,'mnist-standard','cccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccc','first','[1.0,0.0]','relaxation','mnist','{"budget":10000,"learning_rate":0.004}','search',NULL,0);
INSERT INTO "conditions" VALUES(2,'c9b7a01f20',1,'mnist-standard','cccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccc','last','[0.0,1.0]','relaxation','mnist','{"budget":10000,"learning_rate":0.004}','search',NULL,0);
CREATE TABLE ended_sessions (
    id TEXT PRIMARY KEY,
    expires_at TEXT NOT NULL
) STRICT;
INSERT INTO "ended_sessions" VALUES('a session','9999-01-01T00:00:00.000000Z');
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
, history TEXT NOT NULL DEFAULT '[]' CHECK (json_valid(history))) STRICT;
INSERT INTO "experiments" VALUES('c9b7a01f20','experiment','first and last','{"generator":"mnist-conv","trials":10}','0.1.0','mnist-conv','dddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddd',0,10,'ada','2026-11-21T09:20:02.083372Z',NULL,NULL,'[]');
CREATE TABLE "jobs" (
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
;
INSERT INTO "jobs" VALUES('2c2abb932e','experiment',1,'c9b7a01f20',NULL,'ada','running','cpu','worker',1.79525280216698551174e+09,1.79525281716698551174e+09,'{}',0,NULL,'2026-11-21T09:20:02.163380Z','2026-11-21T09:20:02.167409Z',NULL,0,'{}');
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
, hidden_ms REAL CHECK (hidden_ms >= 0), searches INTEGER NOT NULL DEFAULT 0 CHECK (searches >= 0)) STRICT;
INSERT INTO "judgements" VALUES(1,1,1,'source','52b36fa78ee6d16ff8fa18710d0e5baa364f8e29b4b35268a864238bc5ffcff0',3,2,NULL,NULL,'2026-11-21T09:20:02.175437Z',0,NULL,'2026-11-21T09:20:02.175479Z',NULL,0);
INSERT INTO "judgements" VALUES(2,1,1,'source','52b36fa78ee6d16ff8fa18710d0e5baa364f8e29b4b35268a864238bc5ffcff0',3,1,NULL,NULL,'2026-11-21T09:20:02.179466Z',0,1,'2026-11-21T09:20:02.179508Z',NULL,0);
INSERT INTO "judgements" VALUES(3,1,1,'perturbed','5efbce482dca82849df6493eac724f47bbe5078a52d4113afb78432900a27edc',3,4,NULL,NULL,'2026-11-21T09:20:02.183148Z',0,NULL,'2026-11-21T09:20:02.183184Z',NULL,0);
INSERT INTO "judgements" VALUES(4,1,1,'perturbed','5efbce482dca82849df6493eac724f47bbe5078a52d4113afb78432900a27edc',3,3,812.5,NULL,'2026-11-21T09:20:02.191233Z',0,3,'2026-11-21T09:20:02.191277Z',10.0,1);
CREATE TABLE labeller_events (
    id INTEGER PRIMARY KEY,
    labeller_id INTEGER NOT NULL REFERENCES labellers (id),
    kind TEXT NOT NULL CHECK (kind IN ('consented', 'started', 'purpose', 'withdrew')),
    text TEXT,
    created_at TEXT NOT NULL,
    UNIQUE (labeller_id, kind)
) STRICT;
INSERT INTO "labeller_events" VALUES(1,1,'consented',NULL,'2026-11-21T09:20:02.195039Z');
CREATE TABLE labellers (
    id INTEGER PRIMARY KEY,
    study_id TEXT NOT NULL REFERENCES studies (id) ON DELETE CASCADE,
    name TEXT NOT NULL,
    token_hash TEXT NOT NULL UNIQUE CHECK (length(token_hash) = 64),
    order_seed INTEGER NOT NULL,
    created_at TEXT NOT NULL,
    revoked_at TEXT,
    expires_at TEXT
, signed INTEGER NOT NULL DEFAULT 0 CHECK (signed IN (0, 1))) STRICT;
INSERT INTO "labellers" VALUES(1,'d419bc62ff','synthetic labeller','1f9e17b270dc612cbf3ef494858e5f9a6fa6e7cdffbc8d740784c023949ff4b5',3141410436019288,'2026-11-21T09:20:02.131375Z',NULL,NULL,1);
CREATE TABLE map_files (
    sha256 TEXT PRIMARY KEY NOT NULL CHECK (length(sha256) = 64),
    name TEXT NOT NULL,
    content BLOB NOT NULL,
    created_at TEXT NOT NULL
) STRICT;
INSERT INTO "map_files" VALUES('36e8ba426eab1e2709dbca25b4528feea955d73636313e156fec71cd50d8b768','cube.obj',X'746865206D657368','2026-11-21T09:20:02.218998Z');
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
INSERT INTO "maps" VALUES('8b81236cd8','a map','{"resolution":2}','computed',X'74776F2073636F726573','7ddb1ff5f7c9a62e8c79621ef82ee845b98266387d13e86a161551197f160306',2,2,1,'0','ada','2026-11-21T09:20:02.223152Z');
CREATE TABLE people (
    email TEXT PRIMARY KEY CHECK (email = lower(email) AND email LIKE '%_@_%'),
    role TEXT NOT NULL CHECK (role IN ('researcher')),
    created_at TEXT NOT NULL,
    removed_at TEXT
) STRICT;
INSERT INTO "people" VALUES('ada@example.org','researcher','2026-11-21T09:20:02.210997Z',NULL);
CREATE TABLE perturbations (
    id TEXT PRIMARY KEY NOT NULL CHECK (length(id) = 64),
    bytes INTEGER NOT NULL,
    pinned INTEGER NOT NULL DEFAULT 0 CHECK (pinned IN (0, 1)),
    created_at TEXT NOT NULL,
    used_at TEXT NOT NULL
) STRICT;
INSERT INTO "perturbations" VALUES('4560dfa450e9baa5a0f8e8961251b3d7ace241343750ba613cb9b7b47a072eff',6316,0,'2026-11-21T09:20:02.147143Z','2026-11-21T09:20:02.147313Z');
CREATE TABLE "results" (
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
;
INSERT INTO "results" VALUES(1,1,0,'744e7f43055915f34478ee31527947947bdb4fe548e55c989d062e7702fb445c',3,5,1,'found',7,0.107,0.107,0.106,0.107,'[0.1,0.038]',NULL,NULL,NULL,0.25,'{"label":0.9,"target":0.1,"top":[[3,0.9],[5,0.1]]}','{"label":0.4,"target":0.6,"top":[[5,0.6],[3,0.4]]}','5efbce482dca82849df6493eac724f47bbe5078a52d4113afb78432900a27edc','4560dfa450e9baa5a0f8e8961251b3d7ace241343750ba613cb9b7b47a072eff',0.5,'cpu','0.1.0','dddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddd','cccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccc',NULL,NULL,NULL,'2026-11-21T09:20:02.152324Z');
INSERT INTO "results" VALUES(2,2,0,NULL,3,5,1,'failed',0,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,0.5,'cpu','0.1.0','dddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddd','cccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccc',NULL,NULL,'the logits are not finite','2026-11-21T09:20:02.159180Z');
CREATE TABLE retractions (
    judgement_id INTEGER PRIMARY KEY REFERENCES judgements (id),
    created_at TEXT NOT NULL
) STRICT;
INSERT INTO "retractions" VALUES(3,'2026-11-21T09:20:02.187193Z');
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
INSERT INTO "sources" VALUES('744e7f43055915f34478ee31527947947bdb4fe548e55c989d062e7702fb445c','mnist-conv','dddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddd',3,0,1.0,'{}','52b36fa78ee6d16ff8fa18710d0e5baa364f8e29b4b35268a864238bc5ffcff0','2026-11-21T09:20:02.111125Z');
CREATE TABLE stimuli (
    sha256 TEXT PRIMARY KEY NOT NULL CHECK (length(sha256) = 64),
    width INTEGER NOT NULL,
    height INTEGER NOT NULL,
    channels INTEGER NOT NULL CHECK (channels IN (1, 3)),
    bytes INTEGER NOT NULL,
    created_at TEXT NOT NULL
) STRICT;
INSERT INTO "stimuli" VALUES('52b36fa78ee6d16ff8fa18710d0e5baa364f8e29b4b35268a864238bc5ffcff0',28,28,1,880,'2026-11-21T09:20:02.107115Z');
INSERT INTO "stimuli" VALUES('5efbce482dca82849df6493eac724f47bbe5078a52d4113afb78432900a27edc',28,28,1,880,'2026-11-21T09:20:02.125087Z');
CREATE TABLE studies (
    id TEXT PRIMARY KEY NOT NULL,
    name TEXT NOT NULL,
    options TEXT NOT NULL CHECK (json_valid(options)),
    created_by TEXT NOT NULL,
    created_at TEXT NOT NULL,
    closed_at TEXT
) STRICT;
INSERT INTO "studies" VALUES('d419bc62ff','digits','{}','ada','2026-11-21T09:20:02.125829Z',NULL);
CREATE TABLE study_experiments (
    study_id TEXT NOT NULL REFERENCES studies (id) ON DELETE CASCADE,
    experiment_id TEXT NOT NULL REFERENCES experiments (id),
    PRIMARY KEY (study_id, experiment_id)
) STRICT, WITHOUT ROWID;
INSERT INTO "study_experiments" VALUES('d419bc62ff','c9b7a01f20');
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
    gloss TEXT, details TEXT NOT NULL DEFAULT '{}' CHECK (json_valid(details)),
    UNIQUE (study_id, position)
) STRICT;
INSERT INTO "study_items" VALUES(1,'d419bc62ff',0,'pair','52b36fa78ee6d16ff8fa18710d0e5baa364f8e29b4b35268a864238bc5ffcff0','5efbce482dca82849df6493eac724f47bbe5078a52d4113afb78432900a27edc',3,'a three','three digit',NULL,'{}');
CREATE TABLE transfers (
    result_id INTEGER NOT NULL REFERENCES results (id) ON DELETE CASCADE,
    classifier TEXT NOT NULL,
    classifier_checksum TEXT NOT NULL,
    source_answer INTEGER NOT NULL,
    answer INTEGER NOT NULL,
    created_at TEXT NOT NULL,
    PRIMARY KEY (result_id, classifier)
) STRICT, WITHOUT ROWID;
INSERT INTO "transfers" VALUES(1,'mnist-robust','0000000000000000000000000000000000000000000000000000000000000000',7,3,'2026-11-21T09:20:02.207265Z');
CREATE UNIQUE INDEX "idx__sqlite_migrations_migration_set_name"
    ON "_sqlite_migrations" ("migration_set", "name");
CREATE INDEX sources_stimulus ON sources (stimulus);
CREATE INDEX study_experiments_experiment ON study_experiments (experiment_id);
CREATE UNIQUE INDEX study_items_distinct ON study_items
    (study_id, source_stimulus, coalesce(perturbed_stimulus, ''), label, kind);
CREATE INDEX study_items_source ON study_items (source_stimulus);
CREATE INDEX study_items_perturbed ON study_items (perturbed_stimulus);
CREATE INDEX labellers_study ON labellers (study_id);
CREATE UNIQUE INDEX judgements_once ON judgements (labeller_id, side, stimulus, label, repeat)
    WHERE supersedes IS NULL;
CREATE UNIQUE INDEX judgements_superseded_once ON judgements (supersedes)
    WHERE supersedes IS NOT NULL;
CREATE INDEX judgements_labeller ON judgements (labeller_id);
CREATE INDEX judgements_item ON judgements (item_id);
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
CREATE INDEX comments_labeller ON comments (labeller_id, item_id);
CREATE INDEX comments_item ON comments (item_id);
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
CREATE UNIQUE INDEX assignments_place ON assignments (labeller_id, place)
    WHERE place IS NOT NULL;
CREATE INDEX assignments_item ON assignments (item_id);
CREATE INDEX assignments_closed_by ON assignments (closed_by) WHERE closed_by IS NOT NULL;
CREATE INDEX assignments_slots ON assignments
    (study_id, round, item_id, finished_at, lease_expires);
CREATE VIEW standing_judgements AS
SELECT * FROM judgements
WHERE NOT EXISTS (SELECT 1 FROM judgements AS later WHERE later.supersedes = judgements.id)
    AND NOT EXISTS (SELECT 1 FROM retractions WHERE retractions.judgement_id = judgements.id)
    AND NOT EXISTS (
        SELECT 1 FROM labeller_events
        WHERE labeller_events.labeller_id = judgements.labeller_id
            AND labeller_events.kind = 'withdrew'
    );
CREATE INDEX results_source ON results (source_id);
CREATE INDEX results_stimulus ON results (stimulus);
CREATE INDEX results_perturbation ON results (perturbation) WHERE perturbation IS NOT NULL;
CREATE INDEX analysis_plans_experiment ON analysis_plans (experiment_id);
CREATE TRIGGER analysis_plans_never_change BEFORE UPDATE ON analysis_plans
BEGIN SELECT RAISE(ABORT, 'an analysis plan is frozen: freeze another one'); END;
CREATE TRIGGER analysis_plans_never_go BEFORE DELETE ON analysis_plans
WHEN EXISTS (SELECT 1 FROM experiments WHERE experiments.id = OLD.experiment_id)
BEGIN SELECT RAISE(ABORT, 'an analysis plan is frozen: none is ever deleted'); END;
CREATE INDEX maps_created ON maps (created_at);
CREATE INDEX jobs_active ON jobs (device, priority, created_at)
    WHERE state IN ('queued', 'running');
CREATE INDEX jobs_experiment ON jobs (experiment_id);
CREATE INDEX jobs_created ON jobs (created_at);
CREATE INDEX jobs_map ON jobs (map_id);
COMMIT;
