"""A replication bundle: an experiment with all that its results rest on, as files of text.

The experiment's definition, conditions and plans; every result and source; every study in which one
of its pictures was judged, whole, since who is left out depends on all that they judged; every
picture of these; and the version of the code. Labellers are numbers, the same ones in every bundle
of a home; what they wrote in words stays at home, and so does whoever withdrew. Everything is
written in one order, without what only this home knows, so that the bundle of what was imported is
the same again.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlite_utils import Database

from data.bundle_archive import BundleError, write_archive
from data.experiments import Experiment, experiment
from data.home import Home
from data.images import image_file
from data.keys import key_beside, sign

#: A file of a bundle: its name, and its content in parts.
Content = tuple[str, Iterable[bytes]]

FORMAT, VERSION = "plainview-bundle", 1
EXPERIMENT = ("experiment.json", "sources.jsonl", "results.jsonl")
STUDY = ("study.json", "items.jsonl", "labellers.jsonl", "judgements.jsonl", "assignments.jsonl")

#: Columns of JSON text, which a bundle holds as what they say.
JSON_COLUMNS = frozenset(
    {"definition", "history", "layer_weights", "schedule", "options", "details", "plan"}
    | {"magnitudes", "confidences_before", "confidences_after"}
)
EXPERIMENT_COLUMNS = (
    *("id", "kind", "name", "definition", "code_version", "generator", "generator_checksum"),
    *("seed", "trials", "created_by", "created_at", "history"),
)
CONDITION_COLUMNS = (
    *("position", "classifier", "classifier_checksum", "subset", "layer_weights", "search"),
    *("schedule_name", "schedule", "role", "controls", "repetition"),
)
PLAN_COLUMNS = ("plan", "sha256", "judgements", "created_by", "created_at")
SOURCE_COLUMNS = (
    *("id", "generator", "generator_checksum", "label", "seed", "truncation", "options"),
    "stimulus",
)
#: Without the perturbation's tensor, which is a cache.
RESULT_COLUMNS = (
    *("trial_index", "source_id", "label", "target", "seed", "outcome", "steps", "magnitude"),
    *("bound", "bracket_low", "bracket_high", "magnitudes", "pixel_l2", "pixel_linf", "ssim"),
    *("margin", "confidences_before", "confidences_after", "stimulus", "seconds", "device"),
    *("code_version", "generator_checksum", "classifier_checksum", "scales_checksum"),
    *("scales_samples", "reason", "created_at"),
)
STUDY_COLUMNS = ("id", "name", "options", "created_by", "created_at")
ITEM_COLUMNS = (
    *("position", "kind", "source_stimulus", "perturbed_stimulus", "label", "phrase"),
    *("search_term", "gloss", "details"),
)
JUDGEMENT_COLUMNS = (
    *("side", "stimulus", "label", "answer", "response_ms", "hidden_ms", "searches"),
    *("shown_at", "answered_at", "repeat", "created_at"),
)

_PSEUDONYM = re.compile(r"labeller \d{9}")

README = """# A replication bundle of Plainview

`experiment.json` has the definition, the conditions and any frozen analysis plan; `results.jsonl` a
line a trial under a condition, `sources.jsonl` the unperturbed pictures that they start from;
`studies/` what people were asked and every answer they gave, their names replaced by numbers;
`images/` each picture, as a PNG file named by its SHA-256. `SHA256SUMS` has the checksum of every
file: `sha256sum -c SHA256SUMS`.

To take it in, with Plainview's code: `python -m app bundle --import FILE`; then
`python -m app verify --all` computes again what can be, and `python -m app results` shows the rest.
"""


@dataclass(frozen=True)
class Written:
    """What a bundle holds. `checksum` is of its list of checksums, and so of all of it."""

    file: Path
    checksum: str
    results: int
    images: int
    studies: int
    judgements: int


def write_bundle(database: Database, home: Home, experiment_id: str, file: Path) -> Written:
    """Write the bundle of an experiment, as it is at this moment. Raises BundleError."""
    # One snapshot for everything: workers and labellers may go on writing.
    database.execute("BEGIN")
    try:
        found = experiment(database, experiment_id)
        if found is None:
            raise BundleError(f"There is no experiment {experiment_id}.")
        studies = study_ids(database, experiment_id)
        images = stimuli(database, experiment_id, studies)
        checksum = write_archive(file, _files(database, home, found, studies, images))
        counts = database.execute(_COUNTS, [experiment_id, json.dumps(studies)]).fetchone()
    finally:
        database.execute("ROLLBACK")
    return Written(file, checksum, counts[0], len(images), len(studies), counts[1])


def study_ids(database: Database, experiment_id: str) -> list[str]:
    """The studies of an experiment, and others in which one of its pictures was judged."""
    rows = database.execute(_STUDIES, {"experiment": experiment_id})
    return [study_id for (study_id,) in rows]


def study_links(database: Database, study_id: str) -> list[str]:
    """The experiments that a study is over."""
    rows = database.execute(
        "SELECT experiment_id FROM study_experiments WHERE study_id = ?", [study_id]
    )
    return [experiment_id for (experiment_id,) in rows]


def stimuli(database: Database, experiment_id: str, studies: Iterable[str]) -> list[str]:
    """The SHA-256 of every picture of the experiment and of the studies' items, in order."""
    rows = database.execute(
        _STIMULI, {"experiment": experiment_id, "studies": json.dumps(list(studies))}
    )
    return [sha256 for (sha256,) in rows]


