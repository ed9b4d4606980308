"""Which labels are turned into which: how much it takes, label by label and target by target."""

from __future__ import annotations

import numpy as np
import pandas as pd

from labelling.entrants import entering
from labelling.transfers import Counted, kept

#: A cell of fewer trials has no colour: its median would be made of chance.
FEWEST_TRIALS = 3
#: So many labels are shown, those with the most trials.
MOST_LABELS = 25
EVERY = -1


def label_targets(trials: pd.DataFrame, counted: Counted = "all") -> pd.DataFrame:
    """A row (label, target): `n` trials that enter, `fooled` of them, the `median` magnitude.

    `counted`: "all", "source" (people say the source shows its label), or "both" (and the picture
    that fools, too: a found trial that people do not agree with is left out; an exhausted one has
    no picture). The median is of the magnitude at which a trial is fooled, one that never was being
    above all; ∞ where fewer than half were, NaN for fewer than `FEWEST_TRIALS`. `EVERY` stands for
    all targets of a label, all labels of a target, and both.
    """
    enters = trials[entering(trials).to_numpy() & trials["target"].notna().to_numpy()]
    enters = kept(enters, "all" if counted == "all" else "source")
    found = (enters["outcome"] == "found").to_numpy()
    if counted == "both":
        keep = ~found | (enters["perturbed_judgement"] == "agree").to_numpy()
        enters, found = enters[keep], found[keep]
    table = pd.DataFrame(
        {
            "label": enters["label"].to_numpy(np.int64),
            "target": enters["target"].to_numpy(float).astype(np.int64),
            "found": found,
            "magnitude": np.where(found, enters["magnitude"].to_numpy(float), np.inf),
        }
    )
    parts = [
        table,
        table.assign(target=EVERY),
        table.assign(label=EVERY),
        table.assign(label=EVERY, target=EVERY),
    ]
    grouped = pd.concat(parts).groupby(["label", "target"])
    cells = pd.DataFrame(
        {
            "n": grouped.size(),
            "fooled": grouped["found"].sum(),
            "median": grouped["magnitude"].quantile(0.5, interpolation="lower"),
        }
    ).reset_index()
    cells["median"] = cells["median"].where(cells["n"] >= FEWEST_TRIALS)
    return cells


def most_met(cells: pd.DataFrame, side: str, most: int = MOST_LABELS) -> list[int]:
    """The labels ("label" or "target") with the most trials, at most so many, in their order."""
    other = "target" if side == "label" else "label"
    margin = cells[(cells[other] == EVERY) & (cells[side] != EVERY)]
    chosen = margin.sort_values("n", ascending=False, kind="stable").head(most)
    return sorted(chosen[side].tolist())
