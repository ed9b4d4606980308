"""What the views of pictures and of what fools what need of a large synthetic home: files, answers
of other classifiers, and pictures at randomised strengths, all made up.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from typing import Any

import numpy as np
from PIL import Image, ImageDraw
from sqlite_utils import Database

from data.home import Home
from data.images import store_image
from data.labellers import add_labeller
from data.stamps import now
from data.studies import create_study
from labelling.answers import Answer
from labelling.options import StudyOptions

#: Trials whose pictures have files: some pages of the Gallery.
PICTURED, SIDE = 12, 512
#: Items at randomised strengths, and who judges them; of how many tests in ten another classifier
#: says the target.
STRENGTHS, STRENGTH_LABELLERS = 2000, 5
TRANSFERRED = 3


def insert(database: Database, table: str, rows: Iterable[dict[str, Any]]) -> None:
    """Rows of the same columns, at least one."""
    rows = iter(rows)
    first = next(rows)
    names = list(first)
    sql = f"INSERT INTO {table} ({', '.join(names)}) VALUES ({', '.join('?' for _ in names)})"
    database.conn.execute(sql, list(first.values()))
    database.conn.executemany(sql, (list(row.values()) for row in rows))


def made_up_name(*parts: object) -> str:
    """What stands for the SHA-256 of something that is nowhere."""
    return hashlib.sha256("synthetic ".join(map(str, parts)).encode()).hexdigest()


def files(place: Home, conditions: int) -> dict[tuple[int, ...], str]:
    """Made-up pictures of the first trials and of all that could be found for them."""
    across, down = np.meshgrid(np.linspace(0, 1, SIDE), np.linspace(0, 1, SIDE))
    stored: dict[tuple[int, ...], str] = {}
    for trial in range(PICTURED):
        waves = np.stack([across * (trial + 1), down * (trial + 2), across + down * trial], axis=2)
        source = Image.fromarray((127 + 100 * np.sin(4 * waves)).astype(np.uint8))
        ImageDraw.Draw(source).text((20, 20), f"SYNTHETIC, source {trial}", font_size=40)
        stored[(trial,)] = store_image(place, np.asarray(source))
        for cell in range(conditions):
            found = np.roll(np.asarray(source), 2 + cell, axis=(0, 1)).copy()
            found[200 : 200 + 8 * cell] ^= 64
            stored[trial, cell] = store_image(place, found)
    return stored


#: Every found picture on every other classifier, which knows the source; a test in three or so is
#: fooled. Which ones is a matter of arithmetic, not of chance.
TRANSFERS = f"""
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


def strengths(
    database: Database,
    generator: np.random.Generator,
    experiment_id: str,
    pictures: np.ndarray,
    half_at: float,
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
    drawn = generator.uniform(0.25, 1.5, len(pictures))
    names = [made_up_name("strength", place) for place in range(len(pictures))]
    size = {"width": SIDE, "height": SIDE, "channels": 3, "bytes": 400_000, "created_at": at}
    insert(database, "stimuli", ({"sha256": name, **size} for name in names))
    (last,) = database.execute("SELECT max(id) FROM study_items").fetchone()
    sources = [
        database.execute(
            "SELECT stimulus FROM sources WHERE id = ?", [made_up_name("source", int(trial))]
        ).fetchone()[0]
        for trial in pictures[:, 0]
    ]
    shown = list(zip(pictures.tolist(), drawn.tolist(), names, sources, strict=True))
    insert(
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
    agrees = 1 / (1 + np.exp(drawn * pictures[:, 2] - half_at))
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
    insert(database, "judgements", rows)
