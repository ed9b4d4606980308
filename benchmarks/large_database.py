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
import json
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from sqlite_utils import Database

from app.widgets.banner import MARKER
from benchmarks.large_fools import (
    STRENGTH_LABELLERS,
    STRENGTHS,
    TRANSFERS,
    files,
    insert,
    made_up_name,
    strengths,
)
from data.database import immediate, open_database
from data.experiments import ConditionRow, conditions, create_experiment
from data.home import home
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
            stored = files(place, TYPICAL.size)
            name: Name = lambda *parts: stored.get(parts) or made_up_name(*parts)  # noqa: E731
            pictures = _results(database, generator, [cell.id for cell in cells], results, name)
            database.execute(TRANSFERS, {"checksum": CHECKSUM, "at": now()})
            few = min(STRENGTHS, len(pictures), judgements // (4 * STRENGTH_LABELLERS))
            some = pictures[:: len(pictures) // few][:few]
            sources = len(np.unique(some[:, 0]))
            rest = judgements - STRENGTH_LABELLERS * (few + sources)
            _judgements(database, generator, experiment_id, pictures, rest, name)
            strengths(database, generator, experiment_id, some, HALF_AT)
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
    insert(database, "stimuli", ({"sha256": name(t), **picture} for t in range(trials)))
    insert(
        database,
        "stimuli",
        ({"sha256": name(t, c), **picture} for t, c in np.argwhere(found).tolist()),
    )
    insert(
        database,
        "sources",
        (
            {
                "id": made_up_name("source", trial),
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
    insert(
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
        "source_id": made_up_name("source", trial),
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
    insert(
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
    insert(database, "judgements", rows)


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
