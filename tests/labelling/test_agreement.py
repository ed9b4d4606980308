"""α and κ against published examples, and intervals that cover."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest

from labelling.agreement import (
    FEWEST_IMAGES,
    _alphas,
    _kappas,
    fleiss,
    krippendorff_alpha,
)

#: Krippendorff (2011), "Computing Krippendorff's alpha-reliability", C: four observers, twelve
#: units, nominal data with missing values; α = 0.743.
OBSERVERS = (
    "1 2 3 3 2 1 4 1 2 . . .",
    "1 2 3 3 2 2 4 1 2 5 . 3",
    ". 3 3 3 2 3 4 2 2 5 1 .",
    "1 2 3 3 2 4 4 1 2 5 1 .",
)
#: Fleiss (1971) as in every textbook: ten subjects, fourteen raters, five categories; κ = 0.210.
FLEISS = np.array(
    [
        [0, 0, 0, 0, 14],
        [0, 2, 6, 4, 2],
        [0, 0, 3, 5, 6],
        [0, 3, 9, 2, 0],
        [2, 2, 8, 1, 1],
        [7, 7, 0, 0, 0],
        [3, 2, 6, 3, 0],
        [2, 5, 3, 2, 2],
        [6, 5, 2, 1, 0],
        [0, 2, 2, 3, 7],
    ]
)


def krippendorffs_example() -> np.ndarray:
    cells = [row.split() for row in OBSERVERS]
    counts = np.zeros((12, 5), dtype=int)
    for row in cells:
        for unit, cell in enumerate(row):
            if cell != ".":
                counts[unit, int(cell) - 1] += 1
    return counts


def test_alpha_of_the_published_example() -> None:
    agreement = krippendorff_alpha(krippendorffs_example())
    assert agreement.value == pytest.approx(0.743, abs=0.0005)
    assert agreement.images == 11, "the unit that one observer saw says nothing"
    assert agreement.low < agreement.value < agreement.high


def test_kappa_of_the_published_example() -> None:
    agreement = fleiss(FLEISS)
    assert agreement.value == pytest.approx(0.210, abs=0.0005)
    assert agreement.low < agreement.value < agreement.high


@pytest.mark.parametrize(
    ("statistic", "value", "counts"),
    [
        (_alphas, krippendorff_alpha, krippendorffs_example()),
        (_kappas, fleiss, FLEISS),
    ],
)
def test_the_bootstraps_own_formula_is_the_librarys(statistic, value, counts) -> None:
    counts = counts[counts.sum(axis=1) >= 2]
    whole = statistic(counts.astype(float), np.ones((1, len(counts))))
    assert whole == pytest.approx(value(counts).value)


def test_perfect_agreement_is_one_and_chance_is_none() -> None:
    perfect = np.repeat(np.array([[3, 0, 0, 0], [0, 3, 0, 0]]), 20, axis=0)
    assert krippendorff_alpha(perfect).value == pytest.approx(1)
    assert fleiss(perfect).value == pytest.approx(1)
    draws = np.random.default_rng(0).multinomial(3, [0.5, 0.5, 0, 0], 2000)
    for agreement in (krippendorff_alpha(draws), fleiss(draws)):
        assert agreement.low < 0 < agreement.high
        assert agreement.value == pytest.approx(0, abs=0.05)


@pytest.mark.parametrize(
    "counts",
    [
        np.zeros((0, 4), dtype=int),
        np.tile([1, 0, 0, 0], (50, 1)),
        np.tile([2, 0, 0, 0], (50, 1)),
        np.tile([1, 1, 0, 0], (FEWEST_IMAGES - 1, 1)),
    ],
    ids=["nothing", "one person each", "all alike", "few"],
)
def test_too_little_says_so(counts) -> None:
    for agreement in (krippendorff_alpha(counts), fleiss(counts)):
        assert agreement.value is None
        assert "too few" in agreement.in_words()


@pytest.mark.parametrize("coefficient", [krippendorff_alpha, fleiss])
def test_many_images_take_no_more_memory_than_the_ways_to_answer_them(coefficient) -> None:
    """Every resample of every image would be 2000 × 20 000 numbers."""
    counts = np.random.default_rng(0).multinomial(3, [0.6, 0.2, 0.1, 0.1], 20_000)
    tracemalloc.start()
    agreement = coefficient(counts)
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert most < 20e6
    assert agreement.low < agreement.value < agreement.high


@pytest.mark.parametrize(
    ("coefficient", "resampled"), [(krippendorff_alpha, _alphas), (fleiss, _kappas)]
)
def test_the_interval_is_that_of_drawing_image_by_image(coefficient, resampled) -> None:
    counts = np.random.default_rng(0).multinomial(3, [0.6, 0.2, 0.1, 0.1], 400)
    drawn = np.random.default_rng(1).multinomial(400, np.full(400, 1 / 400), 20_000)
    low, high = np.quantile(resampled(counts.astype(float), drawn.astype(float)), [0.025, 0.975])
    agreement = coefficient(counts)
    assert agreement.low == pytest.approx(low, abs=0.05 * (high - low))
    assert agreement.high == pytest.approx(high, abs=0.05 * (high - low))
