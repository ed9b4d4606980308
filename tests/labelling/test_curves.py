"""Each estimand on tables worked out by hand, and on synthetic truth."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from labelling.curves import MOST_POINTS, at_risk, common_set, success_curves
from labelling.estimands import (
    AS_PUBLISHED,
    ESTIMANDS,
    FOOLED_WHILE_PEOPLE_AGREE,
    RAW,
    SOURCE_JUDGED,
    Estimand,
)
from labelling.incidence import aalen_johansen
from tests.labelling.trial_tables import synthetic_table, trial_table

JUDGED = trial_table(
    "found 1 y y",
    "found 2 y n",
    "found 3 n",  # people: the source does not show the label
    "found 4 y y",
    "exhausted 9 y",
    "exhausted 9 n",
    "skipped 0 y",  # targeted: the classifier was wrong on the source
    "failed 0 y",
)
FEW = {"draws": 20}


def curve_of(table: pd.DataFrame, estimand: Estimand) -> pd.DataFrame:
    return success_curves(table, estimand, **FEW)


def at(curve: pd.DataFrame, magnitude: float, column: str = "proportion") -> float:
    """The step curve's value at a magnitude."""
    return curve[curve["magnitude"] <= magnitude].iloc[-1][column]


@pytest.mark.parametrize(
    ("estimand", "at_each_magnitude", "n"),
    [
        (RAW, {0.5: 0, 1: 1 / 6, 2: 2 / 6, 3: 3 / 6, 4: 4 / 6, 9: 4 / 6}, 6),
        (SOURCE_JUDGED, {0.5: 0, 1: 1 / 4, 2: 2 / 4, 3: 2 / 4, 4: 3 / 4, 9: 3 / 4}, 4),
        (FOOLED_WHILE_PEOPLE_AGREE, {0.5: 0, 1: 1 / 4, 2: 1 / 4, 4: 2 / 4, 9: 2 / 4}, 4),
        (AS_PUBLISHED, {0.5: 0, 1: 1 / 3, 2: 1 / 3, 4: 2 / 3, 9: 2 / 3}, 3),
    ],
    ids=lambda value: value.key if isinstance(value, Estimand) else "",
)
def test_what_each_estimand_counts(estimand, at_each_magnitude, n) -> None:
    curve = curve_of(JUDGED, estimand)
    for magnitude, expected in at_each_magnitude.items():
        assert at(curve, magnitude) == pytest.approx(expected), magnitude
    assert set(curve["n"]) == {n}
    assert set(curve["missing"]) == {0}
    np.testing.assert_allclose(curve["bound_low"], curve["proportion"])
    np.testing.assert_allclose(curve["bound_high"], curve["proportion"])


def test_the_published_curve_says_what_it_removed() -> None:
    curve = curve_of(JUDGED, AS_PUBLISHED)
    assert set(curve["removed"]) == {1} and set(curve["removed_share"]) == {1 / 4}
    assert set(curve_of(JUDGED, FOOLED_WHILE_PEOPLE_AGREE)["removed"]) == {0}


def test_counts_for_the_reader() -> None:
    curve = curve_of(JUDGED, FOOLED_WHILE_PEOPLE_AGREE).set_index("magnitude")
    assert curve["fooled"].to_dict() == {0: 0, 1: 1, 2: 1, 4: 2, 9: 2}
    assert curve["at_risk"].to_dict() == {0: 4, 1: 4, 2: 3, 4: 2, 9: 1}


def test_without_judgements_there_is_a_raw_curve_and_no_other() -> None:
    table = trial_table("found 1", "found 2", "exhausted 9")
    assert at(curve_of(table, RAW), 2) == pytest.approx(2 / 3)
    for estimand in set(ESTIMANDS.values()) - {RAW}:
        assert curve_of(table, estimand).empty


def test_a_condition_never_fooled_and_never_judged_has_a_raw_curve_only() -> None:
    table = trial_table("exhausted 9", "exhausted 9", "exhausted 9")
    assert set(curve_of(table, RAW)["proportion"]) == {0}
    for estimand in set(ESTIMANDS.values()) - {RAW}:
        assert curve_of(table, estimand).empty


def test_how_many_are_at_risk_at_any_magnitude() -> None:
    counts = at_risk(JUDGED, FOOLED_WHILE_PEOPLE_AGREE, [0, 1, 1.5, 9, 10])
    assert counts["at_risk"].tolist() == [4, 4, 3, 1, 0]


def test_the_common_set_is_what_enters_everywhere() -> None:
    easy = trial_table("found 1 y y", "found 1 y y", "skipped 0 y", "found 1 y y", condition=1)
    hard = trial_table("exhausted 9 y", "skipped 0 y", "found 1 y y", condition=2)
    both = common_set(pd.concat([easy, hard]))
    assert both.groupby("condition_id")["trial_index"].apply(list).to_dict() == {1: [0], 2: [0]}
    assert len(common_set(easy)) == 3
    assert common_set(trial_table()).empty


