"""A small experiment with made-up images and results, for tests only. No human judged any of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from sqlite_utils import Database

from data.experiments import ConditionRow, create_experiment
from data.home import Home
from data.results import ResultRow, SourceRow, add_results, add_source, add_stimulus
from labelling.options import StudyOptions
from labelling.studies import LabelText

CHECKSUM = "0" * 64
NAMES = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
#: Trials show a three or a seven in turn, and aim at an eight or a nine.
LABELS = (3, 7)
TARGETS = (8, 9)


def at_once(**options: Any) -> StudyOptions:
    """Options of a study that begins with its first image and ends with its last.

    Nobody is asked to consent here: robots judge, and tests that are not about the pages around.
    """
    pages = dict.fromkeys(("information_sheet", "instruction_page", "purpose_question"), False)
    return StudyOptions(**pages | options)


def label_text(generator: str, label: int) -> LabelText:
    """ "a three", "three"."""
    return LabelText(f"a {NAMES[label]}", NAMES[label])


def source_picture(trial: int) -> np.ndarray:
    """A grey pattern of its own for each trial: uint8 (28, 28, 1)."""
    return _pattern(trial)


def perturbed_picture(trial: int, condition: int) -> np.ndarray:
    """The trial's pattern with noise of its own for each condition."""
    noise = np.random.default_rng([trial, condition, 1]).integers(0, 60, (28, 28, 1))
    return np.minimum(_pattern(trial) + noise, 255).astype(np.uint8)


def _pattern(trial: int) -> np.ndarray:
    blocks = np.random.default_rng([trial, 0]).integers(0, 2, (7, 7, 1)) * 180
    return np.kron(blocks, np.ones((4, 4, 1))).astype(np.uint8)


def add_experiment(
    database: Database,
    home: Home,
    *,
    trials: int,
    classifiers: Sequence[str] = ("mnist-standard", "mnist-robust"),
    subsets: Sequence[str] = ("first", "last"),
    found: Callable[[int, int], bool] = lambda trial, condition: True,
    magnitude: Callable[[int, int], float] = lambda trial, condition: 1.0 + trial + condition / 8,
    name: str = "synthetic",
    generator: str = "mnist-conv",
    first_picture: int = 0,
) -> str:
    """Stores an experiment whose trials are found, or else exhausted; returns its id.

    Those of another `first_picture`, as far away as there are trials, have other sources.

    Conditions are numbered classifier by classifier and, within one, subset by subset. All of
    them share a trial's source.
    """
    rows = [
        ConditionRow(classifier, CHECKSUM, subset, (1.0, 0.0), "relaxation", "mnist", {"budget": 9})
        for classifier in classifiers
        for subset in subsets
    ]
    experiment_id = create_experiment(
        database,
        kind="experiment",
        name=name,
        definition={},
        conditions=rows,
        code_version="0",
        generator=generator,
        generator_checksum=CHECKSUM,
        seed=0,
        trials=trials,
        created_by="test",
    )
    ids = database.execute(
        "SELECT id FROM conditions WHERE experiment_id = ? ORDER BY position", [experiment_id]
    ).fetchall()
    pictures = range(first_picture, first_picture + trials)
    sources = [_add_source(database, home, generator, picture) for picture in pictures]
    add_results(
        database,
        [
            _result(
                database,
                home,
                condition_id=condition_id,
                trial=trial,
                source_id=sources[trial],
                stimulus=perturbed_picture(pictures[trial], condition)
                if found(trial, condition)
                else None,
                magnitude=magnitude(trial, condition),
            )
            for condition, (condition_id,) in enumerate(ids)
            for trial in range(trials)
        ],
    )
    return experiment_id


def _add_source(database: Database, home: Home, generator: str, picture: int) -> str:
    row = SourceRow(generator, CHECKSUM, LABELS[picture % 2], picture, 1.0, {})
    return add_source(database, home, row, source_picture(picture))


def _result(
    database: Database,
    home: Home,
    *,
    condition_id: int,
    trial: int,
    source_id: str,
    stimulus: np.ndarray | None,
    magnitude: float,
) -> ResultRow:
    was_found = stimulus is not None
    return ResultRow(
        condition_id=condition_id,
        trial_index=trial,
        label=LABELS[trial % 2],
        target=TARGETS[trial % 2],
        seed=trial,
        outcome="found" if was_found else "exhausted",
        steps=9,
        seconds=0.1,
        device="cpu",
        code_version="0",
        generator_checksum=CHECKSUM,
        classifier_checksum=CHECKSUM,
        source_id=source_id,
        magnitude=magnitude if was_found else None,
        bound=magnitude,
        stimulus=add_stimulus(database, home, stimulus) if was_found else None,
    )
