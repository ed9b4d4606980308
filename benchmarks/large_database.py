"""A large synthetic home: 100 000 made-up results and 1 000 000 made-up judgements.

    python -m benchmarks.large_database HOME [--results 100000] [--judgements 1000000]

No search ran and no person judged anything: magnitudes are drawn from a known distribution, answers
from a known probability of agreeing, and the home is marked as synthetic, which pages then say.
Rows are as large as real ones (eighteen points, ImageNet's confidences). Every found picture was
"tested" on every other classifier, and a second study shows some at randomised strengths. Pictures
have rows; those of the first trials, which the Gallery shows first, have files as well, with
SYNTHETIC written into them. Indexes and triggers are set aside while the rows go in, and come back.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageDraw
from sqlite_utils import Database

from app.widgets.banner import MARKER
from data.database import immediate, open_database
from data.experiments import ConditionRow, conditions, create_experiment
from data.home import Home, home
from data.images import store_image
from data.labellers import add_labeller
from data.stamps import now
from data.studies import create_study
from labelling.answers import Answer
from labelling.options import ExclusionRules, StudyOptions

CLASSIFIERS = ("efficientnet-b4-ns", "resnet50", "resnet50-l2-3", "resnet50-linf-4-fast")
SUBSETS = ("all", "first", "middle", "last")
#: Typical magnitude of each classifier, times that of each subset.
TYPICAL = np.outer([3.0, 2.0, 5.0, 4.5], [1.0, 1.4, 1.2, 2.2])
BUDGET = 14.0
SKIPPED, AGREE_SOURCE, HALF_AT = 0.12, 0.95, 8.0
POINTS, LABELS = 18, 1000
#: An odd number, so that a majority is seldom a tie; the last one is too fast for the study's rule.
LABELLERS = 13
CHECKSUM = "0" * 64
#: Trials whose pictures have files: some pages of the Gallery.
PICTURED, SIDE = 12, 512
#: Items at randomised strengths, and who judges them; of how many tests in ten another classifier
#: says the target.
STRENGTHS, STRENGTH_LABELLERS = 2000, 5
TRANSFERRED = 3

#: The SHA-256 of a trial's source (trial,), or of what was found under a condition (trial, cell).
Name = Callable[..., str]


def build(root: Path, results: int = 100_000, judgements: int = 1_000_000) -> str:
    """Fill the home at `root` and return the experiment's id; about one minute."""
    place = home(root)
    with closing(open_database(place)) as database:
        experiment_id = _experiment(database, results // TYPICAL.size)
        cells = conditions(database, experiment_id)
        with _bare(database), immediate(database):
            generator = np.random.default_rng(0)
            files = _files(place)
            name: Name = lambda *parts: files.get(parts) or _name(*parts)  # noqa: E731
            pictures = _results(database, generator, [cell.id for cell in cells], results, name)
            database.execute(_TRANSFERS, {"checksum": CHECKSUM, "at": now()})
            few = min(STRENGTHS, len(pictures), judgements // (4 * STRENGTH_LABELLERS))
            of_strengths = 2 * few * STRENGTH_LABELLERS
            rest = judgements - of_strengths
            _judgements(database, generator, experiment_id, pictures, rest, name)
            _strengths(database, generator, experiment_id, pictures[:: len(pictures) // few][:few])
        database.execute("ANALYZE")
    (place.root / MARKER).touch()
    return experiment_id


def _experiment(database: Database, trials: int) -> str:
    return create_experiment(
        database,
        kind="experiment",
        name="Synthetic: large",
        definition={"targeted": True},
        conditions=[
            ConditionRow(
                classifier,
                CHECKSUM,
                subset,
                (1.0,) * POINTS,
                search="minimum-norm",
                schedule_name="minimum-norm",
                schedule={"budget": 300},
            )
            for classifier in CLASSIFIERS
            for subset in SUBSETS
        ],
        code_version="0",
        generator="biggan-deep-512",
        generator_checksum=CHECKSUM,
        seed=0,
        trials=trials,
        created_by="benchmark",
    )


def _files(place: Home) -> dict[tuple[int, ...], str]:
    """Made-up pictures of the first trials and of all that could be found for them."""
    across, down = np.meshgrid(np.linspace(0, 1, SIDE), np.linspace(0, 1, SIDE))
    files: dict[tuple[int, ...], str] = {}
    for trial in range(PICTURED):
        waves = np.stack([across * (trial + 1), down * (trial + 2), across + down * trial], axis=2)
        source = Image.fromarray((127 + 100 * np.sin(4 * waves)).astype(np.uint8))
        ImageDraw.Draw(source).text((20, 20), f"SYNTHETIC, source {trial}", font_size=40)
        files[(trial,)] = store_image(place, np.asarray(source))
        for cell in range(TYPICAL.size):
            found = np.roll(np.asarray(source), 2 + cell, axis=(0, 1)).copy()
            found[200 : 200 + 8 * cell] ^= 64
            files[trial, cell] = store_image(place, found)
    return files


@contextmanager
def _bare(database: Database) -> Iterator[None]:
    """The tables that get many rows without their indexes and triggers."""
    tables = ("stimuli", "sources", "results", "study_items", "judgements", "transfers")
    aside = database.execute(
        "SELECT type, name, sql FROM sqlite_master WHERE sql IS NOT NULL"
        " AND type IN ('index', 'trigger')"
        f" AND tbl_name IN ({', '.join('?' for _ in tables)})",
        tables,
    ).fetchall()
    for kind, name, _ in aside:
        database.execute(f"DROP {kind} {name}")
    database.execute("PRAGMA foreign_keys = OFF")
    yield
    for _, _, sql in aside:
        database.execute(sql)
    database.execute("PRAGMA foreign_keys = ON")


def _insert(database: Database, table: str, rows: Iterable[dict[str, Any]]) -> None:
    rows = iter(rows)
    first = next(rows)
    names = list(first)
    sql = f"INSERT INTO {table} ({', '.join(names)}) VALUES ({', '.join('?' for _ in names)})"
    database.conn.execute(sql, list(first.values()))
    database.conn.executemany(sql, (list(row.values()) for row in rows))


def _name(*parts: object) -> str:
    return hashlib.sha256("synthetic ".join(map(str, parts)).encode()).hexdigest()


def _results(
    database: Database,
    generator: np.random.Generator,
    cells: list[int],
    results: int,
    name: Name,
) -> np.ndarray:
    """Stimuli, sources and results; the found ones as (trial, condition, magnitude)."""
    trials = results // len(cells)
    labels = generator.integers(LABELS, size=trials)
    targets = (labels + generator.integers(1, LABELS, size=trials)) % LABELS
    difficulty = generator.normal(size=(trials, 1))  # what a source's trials share
    magnitudes = TYPICAL.ravel() * np.exp(
        0.35 * difficulty + 0.4 * generator.normal(size=(trials, len(cells)))
    )
    right = generator.uniform(size=(trials, len(CLASSIFIERS))) >= SKIPPED
    right = np.repeat(right, len(SUBSETS), axis=1)
    found = right & (magnitudes <= BUDGET)
    at = now()
    picture = {"width": 512, "height": 512, "channels": 3, "bytes": 400_000, "created_at": at}
    _insert(database, "stimuli", ({"sha256": name(t), **picture} for t in range(trials)))
    _insert(
        database,
        "stimuli",
        ({"sha256": name(t, c), **picture} for t, c in np.argwhere(found).tolist()),
    )
    _insert(
        database,
        "sources",
        (
            {
                "id": _name("source", trial),
                "generator": "biggan-deep-512",
                "generator_checksum": CHECKSUM,
                "label": int(labels[trial]),
                "seed": trial,
                "truncation": 1.0,
                "options": "{}",
                "stimulus": name(trial),
                "created_at": at,
            }
            for trial in range(trials)
        ),
    )
    by_point = generator.uniform(0.1, 1.0, size=(100, POINTS))
    _insert(
        database,
        "results",
        (
            _result(
                cells, trial, cell, labels, targets, magnitudes, right, found, by_point, at, name
            )
            for cell in range(len(cells))
            for trial in range(trials)
        ),
    )
    where = np.argwhere(found)
    return np.column_stack([where, magnitudes[found], labels[where[:, 0]]])


def _result(
    cells: list[int],
    trial: int,
    cell: int,
    labels: np.ndarray,
    targets: np.ndarray,
    magnitudes: np.ndarray,
    right: np.ndarray,
    found: np.ndarray,
    by_point: np.ndarray,
    at: str,
    name: Name,
) -> dict[str, Any]:
    was_found, magnitude = bool(found[trial, cell]), float(magnitudes[trial, cell])
    label, target = int(labels[trial]), int(targets[trial])
    top = [[(label + step) % LABELS, round(0.5 / (step + 1), 6)] for step in range(5)]
    confidences = json.dumps({"label": 0.5, "target": 0.25, "top": top})
    points = by_point[(trial + cell) % len(by_point)] * magnitude
    return {
        "condition_id": cells[cell],
        "trial_index": trial,
        "source_id": _name("source", trial),
        "label": label,
        "target": target,
        "seed": trial,
        "outcome": "found" if was_found else "exhausted" if right[trial, cell] else "skipped",
        "steps": 300 if right[trial, cell] else 0,
        "magnitude": magnitude if was_found else None,
        "bound": None if not right[trial, cell] else magnitude if was_found else BUDGET,
        "magnitudes": json.dumps([round(float(value), 6) for value in points]),
        "pixel_l2": magnitude if was_found else None,
        "pixel_linf": 0.5 if was_found else None,
        "ssim": 0.8 if was_found else None,
        "margin": 0.1 if was_found else None,
        "confidences_before": confidences,
        "confidences_after": confidences if was_found else None,
        "stimulus": name(trial, cell) if was_found else None,
        "seconds": 0.5,
        "device": "cpu",
        "code_version": "0",
        "generator_checksum": CHECKSUM,
        "classifier_checksum": CHECKSUM,
        "created_at": at,
    }


def _judgements(
    database: Database,
    generator: np.random.Generator,
    experiment_id: str,
    pictures: np.ndarray,
    judgements: int,
    name: Name,
) -> None:
    """A study of all pairs, and synthetic labellers who judge one item after the other."""
    study_id = create_study(
        database,
        name="Synthetic study",
        experiment_ids=[experiment_id],
        options=StudyOptions(exclusion=ExclusionRules(fastest_ms=300)).as_json(),
        created_by="benchmark",
    )
    labellers = []
    for number in range(LABELLERS):
        add_labeller(database, study_id, f"synthetic-{number:02}")
        labellers.append(database.execute("SELECT max(id) FROM labellers").fetchone()[0])
    trials, cells = pictures[:, 0].astype(int), pictures[:, 1].astype(int)
    labels = pictures[:, 3].astype(int)
    _insert(
        database,
        "study_items",
        (
            {
                "study_id": study_id,
                "position": position,
                "source_stimulus": name(trial),
                "perturbed_stimulus": name(trial, cell),
                "label": int(label),
                "phrase": "a synthetic thing",
                "search_term": "synthetic",
            }
            for position, (trial, cell, label) in enumerate(
                zip(trials.tolist(), cells.tolist(), labels, strict=True)
            )
        ),
    )
    (first_item,) = database.execute("SELECT min(id) FROM study_items").fetchone()
    rows = _answers(generator, pictures, labellers, first_item, judgements, name)
    _insert(database, "judgements", rows)


def _answers(
    generator: np.random.Generator,
    pictures: np.ndarray,
    labellers: list[int],
    first_item: int,
    judgements: int,
    name: Name,
) -> Iterator[dict[str, Any]]:
    at = now()
    trials, cells = pictures[:, 0].astype(int), pictures[:, 1].astype(int)
    shows = generator.uniform(size=trials.max() + 1) < AGREE_SOURCE
    agrees = 1 / (1 + np.exp(pictures[:, 2] - HALF_AT))
    asked: set[tuple[int, int]] = set()
    made = 0

    def row(labeller: int, place: int, side: str, stimulus: str, answer: Answer) -> dict[str, Any]:
        return {
            "labeller_id": labeller,
            "item_id": first_item + place,
            "side": side,
            "stimulus": stimulus,
            "label": int(pictures[place, 3]),
            "answer": answer.value,
            "response_ms": 200.0 if labeller == labellers[-1] else 800.0,
            "shown_at": at,
            "answered_at": at,
            "created_at": at,
        }

    while made < judgements:
        # Everybody a block of items, then everybody the next one: all have judged much the same.
        for block in np.array_split(np.arange(len(pictures)), 100):
            for labeller in labellers:
                draws = generator.uniform(size=(len(block), 2))
                for place, (first, second) in zip(block.tolist(), draws, strict=True):
                    trial, cell = int(trials[place]), int(cells[place])
                    yes = shows[trial] == (first < 0.97)
                    if (labeller, trial) not in asked:
                        asked.add((labeller, trial))
                        answer = Answer.LABEL if yes else Answer.UNCLEAR
                        yield row(labeller, place, "source", name(trial), answer)
                        made += 1
                    if made < judgements and shows[trial]:
                        answer = Answer.LABEL if second < agrees[place] else Answer.SOMETHING_ELSE
                        yield row(labeller, place, "perturbed", name(trial, cell), answer)
                        made += 1
                    if made >= judgements:
                        return
        raise ValueError(f"{made} judgements use up {len(labellers)} labellers: ask for fewer.")


#: Every found picture on every other classifier, which knows the source; a test in three or so is
#: fooled. Which ones is a matter of arithmetic, not of chance.
_TRANSFERS = f"""
INSERT INTO transfers
SELECT results.id, other.classifier, :checksum, label,
    CASE WHEN (results.id * 7919 + other.place * 104729) % 10 < {TRANSFERRED} THEN target
    ELSE label END, :at
FROM results
JOIN conditions ON conditions.id = results.condition_id
JOIN (
    SELECT classifier, min(position) AS place FROM conditions GROUP BY classifier
) AS other ON other.classifier <> conditions.classifier
WHERE outcome = 'found'
ORDER BY results.id, other.classifier
"""


def _strengths(
    database: Database, generator: np.random.Generator, experiment_id: str, pictures: np.ndarray
) -> None:
    """A study of some found pictures at strengths from 0.25 to 1.5, judged by everybody in it."""
    study_id = create_study(
        database,
        name="Synthetic strengths",
        experiment_ids=[experiment_id],
        options=StudyOptions().as_json(),
        created_by="benchmark",
    )
    at, labellers = now(), []
    for number in range(STRENGTH_LABELLERS):
        add_labeller(database, study_id, f"synthetic-strength-{number}")
        labellers.append(database.execute("SELECT max(id) FROM labellers").fetchone()[0])
    strengths = generator.uniform(0.25, 1.5, len(pictures))
    names = [_name("strength", place) for place in range(len(pictures))]
    size = {"width": SIDE, "height": SIDE, "channels": 3, "bytes": 400_000, "created_at": at}
    _insert(database, "stimuli", ({"sha256": name, **size} for name in names))
    (last,) = database.execute("SELECT max(id) FROM study_items").fetchone()
    sources = [
        database.execute(
            "SELECT stimulus FROM sources WHERE id = ?", [_name("source", int(trial))]
        ).fetchone()[0]
        for trial in pictures[:, 0]
    ]
    shown = list(zip(pictures.tolist(), strengths.tolist(), names, sources, strict=True))
    _insert(
        database,
        "study_items",
        (
            {
                "id": last + 1 + place,
                "study_id": study_id,
                "position": place,
                "kind": "strength",
                "source_stimulus": source,
                "perturbed_stimulus": name,
                "label": int(label),
                "phrase": "a synthetic thing",
                "search_term": "synthetic",
                "details": json.dumps(
                    {
                        "experiment": experiment_id,
                        "condition": int(cell),
                        "trial": int(trial),
                        "strength": strength,
                        "magnitude": strength * magnitude,
                        "answer": int(label),
                    }
                ),
            }
            for place, ((trial, cell, magnitude, label), strength, name, source) in enumerate(shown)
        ),
    )
    agrees = 1 / (1 + np.exp(strengths * pictures[:, 2] - HALF_AT))
    draws = generator.uniform(size=(len(shown), STRENGTH_LABELLERS))
    asked: set[tuple[int, str, int]] = set()
    rows = []
    for place, ((_, _, _, label), _, name, source) in enumerate(shown):
        for labeller, draw in zip(labellers, draws[place], strict=True):
            yes = Answer.LABEL if draw < agrees[place] else Answer.SOMETHING_ELSE
            for side, stimulus, answer in (
                ("source", source, Answer.LABEL),
                ("perturbed", name, yes),
            ):
                if (labeller, stimulus, int(label)) in asked:
                    continue
                asked.add((labeller, stimulus, int(label)))
                rows.append(
                    {
                        "labeller_id": labeller,
                        "item_id": last + 1 + place,
                        "side": side,
                        "stimulus": stimulus,
                        "label": int(label),
                        "answer": answer.value,
                        "response_ms": 800.0,
                        "shown_at": at,
                        "answered_at": at,
                        "created_at": at,
                    }
                )
    _insert(database, "judgements", rows)


def main() -> None:
    """Build it and say how large it is."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("home", type=Path)
    parser.add_argument("--results", type=int, default=100_000)
    parser.add_argument("--judgements", type=int, default=1_000_000)
    arguments = parser.parse_args()
    began = time.perf_counter()
    experiment_id = build(arguments.home, arguments.results, arguments.judgements)
    size = home(arguments.home).database.stat().st_size
    took = time.perf_counter() - began
    print(f"experiment {experiment_id}: {size / 1e6:.0f} MB in {took:.0f} s")


if __name__ == "__main__":
    main()
