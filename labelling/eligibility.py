"""Which trials count: the results of experiments joined to what people judged of their pictures."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
import pandas as pd
from sqlite_utils import Database

from data.judgements import SIDES
from labelling.answers import Answer
from labelling.quality import excluded_labellers
from labelling.trials import stored_trials
from labelling.votes import Votes, votes

Quorum = Literal["majority", "unanimous", "any", "labeller"]
Unclear = Literal["disagree", "missing"]

ELIGIBILITY = (
    "A trial is eligible when the classifier gave the source its label and people say that the "
    "source shows it."
)
JUDGEMENTS = ("agree", "disagree", "missing")
_AGREE, _DISAGREE, _MISSING = range(3)
_IN_WORDS = {
    "majority": "the majority of the labellers who answered (a tie is no judgement)",
    "unanimous": "all labellers who answered",
    "any": "at least one labeller",
}


@dataclass(frozen=True)
class JudgingRule:
    """When people count as saying that a picture shows its label.

    `quorum` says how several labellers make one judgement; "labeller" is one person's word, the
    one called `labeller`. `unclear` says what option 3 counts as (options 2 and 4 are always no;
    the paper's rule is that only option 1 is yes). `studies` (ids) and `labellers` (names) limit
    whose judgements are read; empty means all. `exclusion` leaves out who breaks a rule that their
    study fixed before it began (`labelling.quality`).
    """

    quorum: Quorum = "majority"
    labeller: str | None = None
    unclear: Unclear = "disagree"
    studies: tuple[str, ...] = ()
    exclusion: bool = False
    labellers: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.quorum not in get_args(Quorum):
            raise ValueError(
                f"There is no judging rule {self.quorum!r}; choose from "
                f"{', '.join(get_args(Quorum))}."
            )
        if (self.quorum == "labeller") != (self.labeller is not None):
            raise ValueError(
                "Name a labeller together with the rule 'labeller', and with no other rule."
            )

    def in_words(self) -> str:
        """The rule as a phrase: "a picture shows its label when … say so"."""
        who = _IN_WORDS.get(self.quorum, self.labeller)
        unclear = "no" if self.unclear == "disagree" else "missing"
        words = [str(who), f"“unclear” counts as {unclear}"]
        if self.labellers and self.quorum != "labeller":
            words.append(f"of {_listed(self.labellers)} only")
        if self.studies:
            noun = "study" if len(self.studies) == 1 else "studies"
            words.append(f"in the {noun} {_listed(self.studies)} only")
        if self.exclusion:
            words.append("without those whom their study's rules exclude")
        return "; ".join(words)


def trial_table(
    database: Database, experiment_ids: list[str], rule: JudgingRule | None = None
) -> pd.DataFrame:
    """One row a stored result of a search, in the order of conditions and trials; no controls.

    Columns: experiment_id, condition_id, classifier, subset, search, schedule_name, trial_index,
    source_id, label, target (NaN: untargeted), outcome, magnitude (NaN unless found), bound, steps,
    source_judgement and perturbed_judgement, each "agree", "disagree" or "missing".

    A judgement is attached through (stimulus, label), so that of a source is shared by all trials
    that start from it. Repeated showings of a picture to one labeller do not count twice.
    """
    rule = rule or JudgingRule()
    trials = stored_trials(database, experiment_ids)
    table = judged_trials(trials, votes(database, trials), rule, counting(database, rule))
    return table.drop(columns=["source_stimulus", "perturbed_stimulus"])


def judged_trials(
    trials: pd.DataFrame, given: Votes, rule: JudgingRule, labellers: Sequence[int] | None = None
) -> pd.DataFrame:
    """A table of `labelling.trials` with what people's votes come to under the rule.

    `labellers` are the ids of those who count (`counting`); None means everybody.
    """
    no = {Answer.SOMETHING_ELSE, Answer.MEANINGLESS}
    if rule.unclear == "disagree":
        no.add(Answer.UNCLEAR)
    return trials.assign(
        **{
            f"{side}_judgement": pd.Categorical.from_codes(
                judged(
                    given.counts(side, [Answer.LABEL], labellers),
                    given.counts(side, sorted(no), labellers),
                    rule,
                ),
                JUDGEMENTS,
            )
            for side in SIDES
        }
    )


def counting(
    database: Database, rule: JudgingRule, excluded: Collection[int] | None = None
) -> list[int] | None:
    """The ids of the labellers whose judgements count under the rule; None: everybody's.

    `excluded`: what `excluded_labellers` says of all studies, where somebody has asked already.
    """
    names = (rule.labeller,) if rule.labeller is not None else rule.labellers
    if not names and not rule.studies and not rule.exclusion:
        return None
    if not rule.exclusion:
        excluded = ()
    elif excluded is None:
        excluded = excluded_labellers(database, rule.studies)
    rows = database.execute("SELECT id, name, study_id FROM labellers").fetchall()
    return [
        labeller_id
        for labeller_id, name, study_id in rows
        if (not names or name in names)
        and (not rule.studies or study_id in rule.studies)
        and labeller_id not in excluded
    ]


def judged(yes: np.ndarray, no: np.ndarray, rule: JudgingRule) -> np.ndarray:
    """What the labellers' votes on each picture come to: a place in JUDGEMENTS."""
    agrees = {"unanimous": no == 0, "any": yes > 0}.get(rule.quorum, yes > no)
    undecided = (yes + no == 0) | ((yes == no) & (rule.quorum == "majority"))
    return np.select([undecided, agrees], [_MISSING, _AGREE], _DISAGREE)


def finished_part(table: pd.DataFrame) -> pd.DataFrame:
    """The trials of each condition before the first one that has no result yet.

    Trials run side by side, and the easy ones end first: of an unfinished experiment the stored
    results alone would show the classifier as easier to fool than it is. The trials before the
    first gap were chosen by the progression.
    """
    ordered = table.sort_values(["condition_id", "trial_index"], kind="stable")
    place = ordered.groupby("condition_id").cumcount()
    return ordered[ordered["trial_index"].to_numpy() == place.to_numpy()].sort_index()


def _listed(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
