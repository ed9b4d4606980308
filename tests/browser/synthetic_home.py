"""A home folder with synthetic experiments and, if wanted, synthetic judgements, marked as such.

For tests and pictures only: no search ran and no person judged anything here.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from functools import partial
from pathlib import Path

import numpy as np
from sqlite_utils import Database

from app.widgets.banner import MARKER
from data import studies
from data.database import open_database
from data.experiments import ConditionRow, conditions, create_experiment
from data.home import Home
from data.judgements import add_judgement
from data.labellers import labeller_of, labellers
from data.results import ResultRow, SourceRow, add_results, add_source, add_stimulus
from data.transfers import TransferRow, add_transfers
from engine.pixel_distances import pixel_distances
from labelling.answers import Answer
from labelling.studies import create_study, invite
from tests.labelling.synthetic_study import (
    CHECKSUM,
    label_text,
    perturbed_picture,
    source_picture,
)

LABEL, TARGET = 3, 8
#: Classifier, layer subset and typical magnitude: the robust one's last layers need more.
CONDITIONS = (
    ("mnist-standard", "first", 2.4),
    ("mnist-standard", "last", 3.6),
    ("mnist-robust", "first", 2.6),
    ("mnist-robust", "last", 5.8),
)
BUDGET = 14.0
#: The part of ‖p‖ at each of the generator's seven points; their squares add up to 1.
BY_POINT = (0.4, 0.4, 0.4, 0.4, 0.4, 0.4, 0.2)
#: Every so-manieth trial is skipped.
SKIPPED = 15


#: Search, its schedule, its steps, and how large its magnitudes are beside the first one's.
RELAXATION = ("relaxation", "imagenet", 200, 1.0)
MINIMUM_NORM = ("minimum-norm", "cosine", 300, 0.4)
Search = tuple[str, str, int, float]


def add_synthetic_experiment(
    root: Path,
    trials: int,
    name: str,
    *,
    first_seed: int = 0,
    searches: Sequence[Search] = (RELAXATION,),
    classifiers: Sequence[str] = ("mnist-standard", "mnist-robust"),
) -> str:
    """Four conditions a search, their magnitudes made up, exhausted at a common budget; its id.

    Fewer `classifiers`, fewer conditions. Experiments of different `first_seed` have other sources,
    so that no judgement is shared.
    """
    home = Home(root)
    chosen = [one for one in CONDITIONS if one[0] in classifiers]
    typical = [size * factor for *_, factor in searches for *_, size in chosen]
    with closing(open_database(home)) as database:
        experiment_id = create_experiment(
            database,
            kind="experiment",
            name=name,
            definition={"targeted": True},
            conditions=[
                ConditionRow(
                    classifier,
                    CHECKSUM,
                    subset,
                    (1.0,),
                    search=search,
                    schedule_name=schedule,
                    schedule={"budget": steps},
                )
                for search, schedule, steps, _ in searches
                for classifier, subset, _ in chosen
            ],
            code_version="0",
            generator="mnist-conv",
            generator_checksum=CHECKSUM,
            seed=first_seed,
            trials=trials,
            created_by="test",
        )
        cells = conditions(database, experiment_id)
        for trial in range(trials):
            seed = first_seed + trial
            source = SourceRow("mnist-conv", CHECKSUM, LABEL, seed, 1.0, {})
            source_id = add_source(database, home, source, source_picture(seed))
            add_results(
                database,
                [
                    _result(database, home, cell.id, position, size, trial, seed, source_id)
                    for position, (cell, size) in enumerate(zip(cells, typical, strict=True))
                ],
            )
    return experiment_id


def _result(
    database: Database,
    home: Home,
    condition_id: int,
    position: int,
    typical: float,
    trial: int,
    seed: int,
    source_id: str,
) -> ResultRow:
    draw = np.random.default_rng([seed, position]).normal()
    magnitude = float(typical * np.exp(0.45 * draw))
    skipped = trial % SKIPPED == SKIPPED - 1
    found = magnitude <= BUDGET and not skipped
    picture = perturbed_picture(seed, position)
    distances = pixel_distances(source_picture(seed), picture) if found else None
    return ResultRow(
        condition_id=condition_id,
        trial_index=trial,
        label=LABEL,
        target=TARGET,
        seed=seed,
        outcome="found" if found else "skipped" if skipped else "exhausted",
        steps=0 if skipped else 9,
        seconds=0.1,
        device="cpu",
        code_version="0",
        generator_checksum=CHECKSUM,
        classifier_checksum=CHECKSUM,
        source_id=source_id,
        magnitude=magnitude if found else None,
        bound=None if skipped else min(magnitude, BUDGET),
        magnitudes=tuple(magnitude * share for share in BY_POINT) if found else None,
        stimulus=add_stimulus(database, home, picture) if found else None,
        pixel_l2=distances and distances.l2,
        pixel_linf=distances and distances.linf,
        ssim=distances and distances.ssim,
    )


def skip_under_one_condition(root: Path, experiment_id: str, trial: int) -> None:
    """The last condition's classifier was wrong on this source: the common set is without it."""
    with closing(open_database(Home(root), durable=True)) as database:
        database.execute(
            "UPDATE results SET outcome = 'skipped', magnitude = NULL, bound = NULL"
            " WHERE trial_index = ? AND condition_id ="
            " (SELECT max(id) FROM conditions WHERE experiment_id = ?)",
            [trial, experiment_id],
        )


