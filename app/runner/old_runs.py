"""Live files of searches that nobody saved: the oldest ones go."""

from __future__ import annotations

import logging
import shutil

from sqlite_utils import Database

from data.home import Home

log = logging.getLogger(__name__)

#: Runs whose course, filmstrip and strength sweep are kept; saved ones are kept in any case.
KEPT_RUNS = 1000


def drop_old_runs(home: Home, database: Database, keep: int = KEPT_RUNS) -> int:
    """Drop all but the newest `keep` runs' live files; how many went.

    Results and pictures stay, and a search that is begun again takes the same course.
    """
    saved = {
        job_id
        for (job_id,) in database.execute(
            "SELECT jobs.id FROM jobs JOIN experiments ON experiments.id = jobs.experiment_id"
            " WHERE experiments.saved_at IS NOT NULL OR jobs.state IN ('queued', 'running')"
        )
    }
    runs = [folder for folder in home.runs.iterdir() if folder.name not in saved]
    runs.sort(key=lambda folder: folder.stat().st_mtime_ns, reverse=True)
    for folder in runs[keep:]:
        shutil.rmtree(folder)
    if runs[keep:]:
        log.info("Dropped the live files of %d old runs.", len(runs) - keep)
    return max(len(runs) - keep, 0)