def experiment_files(database: Database, experiment_id: str) -> Iterator[Content]:
    """The experiment's own files, name and content."""
    [row] = database.query("SELECT * FROM experiments WHERE id = ?", [experiment_id])
    conditions = _rows(
        database.query(
            "SELECT * FROM conditions WHERE experiment_id = ? ORDER BY position", [experiment_id]
        ),
        CONDITION_COLUMNS,
    )
    plans = database.query(
        "SELECT * FROM analysis_plans WHERE experiment_id = ? ORDER BY id", [experiment_id]
    )
    yield (
        "experiment.json",
        [
            _document(
                {
                    "experiment": next(_rows([row], EXPERIMENT_COLUMNS)),
                    "conditions": list(conditions),
                    "plans": [
                        {**one, "plan": _without_names(database, one["plan"])}
                        for one in _rows(plans, PLAN_COLUMNS)
                    ],
                }
            )
        ],
    )
    sources = database.query(
        "SELECT DISTINCT sources.* FROM sources JOIN results ON results.source_id = sources.id"
        " JOIN conditions ON conditions.id = results.condition_id WHERE experiment_id = ?"
        " ORDER BY sources.id",
        [experiment_id],
    )
    yield "sources.jsonl", map(_line, _rows(sources, SOURCE_COLUMNS))
    results = database.query(
        "SELECT results.*, conditions.position AS condition FROM results"
        " JOIN conditions ON conditions.id = results.condition_id WHERE experiment_id = ?"
        " ORDER BY conditions.position, trial_index",
        [experiment_id],
    )
    yield "results.jsonl", map(_line, _rows(results, ("condition", *RESULT_COLUMNS)))


def study_files(database: Database, study_id: str) -> Iterator[Content]:
    """A study's files. An item is told by its position, people and judgements by their order."""
    folder = f"studies/{study_id}"
    [row] = database.query("SELECT * FROM studies WHERE id = ?", [study_id])
    yield f"{folder}/study.json", [_document(next(_rows([row], STUDY_COLUMNS)))]
    items = list(
        database.query("SELECT * FROM study_items WHERE study_id = ? ORDER BY position", [study_id])
    )
    yield f"{folder}/items.jsonl", map(_line, _rows(items, ITEM_COLUMNS))
    places = {item["id"]: item["position"] for item in items}
    people = database.execute(
        f"SELECT id, name, created_at FROM labellers WHERE study_id = ? AND {_STAYED} ORDER BY id",
        [study_id],
    ).fetchall()
    numbers = {labeller_id: number for number, (labeller_id, *_) in enumerate(people)}
    yield (
        f"{folder}/labellers.jsonl",
        (
            _line(
                {
                    "labeller": numbers[labeller_id],
                    "name": pseudonym(database, name),
                    "created_at": created_at,
                    "events": [
                        {"kind": kind, "created_at": at}
                        for kind, at in database.execute(
                            "SELECT kind, created_at FROM labeller_events WHERE labeller_id = ?"
                            " ORDER BY created_at, kind",
                            [labeller_id],
                        )
                    ],
                }
            )
            for labeller_id, name, created_at in people
        ),
    )
    judged = {
        judgement_id: number
        for number, (judgement_id,) in enumerate(database.execute(_JUDGEMENT_IDS, [study_id]))
    }
    yield (
        f"{folder}/judgements.jsonl",
        (
            _line(
                {
                    "judgement": judged[row["id"]],
                    "labeller": numbers[row["labeller_id"]],
                    "item": places[row["item_id"]],
                    **{name: row[name] for name in JUDGEMENT_COLUMNS},
                    "supersedes": judged.get(row["supersedes"]),
                    "undone_at": row["undone_at"],
                }
            )
            for row in database.query(_JUDGEMENTS, [study_id])
        ),
    )
    yield (
        f"{folder}/assignments.jsonl",
        (
            _line(
                {
                    "labeller": numbers[row["labeller_id"]],
                    "item": places[row["item_id"]],
                    **{name: row[name] for name in ("round", "place", "finished_at")},
                    "closed_by": judged.get(row["closed_by"]),
                }
            )
            for row in database.query(_ASSIGNMENTS, [study_id])
        ),
    )


def digest(parts: Iterable[bytes]) -> str:
    """The SHA-256 of a file that was never written."""
    whole = hashlib.sha256()
    for part in parts:
        whole.update(part)
    return whole.hexdigest()


def pseudonym(database: Database, name: str) -> str:
    """ "labeller 482913077": a name's number in this home; only who has its key could tell whose.

    A number that came with a bundle stays.
    """
    if _PSEUDONYM.fullmatch(name):
        return name
    signed = sign(key_beside(database), "pseudonym", name)
    number = int(hashlib.sha256(signed.encode()).hexdigest(), 16) % 10**9
    return f"labeller {number:09}"


