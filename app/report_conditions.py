"""The report's account of conditions: how trials ended, what the controls say, who judged."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import pandas as pd
from sqlite_utils import Database

from app import report_html as html
from app.control_rows import control_rows
from app.figures import figures
from data.experiments import Experiment, StoredCondition
from data.results import mean_distances, outcome_counts
from data.studies import Study, studies
from labelling.study_summary import study_summary
from labelling.votes import Numbers

#: So many reasons of failures are told, the most frequent first.
REASONS = 5


def outcomes(
    database: Database, experiment: Experiment, cells: Sequence[StoredCondition]
) -> Iterator[str]:
    """How the trials of every condition ended, controls too, with mean distances."""
    counts, means = (
        outcome_counts(database, experiment.id),
        mean_distances(database, experiment.id),
    )
    yield "<h2>How trials ended</h2>"
    rows = []
    for cell in cells:
        of, mean = counts.get(cell.id, {}), means.get(cell.id)
        role = "" if cell.role == "search" else f"{cell.role.replace('-', ' ')} {cell.repetition}"
        rows.append(
            {
                "Classifier": cell.classifier,
                "Layers": cell.subset,
                "Search": f"{cell.search}, {cell.schedule_name}",
                "Control": role,
                **{name: of.get(name, 0) for name in ("found", "exhausted", "skipped", "failed")},
                **(
                    {name: of.get(name, 0) for name in ("changed", "unchanged")}
                    if any(one.role != "search" for one in cells)
                    else {}
                ),
                "missing": experiment.trials - sum(of.values()),
                "mean ‖p‖": figures(mean and mean.magnitude),
                "pixel ℓ2": figures(mean and mean.pixel_l2),
                "pixel ℓ∞": figures(mean and mean.pixel_linf),
                "SSIM": figures(mean and mean.ssim),
            }
        )
    yield html.table(pd.DataFrame(rows))
    reasons = database.execute(
        "SELECT reason, count(*) FROM results JOIN conditions ON conditions.id = condition_id"
        " WHERE experiment_id = ? AND outcome = 'failed' GROUP BY reason ORDER BY 2 DESC LIMIT ?",
        [experiment.id, REASONS],
    ).fetchall()
    if reasons:
        yield html.listed([f"{count} failed: {reason}" for reason, count in reasons])


def controls(database: Database, experiment: Experiment) -> Iterator[str]:
    """What random directions change, and by how much repeated runs differ."""
    kinds = control_rows(database, experiment.id)
    if not kinds:
        return
    yield "<h2>Controls</h2>"
    for one in kinds:
        yield f"<h3>{one.title}</h3>"
        yield html.table(one.rows)
        yield html.small(one.caption)


def judging(database: Database, experiment: Experiment, codes: Numbers) -> Iterator[str]:
    """The studies over this experiment; `codes`: as `labelling.votes.judgement_codes` gave them."""
    over = [study for study in studies(database) if experiment.id in study.experiment_ids]
    if not over:
        return
    yield "<h2>Studies</h2>"
    yield html.table(pd.DataFrame([_study(database, study, codes) for study in over]))
    yield html.small(
        "Agreement between labellers is Krippendorff's α over the four options; gold, false labels"
        " and catch pairs are left out of it."
    )


def _study(database: Database, study: Study, codes: Numbers) -> dict[str, object]:
    summary = study_summary(database, study.id, codes)
    return {
        "Study": study.name,
        "People": summary.people,
        "Judgements": summary.judgements,
        "Agreement α": summary.alpha.in_words(),
        "Left out by its rules": summary.excluded,
    }
