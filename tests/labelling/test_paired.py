"""Paired comparisons against tables by hand, scipy's own tests, and a known truth."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy.stats import binomtest, wilcoxon
from statsmodels.stats.multitest import multipletests

from benchmarks.paired_coverage import coverage, drawn
from labelling.estimands import (
    AS_PUBLISHED,
    ESTIMANDS,
    FOOLED_WHILE_PEOPLE_AGREE,
    RAW,
    SOURCE_JUDGED,
    Estimand,
)
from labelling.paired import FEWEST_PAIRS, comparisons
from labelling.paired_words import what_follows
from tests.labelling.trial_tables import trial_table

FEW = {"draws": 50}


def two(one: list[str], other: list[str], **names: str) -> pd.DataFrame:
    """Two classifiers on the same trials, written as in `trial_table`."""
    return pd.concat(
        [
            trial_table(*one, classifier="one", condition=1),
            trial_table(*other, classifier="other", condition=2),
        ],
        ignore_index=True,
    ).assign(**names)


def the_row(table: pd.DataFrame, estimand: Estimand = RAW, **options: object) -> pd.Series:
    (row,) = comparisons(table, estimand, "classifier", **{**FEW, **options}).itertuples()
    return row


# The other classifier's trials are all fooled at 1, and people agree with everything.
@pytest.mark.parametrize(
    ("estimand", "first", "difference", "trials"),
    [
        (RAW, "found 3 y y", 2, 1),
        (RAW, "found 9 y y", 4, 1),  # beyond M_max = 5
        (RAW, "exhausted 9 y", 4, 1),
        (RAW, "found 3 n", 2, 1),
        (RAW, "skipped 0", None, 0),
        (RAW, "failed 0", None, 0),
        (SOURCE_JUDGED, "found 3 y n", 2, 1),
        (SOURCE_JUDGED, "found 3 n", None, 0),
        (FOOLED_WHILE_PEOPLE_AGREE, "found 3 y y", 2, 1),
        (FOOLED_WHILE_PEOPLE_AGREE, "found 3 y n", 4, 1),  # never fooled while people agree
        (FOOLED_WHILE_PEOPLE_AGREE, "exhausted 9 y", 4, 1),
        (AS_PUBLISHED, "found 3 y n", None, 0),  # removed from the denominator, too
    ],
    ids=lambda value: value.key if isinstance(value, Estimand) else None,
)
def test_what_one_pair_comes_to(estimand, first, difference, trials) -> None:
    row = the_row(two([first], ["found 1 y y"]), estimand, limit=5.0)
    assert row.trials == trials
    if difference is not None:
        assert row.difference == pytest.approx(difference)


def test_what_waits_or_was_tested_less_far_is_left_out_and_counted() -> None:
    one = ["found 1 y ?", "found 1 ? ?", "exhausted 3 y", "exhausted 3 ?", "found 2 y y"]
    row = the_row(two(one, ["found 1 y y"] * 5), FOOLED_WHILE_PEOPLE_AGREE, limit=5.0)
    assert (row.trials, row.missing, row.not_tested) == (1, 3, 1)


def test_trials_are_paired_by_their_number_not_their_place() -> None:
    table = two(["found 1 y y", "found 2 y y", "found 4 y y"], ["found 1 y y"] * 3)
    shuffled = table.sample(frac=1, random_state=0)
    assert the_row(table).difference == pytest.approx(4 / 3)
    assert abs(the_row(shuffled).difference) == pytest.approx(4 / 3)


def test_the_tests_are_scipys() -> None:
    table = drawn(40, 0, 0.4)
    row = the_row(table, limit=6.0)
    values = [
        np.minimum(part["magnitude"], 6.0).to_numpy() for _, part in table.groupby("classifier")
    ]
    difference = values[0] - values[1]
    larger, smaller = (difference > 0).sum(), (difference < 0).sum()
    assert row.wilcoxon_p == pytest.approx(wilcoxon(difference[difference != 0]).pvalue)
    assert row.sign_p == pytest.approx(binomtest(larger, larger + smaller).pvalue)
    assert (row.one_larger, row.other_larger) == (larger / 40, smaller / 40)
    assert row.difference == pytest.approx(difference.mean())
    assert row.low < row.difference < row.high


def test_several_trials_of_one_source_count_once_in_the_tests() -> None:
    table = drawn(10, 1, 0.2, trials=6)
    row = the_row(table, limit=20.0)
    assert (row.trials, row.sources) == (60, 10)
    wide = table.pivot(index="trial_index", columns="classifier", values="magnitude")
    of_source = (wide["one"] - wide["other"]).groupby(wide.index % 10).mean()
    assert row.wilcoxon_p == pytest.approx(wilcoxon(of_source).pvalue)


def test_holm_corrects_over_the_whole_grid() -> None:
    parts = [
        drawn(30, seed, shift).assign(subset=subset)
        for seed, (subset, shift) in enumerate([("first", 0.8), ("last", 0.0), ("all", 0.3)])
    ]
    for number, part in enumerate(parts):
        part["condition_id"] += 10 * number
    rows = comparisons(pd.concat(parts), RAW, "classifier", **FEW)
    assert rows["comparisons"].tolist() == [3, 3, 3]
    ordered = rows.sort_values("wilcoxon_p")
    expected = np.maximum.accumulate(ordered["wilcoxon_p"].to_numpy() * [3, 2, 1]).clip(max=1)
    np.testing.assert_allclose(ordered["wilcoxon_holm"], expected)
    for test in ("wilcoxon", "sign"):
        _, theirs, *_ = multipletests(rows[f"{test}_p"], method="holm")
        np.testing.assert_allclose(rows[f"{test}_holm"], theirs)


@pytest.mark.parametrize(
    ("by", "names", "sides"),
    [
        ("classifier", {"classifier": ["a", "b"]}, {("a", "b")}),
        ("subset", {"subset": ["first", "last"]}, {("first", "last")}),
        (
            "search",
            {"search": ["relaxation", "minimum-norm"], "schedule_name": ["imagenet", "steps"]},
            {("relaxation, imagenet", "minimum-norm, steps")},
        ),
    ],
)
def test_what_is_compared_differs_in_one_thing_only(by, names, sides) -> None:
    table = drawn(20, 0, 0.1).assign(classifier="same")
    second = table["condition_id"] == 2
    for name, (one, other) in names.items():
        table[name] = np.where(second, other, one)
    rows = comparisons(table, RAW, by, **FEW)
    assert set(zip(rows["one"], rows["other"], strict=True)) == sides
    for elsewhere in {"classifier", "subset", "search"} - {by}:
        assert comparisons(table, RAW, elsewhere, **FEW).empty


@pytest.mark.parametrize("estimand", ESTIMANDS.values(), ids=ESTIMANDS)
@pytest.mark.parametrize("rows", [[], ["failed 0"], ["exhausted 9 y"], ["found 1 y y"]])
def test_too_little_data_has_no_test_and_says_so(rows: list[str], estimand: Estimand) -> None:
    table = comparisons(two(rows, rows), estimand, "classifier", **FEW)
    for row in table.itertuples():
        assert np.isnan(row.wilcoxon_holm) and np.isnan(row.low)
        assert "too few" in what_follows(row, estimand, "classifier")


def test_fewer_sources_than_can_reach_significance_are_too_few() -> None:
    few = ["found 3 y y"] * (FEWEST_PAIRS - 1)
    row = the_row(two(few, ["found 1 y y"] * len(few)))
    assert np.isnan(row.wilcoxon_p)
    enough = [*few, "found 3 y y"]
    assert the_row(two(enough, ["found 1 y y"] * len(enough))).wilcoxon_holm < 0.05


def test_one_classifier_has_nothing_to_compare() -> None:
    assert comparisons(trial_table("found 1 y y"), RAW, "classifier").empty


def test_classifiers_that_are_equal_are_not_told_apart_and_not_called_equal() -> None:
    table = two(["found 2 y y"] * 12, ["found 2 y y"] * 12)
    row = the_row(table)
    assert (row.wilcoxon_p, row.sign_p, row.rank_biserial, row.difference) == (1, 1, 0, 0)
    said = what_follows(row, RAW, "classifier")
    assert "nor is it shown that there is none" in said
    assert "0.00 [0.00, 0.00]" in said, "as many digits as the table beside it"


def test_an_interval_and_tests_that_disagree_are_a_hint_only() -> None:
    one = ["found 9 y y"] * 4 + ["found 1 y y"] * 26
    other = ["found 1 y y"] * 30
    row = the_row(two(one, other), limit=9.0)
    assert row.low > 0 and row.wilcoxon_holm > 0.05
    assert "take it as a hint" in what_follows(row, RAW, "classifier")


def test_the_sentence_names_who_needed_more_whichever_comes_first() -> None:
    judged = {"source_judgement": "agree", "perturbed_judgement": "agree"}
    forward, back = (drawn(60, 0, 1.0).assign(**judged) for _ in range(2))
    back["condition_id"] = 3 - back["condition_id"]
    for table in (forward, back.sort_values("condition_id")):
        said = what_follows(
            the_row(table, FOOLED_WHILE_PEOPLE_AGREE), FOOLED_WHILE_PEOPLE_AGREE, "classifier"
        )
        assert "one needed on average" in said and "more than other" in said
        assert "while people agree" in said and "Chance alone would hardly" in said
        assert "sources that both classifiers got right" in said


@pytest.mark.parametrize(("sources", "trials"), [(40, 1), (15, 4)])
def test_the_interval_covers_the_truth_as_often_as_it_says(sources: int, trials: int) -> None:
    """The full count is in benchmarks.paired_coverage."""
    found = coverage(sources, 0.4, trials=trials, repetitions=60, draws=200)
    assert 0.86 <= found.interval <= 0.999  # 0.95 less three standard errors


def test_equal_classifiers_are_seldom_called_different() -> None:
    found = coverage(30, 0.0, repetitions=60, draws=50)
    assert found.wilcoxon <= 0.14 and found.sign <= 0.14  # 0.05 and three standard errors
