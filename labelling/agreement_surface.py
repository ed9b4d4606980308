"""Where on a plane people still see the label: a logistic surface, and how sure it is.

logit P(agree at u) is a polynomial of second degree in u, fitted to judged points, one each, with
Firth's penalty (Biometrika 80, 1993): a plane on which people agree here and disagree there, with
nothing mixed between, has no plain maximum-likelihood fit, and few points bias one. Intervals are
from the bootstrap over points.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import expit

from labelling.intervals import LEVEL

Floats = NDArray[np.float64]

#: Fewer points than this fit no surface.
FEWEST_POINTS = 30
DRAWS = 400
#: Coefficients of the surface.
TERMS = 6
#: Points of the surface along each axis.
FINE = 101
_MOST_STEPS, _LARGEST_MOVE, _CLOSE = 60, 3.0, 1e-6


@dataclass(frozen=True, eq=False)
class AgreementSurface:
    """P(people agree) over a plane, with a pointwise 95 % interval, (FINE, FINE) each.

    `replicates` are the bootstrap's surfaces (draws, FINE, FINE); `points` were judged, `agreed` of
    them so that the picture still shows its label.
    """

    coordinates: tuple[Floats, Floats]
    probability: NDArray[np.float32]
    low: NDArray[np.float32]
    high: NDArray[np.float32]
    replicates: NDArray[np.float32]
    points: int
    agreed: int


@dataclass(frozen=True)
class Share:
    """A share of the plane in [0, 1], with its 95 % bootstrap interval."""

    share: float
    low: float
    high: float


def agreement_surface(
    u: ArrayLike,
    agree: ArrayLike,
    lower: ArrayLike,
    upper: ArrayLike,
    *,
    draws: int = DRAWS,
    seed: int = 0,
) -> AgreementSurface | None:
    """The surface of judged points over a plane; None for fewer than `FEWEST_POINTS`.

    u, agree
        Points (n, 2), and whether people agree at each (n,).
    lower, upper
        The ends (2,) of the plane's axes.
    """
    at, outcome = np.asarray(u, np.float64), np.asarray(agree, np.float64)
    if len(at) < FEWEST_POINTS:
        return None
    low, high = np.asarray(lower, np.float64), np.asarray(upper, np.float64)
    first, second = (np.linspace(*ends, FINE) for ends in zip(low, high, strict=True))
    grid = np.stack(np.meshgrid(first, second, indexing="ij"), -1).reshape(-1, 2)
    terms, everywhere = _terms(at, low, high), _terms(grid, low, high)
    # How often each point is in each resample; the points as they are come first.
    resamples = np.random.default_rng(seed).multinomial(
        len(at), np.full(len(at), 1 / len(at)), size=draws
    )
    counts = np.concatenate([np.ones((1, len(at))), resamples])
    found = firth(terms, outcome, counts).astype(np.float32)
    surfaces = expit(found @ everywhere.T.astype(np.float32)).reshape(-1, FINE, FINE)
    ends = np.quantile(surfaces[1:], [(1 - LEVEL) / 2, (1 + LEVEL) / 2], axis=0)
    return AgreementSurface(
        (first, second), surfaces[0], *ends, surfaces[1:], len(at), int(outcome.sum())
    )


def failing_share(surface: AgreementSurface, fails: ArrayLike) -> Share:
    """The share of the plane where the classifier fails and people agree (P ≥ ½).

    `fails` (p, q): whether the classifier gives another label, on an even grid over the whole
    plane, ends included; between its points the nearest one tells. Points at the surface's edge
    stand for half the area of others, those at its corners for a quarter.
    """
    failing = over_surface(fails)
    weights = np.full(FINE, 1 / (FINE - 1))
    weights[[0, -1]] /= 2
    weights = np.outer(weights, weights)
    drawn = np.array([weights[failing & (one >= 0.5)].sum() for one in surface.replicates])
    low, high = np.quantile(drawn, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    share = float(weights[failing & (surface.probability >= 0.5)].sum())
    # The bootstrap does not pay for the surface's coefficients: a factor does, as with residuals.
    wider = sqrt(surface.points / (surface.points - TERMS))
    return Share(
        share,
        max(0.0, share - max(0.0, share - low) * wider),
        min(1.0, share + max(0.0, high - share) * wider),
    )


def firth(terms: Floats, outcome: Floats, counts: ArrayLike | None = None) -> Floats:
    """Coefficients of the logistic regression on `terms` (n, k), with Firth's penalty.

    `counts` (d, n): how often each row is taken, for d fits at once, which gives (d, k); without
    it each is taken once, which gives (k,). Newton's method on the penalised score
    Σ x (y − p + h (½ − p)), h the leverages.
    """
    times = np.ones((1, len(terms))) if counts is None else np.asarray(counts, np.float64)
    beta = np.zeros((len(times), terms.shape[1]))
    for _ in range(_MOST_STEPS):
        p = expit(beta @ terms.T)
        weight = times * np.maximum(p * (1 - p), 1e-12)
        information = (terms.T * weight[:, None, :]) @ terms
        inverse = np.linalg.pinv(information, hermitian=True)
        leverage = weight * ((terms @ inverse) * terms).sum(-1)
        score = (times * (outcome - p) + leverage * (0.5 - p)) @ terms
        move = (inverse @ score[..., None])[..., 0]
        largest = np.abs(move).max(axis=1, keepdims=True)
        beta = beta + move * np.minimum(1.0, _LARGEST_MOVE / np.maximum(largest, 1e-12))
        if largest.max() < _CLOSE:
            break
    return beta[0] if counts is None else beta


def over_surface(fails: ArrayLike) -> NDArray[np.bool_]:
    """Values (p, q) on an even grid over the plane, at the surface's points: the nearest ones."""
    values = np.asarray(fails, bool)
    rows, columns = (np.rint(np.linspace(0, count - 1, FINE)).astype(int) for count in values.shape)
    return values[np.ix_(rows, columns)]


def _terms(u: Floats, lower: Floats, upper: Floats) -> Floats:
    """1, s, t, s², st, t² of points scaled to [−1, 1]."""
    s, t = (2 * (u - lower) / (upper - lower) - 1).T
    return np.stack([np.ones_like(s), s, t, s * s, s * t, t * t], axis=1)
