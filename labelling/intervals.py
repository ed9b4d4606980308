"""95 % intervals: Wilson's for a proportion, and the bootstrap over sources for all else."""

from __future__ import annotations

from functools import lru_cache
from math import sqrt

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr, ndtri, stdtrit

Floats = NDArray[np.floating]

#: Two-sided level of every band and interval.
LEVEL = 0.95
#: Sources × resamples held at once; resamples are never fewer than so many, if so many are wanted.
MOST_COUNTS, FEWEST_DRAWS = 2_000_000, 300
#: An interval from fewer sources than this would look sharper than it is: "too few" instead.
FEWEST_SOURCES = 5


def wilson(proportion: Floats | float, n: Floats | float) -> tuple[Floats, Floats]:
    """Wilson's score interval for a binomial proportion out of n; [0, 1] where n is 0."""
    z = ndtri(0.5 + LEVEL / 2)
    p, n = np.asarray(proportion, float), np.asarray(n, float)
    count = np.where(n > 0, n, 1.0)
    centre = (p + z**2 / (2 * count)) / (1 + z**2 / count)
    half = z / (1 + z**2 / count) * np.sqrt(p * (1 - p) / count + z**2 / (4 * count**2))
    low, high = np.clip(centre - half, 0.0, 1.0), np.clip(centre + half, 0.0, 1.0)
    return np.where(n > 0, low, 0.0), np.where(n > 0, high, 1.0)


@lru_cache(maxsize=1)
def resampled_sources(sources: int, draws: int, seed: int = 0) -> NDArray[np.float32]:
    """How often each source occurs in each bootstrap resample of all sources: (sources, draws).

    Resampling sources, not trials, carries along everything that shares a picture: classifiers,
    layer subsets and labellers. Very many sources get fewer draws, so that the table stays within
    some hundred megabytes: their intervals are narrow, and hardly depend on the draws. The last
    table is kept; it is not to be written to.
    """
    draws = max(min(draws, FEWEST_DRAWS), min(draws, MOST_COUNTS // max(sources, 1)))
    generator = np.random.default_rng(seed)
    counts = np.empty((sources, draws), np.float32)
    # Part by part: the picks of all draws at once would take three times the memory.
    for part in np.array_split(np.arange(draws), max(1, draws * sources // 2_000_000)):
        picks = generator.integers(sources, size=(len(part), sources))
        flat = picks * len(part) + np.arange(len(part))[:, None]
        drawn = np.bincount(flat.ravel(), minlength=sources * len(part))
        counts[:, part] = drawn.reshape(sources, len(part))
    counts.setflags(write=False)
    return counts


def percentile_interval(
    replicates: Floats, sources: int, *, between: bool = True
) -> tuple[Floats, Floats]:
    """Percentile interval over axis 0 of the bootstrap replicates, widened for few sources.

    Plain percentiles are too narrow by a factor sqrt((n-1)/n) and by the normal quantile standing
    for Student's; Hesterberg's expanded percentiles (2015, section 3.3) correct both. Replicates
    that are NaN (a resample without anyone at risk) are left out; NaN where all of them are, and
    for fewer than `FEWEST_SOURCES` sources. Percentiles lie `between` two replicates, or are one of
    them, which may then be ∞.
    """
    shape = replicates.shape[1:]
    if sources < FEWEST_SOURCES or not len(replicates):
        return np.full(shape, np.nan), np.full(shape, np.nan)
    expanded = stdtrit(sources - 1, (1 - LEVEL) / 2) * sqrt(sources / (sources - 1))
    tail = float(ndtr(expanded))
    defined = replicates[~np.isnan(replicates.reshape(len(replicates), -1)).all(axis=1)]
    if not len(defined):
        return np.full(shape, np.nan), np.full(shape, np.nan)
    quantile = np.nanquantile if np.isnan(defined).any() else np.quantile
    method = "linear" if between else "inverted_cdf"
    low, high = quantile(defined, [tail, 1 - tail], axis=0, method=method)
    return low, high
