"""Which pictures a study shows at which strength: drawn by chance, whatever their trial.

Trials that need a large magnitude are different trials, so that their own magnitudes would tell
people's limit and the kind of trial at once.
"""

from __future__ import annotations

import random

from sqlite_utils import Database

from data.studies import study
from labelling.options import StudyError, StudyOptions

#: A strength is drawn evenly from here to there, times the found perturbation.
WEAKEST, STRONGEST = 0.25, 1.5


def chosen_strengths(database: Database, study_id: str) -> dict[str, list[tuple[int, float]]]:
    """Experiment → (result id, strength): as many found results as the study wants, by chance.

    Drawn from the study's own seed by `random()` alone, which Python promises never to change.
    Raises StudyError where there is no such study.
    """
    asked = study(database, study_id)
    if asked is None:
        raise StudyError(f"There is no study {study_id}.")
    draws = random.Random(f"strengths {asked.options.get('controls_seed', study_id)}")
    drawn = []
    for experiment_id in sorted(asked.experiment_ids):
        for (result_id,) in database.execute(_FOUND, [experiment_id]).fetchall():
            place, share = draws.random(), draws.random()
            strength = WEAKEST + (STRONGEST - WEAKEST) * share
            drawn.append((place, experiment_id, result_id, strength))
    chosen: dict[str, list[tuple[int, float]]] = {}
    wanted = StudyOptions.of(asked.options).strength_items
    for _, experiment_id, result_id, strength in sorted(drawn)[:wanted]:
        chosen.setdefault(experiment_id, []).append((result_id, strength))
    return chosen


_FOUND = """
SELECT results.id FROM results JOIN conditions ON conditions.id = results.condition_id
WHERE experiment_id = ? AND role = 'search' AND outcome = 'found'
ORDER BY conditions.position, trial_index
"""
