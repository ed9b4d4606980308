"""Wilson's interval against published values, and the bootstrap over sources."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import binomtest

from labelling.intervals import percentile_interval, resampled_sources, wilson


@pytest.mark.parametrize(("k", "n"), [(0, 1), (0, 10), (1, 10), (5, 10), (10, 10), (83, 240)])
def test_wilson_is_scipys(k: int, n: int) -> None:
    expected = binomtest(k, n).proportion_ci(method="wilson")
    np.testing.assert_allclose(wilson(k / n, n), (expected.low, expected.high), atol=1e-12)


def test_wilson_of_nothing_is_everything() -> None:
    assert wilson(0.0, 0) == (0.0, 1.0)


def test_resamples_draw_as_many_sources_as_there_are_and_are_repeatable() -> None:
    counts = resampled_sources(sources=7, draws=200, seed=3)
    assert counts.shape == (7, 200)
    np.testing.assert_array_equal(counts.sum(axis=0), 7)
    np.testing.assert_allclose(counts.mean(axis=1), 1, atol=0.3)
    np.testing.assert_array_equal(counts, resampled_sources(sources=7, draws=200, seed=3))


def test_the_interval_of_a_mean_covers_as_often_as_it_says_with_few_sources() -> None:
    generator = np.random.default_rng(0)
    hits, repetitions, sources = 0, 400, 12
    for repetition in range(repetitions):
        values = generator.normal(size=sources)
        counts = resampled_sources(sources, 400, seed=repetition)
        low, high = percentile_interval(values @ counts / sources, sources)
        hits += bool(low <= 0 <= high)
    # Plain percentiles reach about 0.90 here; 0.95 ± three standard errors.
    assert 0.917 <= hits / repetitions <= 0.983


@pytest.mark.parametrize("sources", [0, 1, 4])
def test_too_few_sources_have_no_interval(sources: int) -> None:
    low, high = percentile_interval(np.ones((100, 3)), sources)
    assert np.isnan(low).all() and np.isnan(high).all()


def test_resamples_that_could_not_be_computed_are_left_out() -> None:
    replicates = np.concatenate([np.full((50, 2), np.nan), np.ones((50, 2))])
    low, high = percentile_interval(replicates, 20)
    np.testing.assert_array_equal([low, high], np.ones((2, 2)))