def add_synthetic_transfers(root: Path, experiment_id: str) -> None:
    """Each found picture is said to fool the other classifier, too, where its trial is even."""
    with closing(open_database(Home(root))) as database:
        found = database.execute(
            "SELECT results.id, classifier, trial_index FROM results"
            " JOIN conditions ON conditions.id = condition_id"
            " WHERE experiment_id = ? AND outcome = 'found'",
            [experiment_id],
        ).fetchall()
        names = {name for name, _, _ in CONDITIONS}
        add_transfers(
            database,
            [
                TransferRow(result_id, other, CHECKSUM, LABEL, LABEL if trial % 2 else TARGET)
                for result_id, classifier, trial in found
                for other in sorted(names - {classifier})
            ],
        )


def add_synthetic_strengths(
    root: Path, experiment_id: str, strengths: Sequence[float] = (0.4, 0.9, 1.4)
) -> None:
    """Items at these strengths of every found trial, in its study; judged, with half "yes" at 4."""
    home = Home(root)
    with closing(open_database(home, durable=True)) as database:
        [study_id] = [
            one.id for one in studies.studies(database) if experiment_id in one.experiment_ids
        ]
        found = database.execute(
            "SELECT position, trial_index, results.seed, magnitude, sources.stimulus FROM results"
            " JOIN conditions ON conditions.id = condition_id"
            " JOIN sources ON sources.id = source_id"
            " WHERE experiment_id = ? AND outcome = 'found'",
            [experiment_id],
        ).fetchall()
        shown, text = [], label_text("mnist-conv", LABEL)
        for position, trial, seed, magnitude, source in found:
            for place, strength in enumerate(strengths):
                picture = perturbed_picture(seed, 100 + 10 * position + place)
                details = {"experiment": experiment_id, "condition": position, "trial": trial}
                details |= {"strength": strength, "magnitude": strength * magnitude, "answer": 8}
                stimulus = add_stimulus(database, home, picture)
                shown.append(
                    studies.ItemRow(
                        source_stimulus=source,
                        perturbed_stimulus=stimulus,
                        label=LABEL,
                        phrase=text.phrase,
                        search_term=text.search_term,
                        kind="strength",
                        details=details,
                    )
                )
        studies.add_items(database, study_id, shown)
        people = [one.id for one in labellers(database, study_id)]
        for item in studies.items(database, study_id):
            if item.kind == "strength":
                draw = np.random.default_rng([item.id, 7]).uniform()
                agrees = draw < 1 / (1 + np.exp(item.details["magnitude"] - 4))
                answer = Answer.LABEL if agrees else Answer.SOMETHING_ELSE
                for person in people:
                    add_judgement(
                        database,
                        labeller_id=person,
                        item_id=item.id,
                        side="perturbed",
                        answer=answer.value,
                    )


def add_synthetic_judgements(root: Path, experiment_id: str, share: float = 1.0) -> None:
    """Two synthetic labellers judge this share of the items; the home is marked as synthetic.

    They agree with 19 of 20 sources, and the less with a perturbed picture the larger its
    magnitude: with half of them at 6. Both say the same, so that no tie hides a judgement.
    """
    (root / MARKER).touch()
    with closing(open_database(Home(root), durable=True)) as database:
        study_id = create_study(
            database, [experiment_id], "Synthetic study", label_text=label_text, created_by="test"
        )
        for name in ("synthetic-a", "synthetic-b"):
            labeller = labeller_of(database, invite(database, study_id, name))
            _judge(database, study_id, labeller.id, share)


def _judge(database: Database, study_id: str, labeller_id: int, share: float) -> None:
    magnitudes = dict(
        database.execute("SELECT stimulus, magnitude FROM results WHERE stimulus IS NOT NULL")
    )
    add = partial(add_judgement, database, labeller_id=labeller_id)
    for item in studies.items(database, study_id):
        draws = np.random.default_rng(int(item.source_stimulus[:8], 16))
        source = Answer.LABEL if draws.uniform() < 0.95 else Answer.UNCLEAR
        perturbed = item.perturbed_stimulus
        if np.random.default_rng([item.id, 3]).uniform() >= share:
            continue
        add(item_id=item.id, side="source", answer=source.value)
        if source is Answer.LABEL and perturbed is not None:
            agrees = draws.uniform() < 1 / (1 + np.exp(magnitudes[perturbed] - 6))
            answer = Answer.LABEL if agrees else Answer.SOMETHING_ELSE
            add(item_id=item.id, side="perturbed", answer=answer.value)
