"""What is said of what fools what, on the page and in the report."""

from __future__ import annotations

from math import isinf

import pandas as pd

from app.figures import figures
from app.results_files import interval
from data.counted import counted
from labelling.label_targets import FEWEST_TRIALS
from labelling.layer_shares import MOST_TRIALS
from labelling.transfers import Counted

#: When another classifier counts as fooled, too.
SUCCESS = {"target": "says the target", "any": "says anything but the label"}

TRANSFER = (
    "This shows, of the found pictures whose source the tested classifier calls by its label,"
    " the share with which it is fooled as well; hover for Wilson's 95 % interval. The search"
    " knew nothing of the tested classifier: it does not show how easily a search against it"
    " would succeed. Larger perturbations transfer more easily, so rows of different magnitudes"
    " are no comparison of classifiers."
)
AGREEMENT = (
    "This shows the share of pictures that people still call by their label, among those whose"
    " source they do: lines and bands, a logistic fit with its pointwise 95 % bootstrap band"
    " over sources; points, the answers in groups of one size with Wilson's interval, to see"
    " whether the fit fits. Strengths are drawn from 0.25 to 1.5 whatever the trial. It does"
    " not show what people say of other kinds of change, nor of a perturbation of the same"
    " magnitude found by another search."
)


def labels_caption(cells: pd.DataFrame, shown: int, *, pooled: bool) -> str:
    """What a map of labels and targets shows, of which so many labels are `shown`.

    `pooled`: over several classifiers or layer subsets.
    """
    twice = " A trial counts once for each condition pooled." if pooled else ""
    everything = cells["label"].nunique() - 1 <= shown
    part = "" if everything else f" The {shown} labels with the most trials are shown."
    return (
        "This shows the median of the magnitude at which a trial is fooled, over all trials that"
        " the classifier got right (∞: more than half were never fooled; n: fewer than"
        f" {FEWEST_TRIALS} trials, which no median is made of).{twice}{part} It does not show how"
        " sure a median is: a cell rests on few trials."
    )


def layers_caption(most_found: int) -> str:
    """What the bars by layer show; `most_found`: trials found under one condition at most."""
    part = (
        f" Of more than {MOST_TRIALS} trials the first are read."
        if most_found > MOST_TRIALS
        else ""
    )
    return (
        "This shows how large the found perturbations are at each perturbed point, in units of its"
        " own σ; squares add up to ‖p‖². Bars: mean over found trials, with 95 % bootstrap interval"
        f" over sources.{part} It does not show which point is needed: a large share need not be"
        " what fools (Explore leaves one point out at a time). Exhausted trials are left out."
    )


def counted_in_words(counted: Counted) -> str:
    """For a title."""
    return {
        "all": "",
        "source": ", people recognise the source",
        "both": ", people recognise both pictures",
    }[counted]


def half_in_words(row: object, against: str) -> str:
    """One condition's answer to the question, in a sentence."""
    who = f"{row.classifier}, layers {row.subset}"
    waiting = f" {row.waiting} wait for a judgement." if row.waiting else ""
    if isinstance(row.problem, str):
        return f"{who}: no curve, {row.problem}.{waiting}"
    of = f"{counted(row.pictures, 'picture')} of {counted(row.sources, 'source')}"
    unit = "magnitude" if against == "magnitude" else "strength"
    if isinf(row.half):
        return f"{who}: people agree no less as the {unit} grows ({of}).{waiting}"
    said = interval(row.half, row.half_low, row.half_high)
    beyond = ""
    if not row.smallest <= row.half <= row.largest:
        shown = f"{figures(row.smallest)} to {figures(row.largest)}"
        beyond = f" That is the curve drawn on: only {shown} was shown."
    return f"{who}: half agree at {unit} {said} ({of}).{beyond}{waiting}"
