"""Deleting an experiment that nobody has judged, with what goes with it spelt out before."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from sqlite_utils import Database

from data.counted import counted
from data.database import immediate
from data.experiments import experiment
from data.stamps import timestamp


class RemovalError(RuntimeError):
    """An experiment cannot be deleted; the message is one sentence for the user."""


@dataclass(frozen=True)
class Removal:
    """What deleting an experiment would remove, or the `reason` why it cannot be deleted.

    `pictures` (of `bytes` together) are those that nothing else has; `studies` the names of those
    that ask about this experiment alone and to which nobody is invited.
    """

    results: int
    plans: int
    studies: tuple[str, ...]
    pictures: int
    bytes: int
    reason: str | None = None

    def in_words(self) -> str:
        """What would go, for the button that does it."""
        parts = [
            counted(self.results, "result"),
            f"{counted(self.pictures, 'picture')} that nothing else has ({_size(self.bytes)})",
        ]
        if self.plans:
            parts.append(counted(self.plans, "frozen analysis plan"))
        parts += [f"the study “{name}”, to which nobody is invited" for name in self.studies]
        return f"{', '.join(parts[:-1])} and {parts[-1]}"


def removal(database: Database, experiment_id: str) -> Removal:
    """What deleting it would remove; raises RemovalError for an experiment that is not there."""
    if experiment(database, experiment_id) is None:
        raise RemovalError(f"There is no experiment {experiment_id}.")
    ask = {"experiment": experiment_id}
    results, plans = database.execute(_COUNTS, ask).fetchone()
    pictures, size = database.execute(_PICTURES, ask).fetchone()
    studies = database.execute(_STUDIES, ask).fetchall()
    return Removal(
        results=results,
        plans=plans,
        studies=tuple(name for _, name, *_ in studies),
        pictures=pictures,
        bytes=size,
        reason=_reason(database, ask, studies),
    )


def delete_experiment(database: Database, experiment_id: str) -> Removal:
    """Delete it with its results, jobs, plans, and studies that nobody was invited to.

    Its pictures go at the next cleaning. Raises RemovalError where anybody has judged or may judge
    them, or while it is at work.
    """
    with immediate(database):
        what = removal(database, experiment_id)
        if what.reason:
            raise RemovalError(f"It cannot be deleted: {what.reason}. Archive it instead.")
        for study_id, *_ in database.execute(_STUDIES, {"experiment": experiment_id}).fetchall():
            database.execute("DELETE FROM studies WHERE id = ?", [study_id])
        database.execute("DELETE FROM experiments WHERE id = ?", [experiment_id])
    return what


def unsaved_searches(database: Database, days: float) -> list[str]:
    """Searches of Explore older than so many days, that nobody saved, judged, or studies."""
    before = timestamp(datetime.now(UTC) - timedelta(days=days))
    rows = database.execute(
        "SELECT id FROM experiments WHERE kind = 'exploration' AND saved_at IS NULL"
        " AND created_at < ?",
        [before],
    ).fetchall()
    return [one for (one,) in rows if _untouched(database, one)]


def _untouched(database: Database, experiment_id: str) -> bool:
    ask = {"experiment": experiment_id}
    studies = database.execute(_STUDIES, ask).fetchall()
    return not studies and _reason(database, ask, studies) is None


def _reason(
    database: Database, ask: dict[str, str], studies: Iterable[tuple[str, str, int, int]]
) -> str | None:
    """Why it cannot be deleted; None where it can."""
    (judged,) = database.execute(_JUDGED, ask).fetchone()
    if judged:
        were = "judgement of its pictures was" if judged == 1 else "judgements of its pictures were"
        return f"{judged} {were} made"
    for _, name, people, others in studies:
        if people:
            invited = "1 person is" if people == 1 else f"{people} people are"
            return f"{invited} invited to the study “{name}” about it"
        if others:
            return f"the study “{name}” asks about it and about other experiments"
    (working,) = database.execute(_WORKING, ask).fetchone()
    return "it is at work" if working else None


def _size(count: int) -> str:
    return f"{count / 1e3:.3g} kB" if count < 999_500 else f"{count / 1e6:,.4g} MB"


_COUNTS = """
SELECT (SELECT count(*) FROM results JOIN conditions ON conditions.id = results.condition_id
        WHERE experiment_id = :experiment),
    (SELECT count(*) FROM analysis_plans WHERE experiment_id = :experiment)
"""
#: (picture, label) of the results of an experiment, or of all others.
_SHOWN = """
    SELECT sources.stimulus AS stimulus, results.label AS label FROM results
    JOIN conditions ON conditions.id = results.condition_id
    JOIN sources ON sources.id = results.source_id WHERE experiment_id {of} :experiment
    UNION
    SELECT results.stimulus, results.label FROM results
    JOIN conditions ON conditions.id = results.condition_id
    WHERE experiment_id {of} :experiment AND results.stimulus IS NOT NULL
"""
_OWN, _OTHERS = _SHOWN.format(of="="), _SHOWN.format(of="<>")
#: A judgement of a source that another experiment shares loses nothing. The pictures come first
#: (CROSS JOIN keeps the order): judgements are found by picture and label.
_JUDGED = f"""
WITH own AS MATERIALIZED ({_OWN}), shared AS MATERIALIZED ({_OTHERS})
SELECT count(*) FROM (SELECT * FROM own EXCEPT SELECT * FROM shared) AS only
CROSS JOIN judgements
WHERE judgements.stimulus = only.stimulus AND judgements.label = only.label
"""
_STUDIES = """
SELECT studies.id, studies.name,
    (SELECT count(*) FROM labellers WHERE labellers.study_id = studies.id),
    (SELECT count(*) FROM study_experiments AS link WHERE link.study_id = studies.id
        AND link.experiment_id <> :experiment)
FROM studies JOIN study_experiments ON study_experiments.study_id = studies.id
WHERE study_experiments.experiment_id = :experiment ORDER BY studies.created_at
"""
_WORKING = """
SELECT count(*) FROM jobs
WHERE experiment_id = :experiment AND state IN ('queued', 'running')
"""
_PICTURES = f"""
WITH loose AS MATERIALIZED (
    SELECT stimulus FROM ({_OWN})
    EXCEPT SELECT stimulus FROM ({_OTHERS})
    EXCEPT SELECT source_stimulus FROM study_items WHERE study_id NOT IN ({{studies}})
    EXCEPT SELECT perturbed_stimulus FROM study_items WHERE study_id NOT IN ({{studies}})
)
SELECT count(*), coalesce(sum(bytes), 0) FROM loose CROSS JOIN stimuli
WHERE stimuli.sha256 = loose.stimulus
""".format(studies="SELECT study_id FROM study_experiments WHERE experiment_id = :experiment")
