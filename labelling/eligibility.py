"""Which trials count: the results of experiments joined to what people judged of their pictures."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
import pandas as pd
from sqlite_utils import Database

from labelling.answers import Answer
from labelling.quality import excluded_labellers

Quorum = Literal["majority", "unanimous", "any", "labeller"]
Unclear = Literal["disagree", "missing"]

ELIGIBILITY = (
    "A trial is eligible when the classifier gave the source its label and people say that the "
    "source shows it."
)
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
    the paper's rule is that only option 1 is yes). `studies` limits whose judgements are read;
    empty means all. `exclusion` leaves out who breaks a rule that their study fixed before it began
    (`labelling.quality`).
    """

    quorum: Quorum = "majority"
    labeller: str | None = None
    unclear: Unclear = "disagree"
    studies: tuple[str, ...] = ()
    exclusion: bool = False

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
        left_out = "; without those whom their study's rules exclude" if self.exclusion else ""
        return f"{who}; “unclear” counts as {unclear}{left_out}"


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
    named = {f"e{i}": experiment_id for i, experiment_id in enumerate(experiment_ids)}
    chosen = ", ".join(f":{name}" for name in named) or "NULL"
    table = pd.read_sql_query(_RESULTS.format(chosen=chosen), database.conn, params=named)
    answers = _answers(database, chosen, named, rule)
    for side in ("source", "perturbed"):
        votes = answers[answers["side"] == side].set_index(["stimulus", "label"])
        keys = pd.MultiIndex.from_frame(table[[f"{side}_stimulus", "label"]])
        table[f"{side}_judgement"] = judged(
            votes["yes"].reindex(keys, fill_value=0).to_numpy(),
            votes["no"].reindex(keys, fill_value=0).to_numpy(),
            rule,
        )
    return table.drop(columns=["source_stimulus", "perturbed_stimulus"]).astype(
        {"target": float, "magnitude": float, "bound": float}
    )


def judged(yes: np.ndarray, no: np.ndarray, rule: JudgingRule) -> np.ndarray:
    """What the labellers' votes on each picture come to: "agree", "disagree" or "missing"."""
    agrees = {"unanimous": no == 0, "any": yes > 0}.get(rule.quorum, yes > no)
    undecided = (yes + no == 0) | ((yes == no) & (rule.quorum == "majority"))
    return np.select([undecided, agrees], ["missing", "agree"], "disagree").astype(object)


def finished_part(table: pd.DataFrame) -> pd.DataFrame:
    """The trials of each condition before the first one that has no result yet.

    Trials run side by side, and the easy ones end first: of an unfinished experiment the stored
    results alone would show the classifier as easier to fool than it is. The trials before the
    first gap were chosen by the progression.
    """
    ordered = table.sort_values(["condition_id", "trial_index"], kind="stable")
    place = ordered.groupby("condition_id").cumcount()
    return ordered[ordered["trial_index"].to_numpy() == place.to_numpy()].sort_index()


_RESULTS = """
SELECT conditions.experiment_id, results.condition_id, conditions.classifier, conditions.subset,
    conditions.search, conditions.schedule_name, results.trial_index, results.source_id,
    results.label, results.target, results.outcome, results.magnitude, results.bound,
    results.steps, sources.stimulus AS source_stimulus, results.stimulus AS perturbed_stimulus
FROM results
JOIN conditions ON conditions.id = results.condition_id
LEFT JOIN sources ON sources.id = results.source_id
WHERE conditions.experiment_id IN ({chosen}) AND conditions.role = 'search'
ORDER BY conditions.experiment_id, conditions.position, results.trial_index
"""

# Votes are counted in SQL: a million judgements become one row a picture.
_ANSWERS = """
WITH pictures AS (
    SELECT DISTINCT 'source' AS side, sources.stimulus, results.label
    FROM results
    JOIN conditions ON conditions.id = results.condition_id
    JOIN sources ON sources.id = results.source_id
    WHERE conditions.experiment_id IN ({chosen})
    UNION
    SELECT DISTINCT 'perturbed', results.stimulus, results.label
    FROM results
    JOIN conditions ON conditions.id = results.condition_id
    WHERE conditions.experiment_id IN ({chosen}) AND results.stimulus IS NOT NULL
)
SELECT pictures.side, pictures.stimulus, pictures.label,
    sum(judgements.answer = :agrees) AS yes,
    sum(judgements.answer <> :agrees AND judgements.answer IS NOT :ignored) AS no
FROM pictures
JOIN standing_judgements AS judgements ON judgements.stimulus = pictures.stimulus
    AND judgements.label = pictures.label AND judgements.side = pictures.side
    AND judgements.repeat = 0
JOIN labellers ON labellers.id = judgements.labeller_id
WHERE (:labeller IS NULL OR labellers.name = :labeller)
    AND (:studies IS NULL OR labellers.study_id IN (SELECT value FROM json_each(:studies)))
    AND labellers.id NOT IN (SELECT value FROM json_each(:excluded))
GROUP BY pictures.side, pictures.stimulus, pictures.label
"""


def _answers(
    database: Database, chosen: str, named: dict[str, str], rule: JudgingRule
) -> pd.DataFrame:
    parameters = {
        **named,
        "agrees": Answer.LABEL.value,
        "ignored": Answer.UNCLEAR.value if rule.unclear == "missing" else None,
        "labeller": rule.labeller,
        "studies": json.dumps(rule.studies) if rule.studies else None,
        "excluded": json.dumps(
            excluded_labellers(database, rule.studies) if rule.exclusion else []
        ),
    }
    return pd.read_sql_query(_ANSWERS.format(chosen=chosen), database.conn, params=parameters)
