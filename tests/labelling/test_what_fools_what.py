"""Transfer, labels and layers: tables of known content give known numbers."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from labelling.label_targets import EVERY, label_targets, most_met
from labelling.layer_shares import layer_shares
from labelling.transfers import transfer_matrix

JUDGED = {"source_judgement": "agree", "perturbed_judgement": "agree"}


def trials(count: int = 8, **changes: object) -> pd.DataFrame:
    """Found trials of one condition: from label 0 to target 1, magnitudes 1, 2, 3 …"""
    table = pd.DataFrame(
        {
            "condition_id": 1,
            "classifier": pd.Categorical(["one"] * count),
            "subset": pd.Categorical(["first"] * count),
            "trial_index": np.arange(count),
            "source_id": [f"s{number}" for number in range(count)],
            "label": 0,
            "target": 1.0,
            "outcome": "found",
            "magnitude": np.arange(1.0, count + 1),
            **JUDGED,
        }
    )
    return table.assign(**changes)


def asked(answers: list[tuple[int, int]], tested: str = "other") -> pd.DataFrame:
    """What another classifier says of (source, perturbed), trial by trial."""
    return pd.DataFrame(
        {
            "condition_id": 1,
            "trial_index": np.arange(len(answers)),
            "tested": tested,
            "source_answer": [source for source, _ in answers],
            "answer": [perturbed for _, perturbed in answers],
        }
    )


#: Of eight: three say the target, one something else, two the label; two were wrong before.
ANSWERS = [(0, 1), (0, 1), (0, 1), (0, 2), (0, 0), (0, 0), (1, 1), (2, 2)]


@pytest.mark.parametrize(("success", "fooled"), [("target", 3), ("any", 4)])
def test_transfer_counts_where_the_other_classifier_was_right_before(success, fooled) -> None:
    matrix = transfer_matrix(trials(), asked(ANSWERS), success).set_index("tested_on")
    cell = matrix.loc["other"]
    assert (cell["n"], cell["fooled"], cell["unasked"]) == (6, fooled, 0)
    assert cell["share"] == pytest.approx(fooled / 6) and cell["low"] < cell["share"] < cell["high"]
    itself = matrix.loc["one"]
    assert (itself["n"], itself["share"], itself["by_construction"]) == (8, 1.0, True)
    assert np.isnan(itself["low"])


def test_untargeted_transfer_is_any_wrong_answer() -> None:
    matrix = transfer_matrix(trials(target=np.nan), asked(ANSWERS)).set_index("tested_on")
    assert matrix.loc["other", "fooled"] == 4


def test_what_was_not_asked_yet_is_counted_apart() -> None:
    matrix = transfer_matrix(trials(), asked(ANSWERS[:5])).set_index("tested_on")
    assert (matrix.loc["other", "n"], matrix.loc["other", "unasked"]) == (5, 3)
    nothing = transfer_matrix(trials(), asked([])).set_index("tested_on")
    assert nothing.index.tolist() == ["one"]


def test_the_judging_rule_decides_what_counts() -> None:
    said = ["agree"] * 3 + ["disagree"] * 5
    table = trials(perturbed_judgement=said)
    matrix = transfer_matrix(table, asked(ANSWERS), counted="both").set_index("tested_on")
    assert (matrix.loc["other", "n"], matrix.loc["other", "share"]) == (3, 1.0)
    assert transfer_matrix(trials(source_judgement="missing"), asked([]), counted="source").empty


def test_the_matrix_of_two_linear_classifiers_is_the_one_of_geometry() -> None:
    """Points x of the plane in every direction, x₁ < 0: w = (1, 0) says no, and so is right.

    The smallest push that fools w leaves x₂ alone and moves x₁ to 0. v, at angle θ to w, is right
    before on the angles from ½π + θ to 1½π, a share 1 − θ/π of them all; and is fooled after where
    x₂ > 0, which of these are the angles up to π: a share ½ − θ/π.
    """
    draws = np.random.default_rng(0)
    theta, n = np.pi / 3, 40_000
    x = draws.normal(size=(n, 2))
    x[:, 0] = -np.abs(x[:, 0])
    pushed = np.stack([np.full(n, 1e-9), x[:, 1]], axis=1)
    v = np.array([np.cos(theta), np.sin(theta)])
    before, after = (points @ v > 0 for points in (x, pushed))
    answers = list(zip(before.astype(int).tolist(), after.astype(int).tolist(), strict=True))
    matrix = transfer_matrix(trials(n), asked(answers)).set_index("tested_on")
    right, fooled = 1 - theta / np.pi, 0.5 - theta / np.pi
    cell = matrix.loc["other"]
    assert cell["n"] / n == pytest.approx(right, abs=0.01)
    assert cell["share"] == pytest.approx(fooled / right, abs=0.01)
    assert cell["low"] < cell["share"] < cell["high"]


def test_medians_by_label_and_target_count_the_exhausted_above_all() -> None:
    table = trials(
        6,
        label=[0, 0, 0, 0, 2, 2],
        target=[1.0, 1.0, 1.0, 1.0, 1.0, 3.0],
        outcome=["found", "found", "exhausted", "exhausted", "found", "skipped"],
    )
    cells = label_targets(table).set_index(["label", "target"])
    assert cells.loc[(0, 1), ["n", "fooled"]].tolist() == [4, 2]
    assert cells.loc[(0, 1), "median"] == 2.0  # the second of four, two of them above all
    assert np.isnan(cells.loc[(2, 1), "median"])  # one trial
    assert (2, 3) not in cells.index  # skipped: the classifier was wrong
    assert cells.loc[(EVERY, EVERY), "n"] == 5
    assert most_met(cells.reset_index(), "label") == [0, 2]


def test_where_more_than_half_were_never_fooled_no_median_is_reached() -> None:
    cells = label_targets(trials(3, outcome=["found", "exhausted", "exhausted"]))
    assert np.isinf(cells["median"]).all()


def test_layers_squares_add_up_and_bars_are_means() -> None:
    values = pd.DataFrame([[3.0, 4.0, 0.0]] * 4 + [[4.0, 3.0, 0.0]] * 4)
    shares = layer_shares(trials(), {1: values}).set_index("point")
    assert shares.index.tolist() == [0, 1]  # the third point is not perturbed
    assert shares["magnitude"].tolist() == [3.5, 3.5]
    assert shares["share"].to_numpy() == pytest.approx([0.5, 0.5])
    assert ((shares["low"] < 3.5) & (shares["high"] > 3.5)).all()
    few = layer_shares(trials(2), {1: values})
    assert few["low"].isna().all() and (few["n"] == 2).all()


def test_no_found_trial_gives_empty_tables() -> None:
    nothing = trials(outcome="exhausted")
    assert layer_shares(nothing, {}).empty and transfer_matrix(nothing, asked([])).empty
