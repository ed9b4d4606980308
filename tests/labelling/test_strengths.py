"""Where people stop agreeing, from synthetic answers to pictures at randomised strengths."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy.special import expit

from data import studies
from data.database import open_database
from data.home import home as home_at
from data.judgements import add_judgement
from data.labellers import labeller_of
from data.results import add_stimulus
from data.studies import ItemRow
from labelling.answers import Answer
from labelling.eligibility import JudgingRule
from labelling.strengths import (
    FEWEST_PICTURES,
    agreement_curves,
    agreement_fits,
    fitted,
    strength_count,
    strength_table,
)
from labelling.studies import create_study, invite
from tests.labelling.synthetic_study import add_experiment, at_once, label_text, perturbed_picture

INTERCEPT, SLOPE = 6.0, -1.2


def synthetic(n: int, condition: int = 0, seed: int = 0) -> pd.DataFrame:
    """Made-up judged pictures: whatever the trial needs, people follow one curve of magnitude."""
    draws = np.random.default_rng([seed, condition])
    found = np.exp(draws.normal(1.5, 0.5, n))
    strength = draws.uniform(0.25, 1.5, n)
    agrees = draws.uniform(size=n) < expit(INTERCEPT + SLOPE * strength * found)
    return pd.DataFrame(
        {
            "classifier": f"classifier-{condition}",
            "subset": "first",
            "condition_id": condition,
            "source_id": np.arange(n) // 2,
            "strength": strength,
            "magnitude": strength * found,
            "source_judgement": "agree",
            "perturbed_judgement": np.where(agrees, "agree", "disagree"),
        }
    )


def test_the_magnitude_at_which_half_agree_is_found_condition_by_condition() -> None:
    fits = agreement_fits(fitted(pd.concat([synthetic(800), synthetic(800, 1)])))
    assert fits["condition_id"].tolist() == [0, 1]
    assert (fits["half_low"] < -INTERCEPT / SLOPE).all()
    assert (fits["half_high"] > -INTERCEPT / SLOPE).all()
    assert fits["slope"].to_numpy() == pytest.approx(SLOPE, rel=0.25)
    assert fits["problem"].isna().all()


def test_a_source_that_people_reject_and_what_nobody_judged_do_not_enter() -> None:
    table = synthetic(200)
    rejected = synthetic(100, seed=1).assign(source_judgement="disagree")
    waiting = synthetic(30, seed=2).assign(perturbed_judgement="missing")
    [alone] = agreement_fits(fitted(table)).to_dict("records")
    [among] = agreement_fits(fitted(pd.concat([table, rejected, waiting]))).to_dict("records")
    assert among.pop("waiting") == 30 and alone.pop("waiting") == 0
    assert among == alone


@pytest.mark.parametrize(
    ("table", "problem"),
    [
        (synthetic(FEWEST_PICTURES - 1), "too few: 19 judged pictures of 10 sources"),
        (synthetic(60).assign(source_id=1), "too few: 60 judged pictures of 1 sources"),
        (
            synthetic(60).assign(perturbed_judgement="agree"),
            "people agreed with all 60 pictures",
        ),
        (
            synthetic(60).assign(perturbed_judgement="disagree"),
            "people agreed with none of 60 pictures",
        ),
    ],
    ids=["tiny", "one source", "all agree", "none agrees"],
)
def test_too_little_gives_no_curve_and_says_why(table: pd.DataFrame, problem: str) -> None:
    [fit] = agreement_fits(fitted(table)).to_dict("records")
    assert fit["problem"] == problem and np.isnan([fit["half"], fit["slope"]]).all()
    assert agreement_curves(fitted(table)).empty


def test_no_picture_at_all_gives_empty_tables() -> None:
    assert agreement_fits(fitted(synthetic(0))).empty
    assert agreement_curves(fitted(synthetic(0))).empty


def test_curves_fall_within_what_was_shown_and_lie_in_their_band() -> None:
    table = synthetic(300)
    curve = agreement_curves(fitted(table, "strength"))
    assert (curve["x"].min(), curve["x"].max()) == pytest.approx(
        (table["strength"].min(), table["strength"].max())
    )
    assert (np.diff(curve["share"]) < 0).all()
    assert ((curve["low"] <= curve["share"]) & (curve["share"] <= curve["high"])).all()


def test_the_table_has_the_items_of_the_experiment_judged_by_the_rule(tmp_path: Path) -> None:
    home = home_at(tmp_path / "home")
    durable = open_database(home, durable=True)
    experiment_id = add_experiment(durable, home, trials=3)
    study_id = create_study(
        durable,
        [experiment_id],
        "Synthetic",
        label_text=label_text,
        created_by="test",
        options=at_once(strength_items=3),
    )
    pair = studies.items(durable, study_id)[0]
    shown = add_stimulus(durable, home, perturbed_picture(0, 99))
    place = {"experiment": experiment_id, "condition": 0, "trial": 0}
    details = {**place, "strength": 0.5, "magnitude": 0.75, "answer": 8}
    item = ItemRow(
        source_stimulus=pair.source_stimulus,
        perturbed_stimulus=shown,
        label=pair.label,
        phrase="a three",
        search_term="three",
        kind="strength",
        details=details,
    )
    studies.add_items(durable, study_id, [item])
    assert strength_count(durable, experiment_id) == 1
    [row] = strength_table(durable, experiment_id, JudgingRule()).to_dict("records")
    assert (row["strength"], row["magnitude"], row["answer"]) == (0.5, 0.75, 8)
    assert (row["source_judgement"], row["perturbed_judgement"]) == ("missing", "missing")

    [stored] = [one for one in studies.items(durable, study_id) if one.kind == "strength"]
    for name, answer in (("a", Answer.UNCLEAR), ("b", Answer.UNCLEAR)):
        person = labeller_of(durable, invite(durable, study_id, name))
        for side, said in (("source", Answer.LABEL), ("perturbed", answer)):
            add_judgement(
                durable, labeller_id=person.id, item_id=stored.id, side=side, answer=int(said)
            )
    [row] = strength_table(durable, experiment_id, JudgingRule()).to_dict("records")
    assert (row["source_judgement"], row["perturbed_judgement"]) == ("agree", "disagree")
    lenient = JudgingRule(unclear="missing")
    [row] = strength_table(durable, experiment_id, lenient).to_dict("records")
    assert row["perturbed_judgement"] == "missing"
    durable.close()
