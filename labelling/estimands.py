"""The four estimands of a magnitude–success curve, each with its name and one-line definition."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Estimand:
    """One way of counting. `definition` is the line that the page shows beside the name."""

    key: str
    name: str
    definition: str
    needs_source_judgements: bool = True
    needs_perturbed_judgements: bool = True


RAW = Estimand(
    "raw",
    "Raw",
    "Of the trials whose source the classifier got right, the share fooled by a perturbation of at "
    "most this magnitude. No judgement is used: some of these pictures may no longer show the "
    "label.",
    needs_source_judgements=False,
    needs_perturbed_judgements=False,
)
SOURCE_JUDGED = Estimand(
    "source-judged",
    "Source-judged",
    "Of the eligible trials (classifier right on the source, and people say that the source shows "
    "the label), the share fooled by at most this magnitude, whatever people say of the perturbed "
    "picture.",
    needs_perturbed_judgements=False,
)
FOOLED_WHILE_PEOPLE_AGREE = Estimand(
    "fooled-while-people-agree",
    "Fooled while people agree",
    "Of the eligible trials, the share fooled by at most this magnitude with a picture that people "
    "still call by its label: a cumulative incidence (Aalen–Johansen), in which being fooled with "
    "a picture that is no longer the label is a competing end, not a trial left out.",
)
AS_PUBLISHED = Estimand(
    "as-published",
    "As published",
    "The replication of Dunn et al. (2020): eligible trials whose perturbed picture is no longer "
    "called by its label are removed, from the denominator too, so the curve is conditional on "
    "what the search itself decided.",
)

#: In the order in which pages offer them.
ESTIMANDS: dict[str, Estimand] = {
    estimand.key: estimand
    for estimand in (FOOLED_WHILE_PEOPLE_AGREE, SOURCE_JUDGED, AS_PUBLISHED, RAW)
}
