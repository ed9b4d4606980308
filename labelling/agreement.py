"""Inter-annotator agreement: Krippendorff's α and Fleiss' κ, with bootstrap intervals over images.

Both come from a table of counts, a row an image and a column an answer: `counts[u, c]` people gave
answer c to image u. Point values are the libraries'; the bootstrap needs the same statistic for
thousands of resamples at once, and both are functions of sums over images, so it weights sums.
"""

from __future__ import annotations

from dataclasses import dataclass

import krippendorff
import numpy as np

RESAMPLES = 2000
#: Fewer images than this tell nothing of a spread.
FEWEST_IMAGES = 10


@dataclass(frozen=True)
class Agreement:
    """One coefficient: 1 is perfect, 0 is chance. `low` and `high`: 95 % bootstrap interval.

    None where there is too little: fewer than `FEWEST_IMAGES` images, or answers all alike, about
    which chance says nothing.
    """

    value: float | None
    low: float | None
    high: float | None
    images: int

    def in_words(self) -> str:
        """Such as "0.81 [0.74, 0.88], 120 images"."""
        if self.value is None:
            return f"too few images judged by several people ({self.images})"
        return f"{self.value:.2f} [{self.low:.2f}, {self.high:.2f}], {self.images} images"


def krippendorff_alpha(counts: np.ndarray, *, seed: int = 0) -> Agreement:
    """Krippendorff's α (nominal) of images that two or more people judged (Krippendorff 2011).

    counts: (images, answers), whole numbers; images with fewer than two answers are left out.
    """
    shared = counts[counts.sum(axis=1) >= 2]
    if len(shared) < FEWEST_IMAGES or np.count_nonzero(shared.sum(axis=0)) < 2:
        return Agreement(None, None, None, len(shared))
    value = krippendorff.alpha(value_counts=shared, level_of_measurement="nominal")
    return _with_interval(float(value), shared, _alphas, seed)


def fleiss(counts: np.ndarray, *, seed: int = 0) -> Agreement:
    """Fleiss' κ of the images that the most usual number of people judged (Fleiss 1971).

    κ wants the same number of answers for each image. counts: (images, answers), whole numbers.
    """
    # Here, since it takes a second, which whoever only counts judgements need not wait for.
    from statsmodels.stats.inter_rater import fleiss_kappa

    people = counts.sum(axis=1)
    several = people[people >= 2]
    if not len(several):
        return Agreement(None, None, None, 0)
    usual = int(np.bincount(several).argmax())
    shared = counts[people == usual]
    if len(shared) < FEWEST_IMAGES or np.count_nonzero(shared.sum(axis=0)) < 2:
        return Agreement(None, None, None, len(shared))
    return _with_interval(float(fleiss_kappa(shared)), shared, _kappas, seed)


def _with_interval(value: float, counts: np.ndarray, statistic, seed: int) -> Agreement:
    draws = np.random.default_rng(seed)
    # Images answered alike are one row, drawn as often as all of them together: a few people can
    # answer in some dozens of ways, however many images there are.
    alike, images = np.unique(counts, axis=0, return_counts=True)
    weights = draws.multinomial(len(counts), images / len(counts), RESAMPLES)
    resampled = statistic(alike.astype(float), weights.astype(float))
    resampled = resampled[np.isfinite(resampled)]
    low, high = np.quantile(resampled, [0.025, 0.975]) if len(resampled) else (np.nan, np.nan)
    return Agreement(value, float(low), float(high), len(counts))


def _alphas(counts: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """α of each resample, weights (resamples, images): 1 − D_o / D_e from coincidences."""
    n_u = counts.sum(axis=1)
    disagreeing = (n_u**2 - (counts**2).sum(axis=1)) / (n_u - 1)
    n_c = weights @ counts
    n = n_c.sum(axis=1)
    expected = (n**2 - (n_c**2).sum(axis=1)) / (n - 1)
    with np.errstate(divide="ignore", invalid="ignore"):
        return 1 - (weights @ disagreeing) / expected


def _kappas(counts: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """κ of each resample: (P̄ − P̄_e) / (1 − P̄_e), all images judged by equally many."""
    people = counts[0].sum()
    agreeing = ((counts**2).sum(axis=1) - people) / (people * (people - 1))
    images = weights.sum(axis=1)
    observed = weights @ agreeing / images
    shares = weights @ counts / (images * people)[:, np.newaxis]
    expected = (shares**2).sum(axis=1)
    with np.errstate(divide="ignore", invalid="ignore"):
        return (observed - expected) / (1 - expected)
