"""Where an experiment's trials went: from all of them to those that a curve counts."""

from __future__ import annotations

import pandas as pd

from labelling.curves import CONDITION
from labelling.entrants import entering

#: Each stage keeps a part of the one before; `lost` and `open` say where the others went.
STAGES = [
    "trials",
    "classifier agreed",
    "person agreed",
    "search succeeded",
    "person still agreed",
    "counted",
]
_WHY_LOST = {
    "trials": "",
    "classifier agreed": "the classifier was wrong on the source, or the trial failed",
    "person agreed": "people do not call the source by its label",
    "search succeeded": "never fooled within the budget",
    "person still agreed": "people no longer call the picture by its label",
    "counted": "fooled beyond M_max",
}


def funnel(table: pd.DataFrame, limit: float | None = None) -> pd.DataFrame:
    """How many trials of each condition reach each stage.

    One row a condition and stage: the columns of CONDITION; `stage` (of STAGES); `trials` that
    reach it; `lost` on the way from the stage before, and `why`; `unjudged`: those that did not
    reach it only because a judgement is missing. trials + lost + unjudged is the stage before.
    `limit` (M_max) is the largest magnitude that counts; None means any. In the untargeted mode a
    classifier that is wrong on the source is fooled at magnitude 0, and goes on.
    """
    frame = table.assign(_enters=entering(table))
    rows = []
    for key, group in frame.groupby(CONDITION, sort=False):
        condition = dict(zip(CONDITION, key, strict=True))
        rows += [{**condition, **stage} for stage in _stages(group, limit)]
    return pd.DataFrame(rows, columns=[*CONDITION, "stage", "trials", "lost", "unjudged", "why"])


def _stages(group: pd.DataFrame, limit: float | None) -> list[dict[str, object]]:
    at_once = group["outcome"] == "skipped"
    # Fooled by the source itself: the judgement of the source is that of the fooling picture.
    still = group["perturbed_judgement"].mask(at_once, group["source_judgement"])
    magnitude = group["magnitude"].astype(float).mask(at_once, 0.0)
    fooled = group["outcome"].isin(["found", "skipped"])
    steps = [
        (group["_enters"], None),
        (group["source_judgement"] == "agree", group["source_judgement"] == "missing"),
        (fooled, None),
        (still == "agree", still == "missing"),
        (pd.Series(True, group.index) if limit is None else magnitude <= limit, None),
    ]
    before = pd.Series(True, group.index)
    rows: list[dict[str, object]] = [_row(STAGES[0], len(group), 0, 0)]
    for stage, (reaches, waits) in zip(STAGES[1:], steps, strict=True):
        now = before & reaches
        unjudged = int((before & waits).sum()) if waits is not None else 0
        lost = int(before.sum() - now.sum()) - unjudged
        rows.append(_row(stage, int(now.sum()), lost, unjudged))
        before = now
    return rows


def _row(stage: str, trials: int, lost: int, unjudged: int) -> dict[str, object]:
    return {
        "stage": stage,
        "trials": trials,
        "lost": lost,
        "unjudged": unjudged,
        "why": _WHY_LOST[stage],
    }