def _files(
    database: Database, home: Home, found: Experiment, studies: list[str], images: list[str]
) -> Iterator[Content]:
    about = {
        "format": FORMAT,
        "version": VERSION,
        "experiment": found.id,
        "code_version": found.code_version,
        "studies": studies,
        "asked_about_it": [one for one in studies if found.id in study_links(database, one)],
    }
    yield "bundle.json", [_document(about)]
    yield "README.md", [README.encode()]
    yield from experiment_files(database, found.id)
    for study_id in studies:
        yield from study_files(database, study_id)
    for sha256 in images:
        yield f"images/{sha256}.png", [_image(home, sha256)]


def _image(home: Home, sha256: str) -> bytes:
    """The bytes of a stored picture, which are what its name says. Raises BundleError."""
    file = image_file(home, sha256)
    try:
        content = file.read_bytes()
    except OSError as error:
        raise BundleError(f"The picture {file} cannot be read: {error.strerror}.") from error
    if hashlib.sha256(content).hexdigest() != sha256:
        raise BundleError(f"The picture {file} is damaged: restore it from a backup first.")
    return content


def _without_names(database: Database, plan: Mapping[str, Any]) -> dict[str, Any]:
    """A plan with the labellers that its rule names as numbers, as everywhere in a bundle."""
    rule = dict(plan.get("rule", {}))
    if rule.get("labeller"):
        rule["labeller"] = pseudonym(database, rule["labeller"])
    if rule.get("labellers"):
        rule["labellers"] = [pseudonym(database, name) for name in rule["labellers"]]
    return {**plan, **({"rule": rule} if rule else {})}


def _rows(rows: Iterable[Mapping[str, Any]], columns: Iterable[str]) -> Iterator[dict[str, Any]]:
    for row in rows:
        yield {
            name: json.loads(row[name]) if name in JSON_COLUMNS and row[name] else row[name]
            for name in columns
        }


def _line(record: Mapping[str, Any]) -> bytes:
    text = json.dumps(record, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    return text.encode() + b"\n"


def _document(record: Mapping[str, Any]) -> bytes:
    text = json.dumps(record, indent=1, sort_keys=True, ensure_ascii=False, allow_nan=False)
    return text.encode() + b"\n"


_OWN_PICTURES = """
    SELECT sources.stimulus AS stimulus FROM results
    JOIN conditions ON conditions.id = results.condition_id
    JOIN sources ON sources.id = results.source_id WHERE experiment_id = :experiment
    UNION
    SELECT results.stimulus FROM results
    JOIN conditions ON conditions.id = results.condition_id
    WHERE experiment_id = :experiment AND results.stimulus IS NOT NULL
"""
_STUDIES = f"""
SELECT id FROM studies WHERE id IN (
    SELECT study_id FROM study_experiments WHERE experiment_id = :experiment
    UNION
    SELECT labellers.study_id FROM judgements
    JOIN labellers ON labellers.id = judgements.labeller_id
    WHERE judgements.stimulus IN ({_OWN_PICTURES})
) ORDER BY created_at, id
"""
_STIMULI = f"""
SELECT stimulus FROM ({_OWN_PICTURES}
    UNION
    SELECT source_stimulus FROM study_items
    WHERE study_id IN (SELECT value FROM json_each(:studies))
    UNION
    SELECT perturbed_stimulus FROM study_items
    WHERE study_id IN (SELECT value FROM json_each(:studies)) AND perturbed_stimulus IS NOT NULL
) ORDER BY stimulus
"""
#: Whoever withdrew is not passed on.
_STAYED = """NOT EXISTS (SELECT 1 FROM labeller_events AS event
    WHERE event.labeller_id = labellers.id AND event.kind = 'withdrew')"""
_COUNTS = f"""
SELECT (SELECT count(*) FROM results JOIN conditions ON conditions.id = results.condition_id
    WHERE experiment_id = ?), (SELECT count(*) FROM judgements
    JOIN labellers ON labellers.id = judgements.labeller_id
    WHERE study_id IN (SELECT value FROM json_each(?)) AND {_STAYED})
"""
_JUDGEMENT_IDS = f"""
SELECT judgements.id FROM judgements JOIN labellers ON labellers.id = labeller_id
WHERE study_id = ? AND {_STAYED} ORDER BY judgements.id
"""
_JUDGEMENTS = f"""
SELECT judgements.*, retractions.created_at AS undone_at FROM judgements
JOIN labellers ON labellers.id = labeller_id
LEFT JOIN retractions ON retractions.judgement_id = judgements.id
WHERE study_id = ? AND {_STAYED} ORDER BY judgements.id
"""
_ASSIGNMENTS = f"""
SELECT assignments.* FROM assignments JOIN labellers ON labellers.id = labeller_id
WHERE assignments.study_id = ? AND finished_at IS NOT NULL AND {_STAYED}
ORDER BY labeller_id, round, place, item_id
"""
