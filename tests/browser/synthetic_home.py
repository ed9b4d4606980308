"""A home folder with a synthetic experiment and, if wanted, synthetic judgements, marked as such.

For tests and pictures only: no search ran and no person judged anything here.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path

import numpy as np
from sqlite_utils import Database

from app.widgets.banner import MARKER
from data import studies
from data.database import open_database
from data.home import Home
from labelling.answers import Answer
from labelling.studies import create_study, invite
from tests.labelling.synthetic_study import add_experiment, label_text

#: Each condition's typical magnitude, in the order of add_experiment: the robust classifier's
#: last layers need more, its first layers do not.
TYPICAL = (2.4, 3.6, 2.6, 5.8)
BUDGET = 14.0


def _magnitude(trial: int, condition: int) -> float:
    """A lognormal draw around the condition's typical magnitude."""
    draw = np.random.default_rng([trial, condition, 2]).normal()
    return float(TYPICAL[condition] * np.exp(0.45 * draw))


def add_synthetic_experiment(root: Path, trials: int, name: str = "Synthetic experiment") -> str:
    """Four conditions with made-up magnitudes, exhausted at one common budget; its id."""
    home = Home(root)
    database = open_database(home, durable=True)
    experiment_id = add_experiment(
        database,
        home,
        trials=trials,
        name=name,
        found=lambda trial, condition: _magnitude(trial, condition) <= BUDGET,
        magnitude=lambda trial, condition: min(_magnitude(trial, condition), BUDGET),
    )
    database.close()
    return experiment_id


def add_synthetic_judgements(root: Path, experiment_id: str, share: float = 1.0) -> None:
    """Two synthetic labellers judge this share of the items; the home is marked as synthetic.

    People agree with 19 of 20 sources, and the less with a perturbed picture the larger its
    magnitude: half of them at 6.
    """
    (root / MARKER).touch()
    database = open_database(Home(root), durable=True)
    study_id = create_study(
        database, [experiment_id], "Synthetic study", label_text=label_text, created_by="test"
    )
    for name in ("synthetic-a", "synthetic-b"):
        labeller = studies.labeller_of(database, invite(database, study_id, name))
        _judge(database, study_id, labeller.id, share)
    database.close()


def _judge(database: Database, study_id: str, labeller_id: int, share: float) -> None:
    asked = studies.items(database, study_id)
    magnitudes = dict(
        database.execute("SELECT stimulus, magnitude FROM results WHERE stimulus IS NOT NULL")
    )
    add = partial(studies.add_judgement, database, labeller_id=labeller_id)
    chosen = np.random.default_rng(3).uniform(size=len(asked)) < share
    for item in (item for item, judged in zip(asked, chosen, strict=True) if judged):
        # Both labellers say the same, so that no tie hides a judgement.
        draws = np.random.default_rng(int(item.source_stimulus[:8], 16))
        source = Answer.LABEL if draws.uniform() < 0.95 else Answer.UNCLEAR
        add(item_id=item.id, side="source", answer=int(source))
        if source is Answer.LABEL and item.perturbed_stimulus is not None:
            agrees = draws.uniform() < 1 / (1 + np.exp(magnitudes[item.perturbed_stimulus] - 6))
            answer = Answer.LABEL if agrees else Answer.SOMETHING_ELSE
            add(item_id=item.id, side="perturbed", answer=int(answer))
