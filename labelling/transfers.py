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
    table = pd.DataFrame(rows.transfers(database, experiment_id), columns=columns)
    # A few names, a hundred thousand times: categories are grouped at no cost.
    return table.astype({"tested": "category"})


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
    row = _row_of(found, asked)
    answers, row = asked[row >= 0], row[row >= 0]
    label, target = found["label"].to_numpy()[row], found["target"].to_numpy(float)[row]
    answer = answers["answer"].to_numpy()
    wrong = answer != label
    hit = np.where(np.isnan(target), wrong, answer == target) if success == "target" else wrong
    right = answers["source_answer"].to_numpy() == label
    groups = found.groupby(["subset", "classifier"], sort=False, observed=True)
    tested = sorted({*asked["tested"].unique(), *found["classifier"].astype(str).unique()})
    number = pd.Categorical(answers["tested"], categories=tested).codes
    cell = groups.ngroup().to_numpy()[row] * len(tested) + number
    shape = (groups.ngroups, len(tested))
    totals, rights, hits = (
        np.bincount(cell[among], minlength=shape[0] * shape[1]).reshape(shape)
        for among in (slice(None), right, hit & right)
    )
    parts = []
    for group, ((subset, classifier), size) in enumerate(groups.size().items()):
        for place, other in enumerate(tested):
            itself = other == classifier
            parts.append(
                {
                    "subset": subset,
                    "found_for": classifier,
                    "tested_on": other,
                    "n": size if itself else int(rights[group, place]),
                    "fooled": size if itself else int(hits[group, place]),
                    "unasked": 0 if itself else size - int(totals[group, place]),
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


def _row_of(found: pd.DataFrame, asked: pd.DataFrame) -> np.ndarray:
    """Which row of `found` each answer is about; -1 where its trial is not there."""
    conditions, trials = (
        [frame[name].to_numpy(np.int64) for frame in (found, asked)]
        for name in ("condition_id", "trial_index")
    )
    if not len(found):
        return np.full(len(asked), -1)
    most = max(int(of.max(initial=0)) for of in trials) + 1
    known, keys = (
        condition * most + trial for condition, trial in zip(conditions, trials, strict=True)
    )
    order = np.argsort(known)
    place = np.minimum(np.searchsorted(known, keys, sorter=order), len(known) - 1)
    row = order[place]
    return np.where(known[row] == keys, row, -1)


def kept(trials: pd.DataFrame, counted: Counted) -> pd.DataFrame:
    """The trials that are counted: all, or those whose pictures people say show the label."""
    sides: Sequence[str] = {"all": [], "source": _JUDGED[:1], "both": _JUDGED}[counted]
    for side in sides:
        trials = trials[(trials[side] == "agree").to_numpy()]
    return trials
