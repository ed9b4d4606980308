"""A replication bundle: an experiment with all that its results rest on, as files of text.

The experiment's definition, conditions and plans; every result and source, and what other
classifiers say of them; every study in which one of its pictures was judged, whole, since who is
left out depends on all that they judged; the maps that start from one of its sources, and the
studies of their planes; every picture of these; and the version of the code. Labellers are numbers,
the same ones in every bundle of a home; what they wrote in words stays at home, and so does whoever
withdrew. Everything is written in one order, without what only this home knows, so that the bundle
of what was imported is the same again.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlite_utils import Database

from data.bundle_archive import BundleError, write_archive
from data.bundle_maps import map_files, map_ids, plane_studies
from data.bundle_studies import STAYED, pseudonym, study_files
from data.bundle_text import Content, document, line, records
from data.experiments import Experiment, experiment
from data.home import Home
from data.images import image_file
from data.transfers import transfer_count

FORMAT = "plainview-bundle"
#: The newest has what other classifiers say of the pictures, and maps; the first had neither.
VERSION, FIRST_VERSION = 2, 1
EXPERIMENT = ("experiment.json", "sources.jsonl", "results.jsonl")
TRANSFERS = "transfers.jsonl"

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
#: What a classifier said, and which one it was.
ANSWER_COLUMNS = ("classifier_checksum", "source_answer", "answer")
README = """# A replication bundle of Plainview

`experiment.json` has the definition, the conditions and any frozen analysis plan; `results.jsonl` a
line a trial under a condition, `sources.jsonl` the unperturbed pictures that they start from,
`transfers.jsonl` what other classifiers say of both; `studies/` what people were asked and every
answer they gave, their names replaced by numbers; `maps/` the semantic maps that start from these
sources; `images/` each picture, as a PNG file named by its SHA-256. `SHA256SUMS` has the checksum
of every file: `sha256sum -c SHA256SUMS`.

To take it in, with Plainview's code: `python -m app bundle --import FILE`; then
`python -m app verify --all` computes again what can be, and `python -m app results` shows the rest.
"""


@dataclass(frozen=True)
class Written:
    """What a bundle holds. `checksum` is of its list of checksums, and so of all of it."""

    file: Path
    checksum: str
    results: int
    transfers: int
    images: int
    studies: int
    judgements: int
    maps: int


def write_bundle(database: Database, home: Home, experiment_id: str, file: Path) -> Written:
    """Write the bundle of an experiment, as it is at this moment. Raises BundleError."""
    # One snapshot for everything: workers and labellers may go on writing.
    database.execute("BEGIN")
    try:
        found = experiment(database, experiment_id)
        if found is None:
            raise BundleError(f"There is no experiment {experiment_id}.")
        maps = map_ids(database, experiment_id)
        studies = study_ids(database, experiment_id, maps)
        images = stimuli(database, experiment_id, studies)
        checksum = write_archive(file, _files(database, home, found, studies, images, maps))
        results, judged = database.execute(_COUNTS, [experiment_id, json.dumps(studies)]).fetchone()
        tested = transfer_count(database, experiment_id)
    finally:
        database.execute("ROLLBACK")
    return Written(file, checksum, results, tested, len(images), len(studies), judged, len(maps))


def study_ids(database: Database, experiment_id: str, maps: Sequence[str]) -> list[str]:
    """The studies of an experiment, others in which one of its pictures was judged, and those of
    the planes of these maps.
    """
    planes = json.dumps(plane_studies(database, maps))
    rows = database.execute(_STUDIES, {"experiment": experiment_id, "planes": planes})
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
    conditions = records(
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
            document(
                {
                    "experiment": next(records([row], EXPERIMENT_COLUMNS)),
                    "conditions": list(conditions),
                    "plans": [
                        {**one, "plan": _without_names(database, one["plan"])}
                        for one in records(plans, PLAN_COLUMNS)
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
    yield "sources.jsonl", map(line, records(sources, SOURCE_COLUMNS))
    results = database.query(
        "SELECT results.*, conditions.position AS condition FROM results"
        " JOIN conditions ON conditions.id = results.condition_id WHERE experiment_id = ?"
        " ORDER BY conditions.position, trial_index",
        [experiment_id],
    )
    yield "results.jsonl", map(line, records(results, ("condition", *RESULT_COLUMNS)))


def transfer_rows(database: Database, experiment_id: str) -> Iterator[dict[str, Any]]:
    """What other classifiers say of its found pictures, a record a picture and classifier."""
    rows = database.query(
        "SELECT transfers.*, conditions.position AS condition, trial_index FROM conditions"
        " JOIN results ON results.condition_id = conditions.id"
        " JOIN transfers ON transfers.result_id = results.id WHERE experiment_id = ?"
        " ORDER BY conditions.position, trial_index, transfers.classifier",
        [experiment_id],
    )
    columns = ("condition", "trial_index", "classifier", *ANSWER_COLUMNS, "created_at")
    return records(rows, columns)


def _files(
    database: Database,
    home: Home,
    found: Experiment,
    studies: Sequence[str],
    images: Sequence[str],
    maps: Sequence[str],
) -> Iterator[Content]:
    about = {
        "format": FORMAT,
        "version": VERSION,
        "experiment": found.id,
        "code_version": found.code_version,
        "studies": studies,
        "asked_about_it": [one for one in studies if found.id in study_links(database, one)],
        "maps": list(maps),
    }
    yield "bundle.json", [document(about)]
    yield "README.md", [README.encode()]
    yield from experiment_files(database, found.id)
    yield TRANSFERS, map(line, transfer_rows(database, found.id))
    for study_id in studies:
        yield from study_files(database, study_id)
    for map_id in maps:
        yield from map_files(database, map_id)
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
    UNION
    SELECT value FROM json_each(:planes)
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
_COUNTS = f"""
SELECT (SELECT count(*) FROM results JOIN conditions ON conditions.id = results.condition_id
    WHERE experiment_id = ?), (SELECT count(*) FROM judgements
    JOIN labellers ON labellers.id = judgements.labeller_id
    WHERE study_id IN (SELECT value FROM json_each(?)) AND {STAYED})
"""
