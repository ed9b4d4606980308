"""Trial tables with synthetic judgements, written by hand or drawn from a known truth."""

from __future__ import annotations

import numpy as np
import pandas as pd

STATES = {"y": "agree", "n": "disagree", "?": "missing"}


def trial_table(*rows: str, classifier: str = "synthetic-classifier", condition: int = 1):
    """One row a trial, from "outcome magnitude-or-bound source perturbed".

    For example "found 2.5 y n", "exhausted 9 y", "skipped 0 y" (targeted), "skipped! 0 y"
    (untargeted). Judgements: y agree, n disagree, ? missing. Each trial has its own source.
    """
    records = []
    for index, row in enumerate(rows):
        outcome, number, *judgements = row.split()
        source, perturbed = (*judgements, "?", "?")[:2]
        untargeted = outcome.endswith("!")
        outcome = outcome.removesuffix("!")
        records.append(
            {
                "experiment_id": "synthetic",
                "condition_id": condition,
                "classifier": classifier,
                "subset": "all",
                "search": "relaxation",
                "schedule_name": "imagenet",
                "trial_index": index,
                "source_id": f"source-{index}",
                "label": 7,
                "target": np.nan if untargeted else 3.0,
                "outcome": outcome,
                "magnitude": float(number) if outcome == "found" else np.nan,
                "bound": float(number) if outcome in ("found", "exhausted") else np.nan,
                "steps": 1,
                "source_judgement": STATES[source],
                "perturbed_judgement": STATES[perturbed],
            }
        )
    return pd.DataFrame(records, columns=list(COLUMNS))


COLUMNS = (
    "experiment_id",
    "condition_id",
    "classifier",
    "subset",
    "search",
    "schedule_name",
    "trial_index",
    "source_id",
    "label",
    "target",
    "outcome",
    "magnitude",
    "bound",
    "steps",
    "source_judgement",
    "perturbed_judgement",
)


def synthetic_table(
    magnitude: np.ndarray,
    *,
    budget: np.ndarray | float,
    source_agrees: np.ndarray | bool = True,
    perturbed_agrees: np.ndarray | bool = True,
    **names: object,
) -> pd.DataFrame:
    """Trials of known smallest fooling magnitude, searched up to their budget and all judged."""
    n = len(magnitude)
    found = magnitude <= budget
    say = {True: "agree", False: "disagree"}
    source = np.broadcast_to(source_agrees, n)
    perturbed = np.broadcast_to(perturbed_agrees, n)
    table = pd.concat([trial_table("exhausted 1 y")] * n, ignore_index=True)
    return table.assign(
        trial_index=np.arange(n),
        source_id=[f"source-{index}" for index in range(n)],
        outcome=np.where(found, "found", "exhausted"),
        magnitude=np.where(found, magnitude, np.nan),
        bound=np.where(found, magnitude, np.broadcast_to(budget, n)),
        source_judgement=[say[bool(answer)] for answer in source],
        perturbed_judgement=[
            say[bool(answer)] if asked else "missing"
            for answer, asked in zip(perturbed, found & source, strict=True)
        ],
        **names,
    )