def test_an_untargeted_trial_that_is_skipped_is_fooled_at_magnitude_zero() -> None:
    table = trial_table("skipped! 0 y", "skipped! 0 n", "found! 1 y y", "exhausted! 9 y")
    for estimand, expected in {
        RAW: 2 / 4,
        SOURCE_JUDGED: 1 / 3,
        FOOLED_WHILE_PEOPLE_AGREE: 1 / 3,
        AS_PUBLISHED: 1 / 3,
    }.items():
        assert at(curve_of(table, estimand), 0) == pytest.approx(expected), estimand.key


def test_differing_budgets_are_censored_not_counted_as_never() -> None:
    # The one stopped at 1.5 tells nothing of 2 and 3: its quarter passes to those still running.
    table = trial_table("found 1 y y", "exhausted 1.5 y", "found 2 y n", "found 3 y y")
    curve = curve_of(table, FOOLED_WHILE_PEOPLE_AGREE)
    assert at(curve, 1) == pytest.approx(1 / 4)
    assert at(curve, 3) == pytest.approx(1 / 4 + 3 / 4 * 1 / 2)
    assert set(curve["band"]) == {"bootstrap over sources"}


def test_conditions_and_experiments_never_mix() -> None:
    easy = trial_table("found 1 y y", "found 1 y y", condition=1)
    hard = trial_table("exhausted 9 y", "exhausted 9 y", condition=2)
    elsewhere = hard.assign(experiment_id="another", condition_id=3)
    curves = curve_of(pd.concat([easy, hard, elsewhere]), RAW)
    ends = curves.groupby(["experiment_id", "condition_id"])["proportion"].max()
    assert ends.to_dict() == {("synthetic", 1): 1, ("synthetic", 2): 0, ("another", 3): 0}


@pytest.mark.parametrize("estimand", ESTIMANDS.values(), ids=ESTIMANDS)
@pytest.mark.parametrize(
    "rows",
    [
        [],
        ["skipped 0"],
        ["failed 0"],
        ["found 1"],
        ["found 1 y"],
        ["found 1 y y"],
        ["found 1 n"],
        ["exhausted 1 y"],
        ["exhausted 1", "found 2 y"],
        ["skipped! 0", "found! 1 y y"],
        ["skipped! 0 y"],
    ],
    ids="/".join,
)
def test_tiny_tables_have_wide_bands_or_no_curve(rows: list[str], estimand: Estimand) -> None:
    curve = curve_of(trial_table(*rows), estimand)
    assert (curve["high"] - curve["low"] > 0.5).all()
    assert (curve["low"] <= curve["proportion"]).all()
    assert (curve["proportion"] <= curve["high"]).all()


# Truth with a known answer, built so that the three ways of treating no-longer-y differ. The
# smallest fooling magnitude X is uniform on (0, 1/RATE), the budget is 1, and people still agree
# with probability 1 - LOSS·x^POWER: the further the picture moves, the fewer agree.
RATE, LOSS, POWER = 0.7335, 0.894, 1.75
TRUTH = RATE * (1 - LOSS / (POWER + 1))  # P(X ≤ 1, people agree)


def drawn(n: int, seed: int = 0, budget: float | tuple[float, float] = 1.0) -> pd.DataFrame:
    generator = np.random.default_rng(seed)
    magnitude = generator.uniform(0, 1 / RATE, n)
    agree = generator.uniform(size=n) < 1 - LOSS * magnitude**POWER
    budgets = budget if isinstance(budget, float) else generator.uniform(*budget, n)
    return synthetic_table(magnitude, budget=budgets, perturbed_agrees=agree)


def kaplan_meier(table: pd.DataFrame) -> float:
    """One minus Kaplan–Meier at the end, with no-longer-y taken as censored."""
    ordered = table.assign(
        time=table["magnitude"].fillna(table["bound"]),
        event=(table["outcome"] == "found") & (table["perturbed_judgement"] == "agree"),
    ).sort_values("time")
    event = ordered["event"].to_numpy(float)
    return aalen_johansen(event, np.zeros_like(event), 1 - event)[-1]


def test_why_cumulative_incidence_and_not_kaplan_meier() -> None:
    """On synthetic truth 0.495, the two variants give 0.53 and 0.65."""
    assert pytest.approx(0.495, abs=5e-4) == TRUTH
    table = drawn(10_000)
    censored = kaplan_meier(table)
    dropped = kaplan_meier(table[table["perturbed_judgement"] != "disagree"])
    assert censored == pytest.approx(0.53, abs=0.015)
    assert dropped == pytest.approx(0.65, abs=0.015)
    assert at(curve_of(table, FOOLED_WHILE_PEOPLE_AGREE), 1) == pytest.approx(TRUTH, abs=0.015)
    # As published is the dropped variant: a conditional curve, and named so.
    assert at(curve_of(table, AS_PUBLISHED), 1) == pytest.approx(dropped, abs=1e-9)


