"""Transfer: how often what was found against one classifier works on another, too."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np
import pandas as pd
from sqlite_utils import Database

from data import transfers as rows
from labelling.intervals import wilson

Success = Literal["target", "any"]
#: Which trials are counted: all, or by what people say of the source, or of both pictures.
Counted = Literal["all", "source", "both"]

_JUDGED = ["source_judgement", "perturbed_judgement"]


def transfer_table(database: Database, experiment_id: str) -> pd.DataFrame:
    """One row a found result and other classifier that was asked about its two pictures.

    Columns: condition_id, trial_index, tested (the other classifier), source_answer and answer,
    its labels for the unperturbed and for the perturbed picture.
    """
    columns = ["condition_id", "trial_index", "tested", "source_answer", "answer"]
    return pd.DataFrame(rows.transfers(database, experiment_id), columns=columns)


def transfer_matrix(
    trials: pd.DataFrame, asked: pd.DataFrame, success: Success = "target", counted: Counted = "all"
) -> pd.DataFrame:
    """A row (subset, found_for, tested_on): of how many trials `n` how many `fooled`, and `share`.

    `trials`: a trial table with judgements; `asked`: rows of `transfer_table`. A trial is counted
    where the tested classifier gives the source its label: what it gets wrong anyway is nobody's
    transfer. It counts as fooled when the tested classifier says the target ("target"; any other
    label in the untargeted mode) or anything but the label ("any"). `low`, `high`: Wilson's 95 %
    interval, each source being in a cell once. Where both are the same the search itself has
    decided: the share is 1, by construction. `unasked`: found trials not tested on it yet.
    """
    found = kept(trials[(trials["outcome"] == "found").to_numpy()], counted)
    key = ["condition_id", "trial_index"]
    joined = found[[*key, "classifier", "subset", "label", "target"]].merge(asked, on=key)
    label, answer = joined["label"].to_numpy(), joined["answer"].to_numpy()
    wrong = answer != label
    target = joined["target"].to_numpy(float)
    hit = np.where(np.isnan(target), wrong, answer == target) if success == "target" else wrong
    right = joined["source_answer"].to_numpy() == label
    cell = ["subset", "classifier", "tested"]
    grouped = joined.assign(hit=hit & right, right=right).groupby(cell, sort=False, observed=True)
    sums = grouped[["hit", "right"]].sum()
    totals = grouped.size()
    parts = []
    tested = sorted({*asked["tested"], *found["classifier"].astype(str)})
    for (subset, classifier), of in found.groupby(
        ["subset", "classifier"], sort=False, observed=True
    ):
        for other in tested:
            itself = other == classifier
            place = (subset, classifier, other)
            known = place in sums.index
            parts.append(
                {
                    "subset": subset,
                    "found_for": classifier,
                    "tested_on": other,
                    "n": len(of) if itself else int(sums.loc[place, "right"]) if known else 0,
                    "fooled": len(of) if itself else int(sums.loc[place, "hit"]) if known else 0,
                    "unasked": 0 if itself else len(of) - (int(totals[place]) if known else 0),
                    "by_construction": itself,
                }
            )
    columns = ["subset", "found_for", "tested_on", "n", "fooled", "unasked", "by_construction"]
    matrix = pd.DataFrame(parts, columns=columns)
    n, fooled = matrix["n"].to_numpy(float), matrix["fooled"].to_numpy(float)
    share = np.divide(fooled, n, out=np.full(len(n), np.nan), where=n > 0)
    low, high = wilson(np.nan_to_num(share), n)
    certain = matrix["by_construction"].to_numpy(bool) | (n == 0)
    return matrix.assign(
        share=share, low=np.where(certain, np.nan, low), high=np.where(certain, np.nan, high)
    )


def kept(trials: pd.DataFrame, counted: Counted) -> pd.DataFrame:
    """The trials that are counted: all, or those whose pictures people say show the label."""
    sides: Sequence[str] = {"all": [], "source": _JUDGED[:1], "both": _JUDGED}[counted]
    for side in sides:
        trials = trials[(trials[side] == "agree").to_numpy()]
    return trials