def test_differing_budgets_do_not_bias_the_cumulative_incidence() -> None:
    curve = curve_of(drawn(10_000, budget=(0.2, 1.3)), FOOLED_WHILE_PEOPLE_AGREE)
    assert at(curve, 1) == pytest.approx(TRUTH, abs=0.02)


def with_gaps(table: pd.DataFrame, seed: int, source: float, perturbed: float) -> pd.DataFrame:
    """The table with these shares of its judgements not made yet, at random."""
    generator = np.random.default_rng((seed, 1))  # not the stream that drew the magnitudes
    no_source = generator.uniform(size=len(table)) < source
    no_perturbed = no_source | (generator.uniform(size=len(table)) < perturbed)
    return table.assign(
        source_judgement=table["source_judgement"].mask(no_source, "missing"),
        perturbed_judgement=table["perturbed_judgement"].mask(no_perturbed, "missing"),
    )


def test_judgements_still_missing_at_random_do_not_bias_the_curve() -> None:
    """An exhausted trial needs one judgement, a found one two: dropping the unjudged would bias."""
    table = with_gaps(drawn(10_000), seed=1, source=0.3, perturbed=0.6)
    assert at(curve_of(table, FOOLED_WHILE_PEOPLE_AGREE), 1) == pytest.approx(TRUTH, abs=0.02)
    complete = table[
        (table["source_judgement"] == "agree")
        & ((table["outcome"] == "exhausted") | (table["perturbed_judgement"] != "missing"))
    ]
    assert at(curve_of(complete, FOOLED_WHILE_PEOPLE_AGREE), 1) < TRUTH - 0.1


def test_sources_of_exhausted_trials_that_nobody_was_asked_about_still_count() -> None:
    table = drawn(10_000)
    asked = table["outcome"] == "found"
    unasked = table.assign(source_judgement=table["source_judgement"].where(asked, "missing"))
    assert at(curve_of(unasked, FOOLED_WHILE_PEOPLE_AGREE), 1) == pytest.approx(TRUTH, abs=0.02)


@pytest.mark.parametrize(
    ("estimand", "budget", "gaps"),
    [
        (RAW, 1.0, (0.0, 0.0)),
        (FOOLED_WHILE_PEOPLE_AGREE, 1.0, (0.0, 0.0)),
        (FOOLED_WHILE_PEOPLE_AGREE, (0.4, 1.2), (0.0, 0.0)),
        (FOOLED_WHILE_PEOPLE_AGREE, 1.0, (0.2, 0.3)),
    ],
    ids=["raw", "one budget", "differing budgets", "judgements missing"],
)
def test_bands_cover_the_truth_as_often_as_they_say(estimand, budget, gaps) -> None:
    truth = {m: RATE * m * (1 - LOSS * m**POWER / (POWER + 1)) for m in (0.25, 0.5, 0.9)}
    if estimand is RAW:
        truth = {m: RATE * m for m in truth}
    repetitions, hits = 100, dict.fromkeys(truth, 0)
    for seed in range(repetitions):
        table = with_gaps(drawn(60, seed, budget), seed, *gaps)
        curve = success_curves(table, estimand, draws=200, seed=seed)
        for magnitude in truth:
            low, high = at(curve, magnitude, "low"), at(curve, magnitude, "high")
            hits[magnitude] += bool(low <= truth[magnitude] <= high)
    # Never narrower than Wilson's, so a little above 0.95 is right; 0.89 is three standard errors.
    assert min(hits.values()) / repetitions >= 0.89, hits
    assert sum(hits.values()) / repetitions / len(hits) <= 0.995, hits


def test_conditions_share_their_resamples_so_a_copy_has_the_same_band() -> None:
    table = drawn(80)
    twice = pd.concat([table, table.assign(condition_id=2, classifier="its-twin")])
    curves = curve_of(twice, FOOLED_WHILE_PEOPLE_AGREE)
    one, other = (part for _, part in curves.groupby("condition_id"))
    np.testing.assert_array_equal(one["low"], other["low"])
    np.testing.assert_array_equal(one["high"], other["high"])


def test_long_curves_are_thinned_and_keep_their_ends() -> None:
    curve = curve_of(drawn(5_000), FOOLED_WHILE_PEOPLE_AGREE)
    assert len(curve) == MOST_POINTS
    assert curve["magnitude"].iloc[0] == 0
    assert curve["magnitude"].iloc[-1] == 1
