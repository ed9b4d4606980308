"""A region of a semantic space: a box around a start, how it grew, and whether it is robust."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from engine.regions.moments import Moments

Floats = NDArray[np.float64]

#: The paper gives no values for eq. 2's thresholds; these are ours.
EPSILON_MEAN = 0.5
EPSILON_VARIANCE = 0.05


@dataclass(frozen=True)
class Domain:
    """Ω: the box [lower, upper] of all parameters u, each bound (n,)."""

    lower: Floats
    upper: Floats

    @property
    def widths(self) -> Floats:
        """Ω's widths (n,)."""
        return self.upper - self.lower

    def clip(self, u: Floats) -> Floats:
        """The nearest points of Ω to u (…, n)."""
        return np.minimum(np.maximum(u, self.lower), self.upper)

    def share(self, lower: Floats, upper: Floats) -> float:
        """The box's volume over Ω's, in [0, 1]."""
        return float(np.prod((upper - lower) / self.widths))


@dataclass(frozen=True, eq=False)
class Region:
    """The box [lower, upper] that `method` grew from `start`.

    lower, upper, start
        (n,), in the space's own units.
    trace
        (T + 1, 2, n): lower and upper after 0 … T updates (rounds, for `refined`); the last is
        the region itself.
    mean, variance, mean_error, variance_error
        Of the score over the box, estimated from points in it, with standard errors.
    volume_share
        The box's volume over the whole space's.
    feasible
        Eq. 2: it contains the start, mean ≥ 1 − ε_m and variance ≤ ε_v, both by two standard
        errors.
    evaluations
        How often the score was asked, a gradient counted once for each of its points; the
        estimates of mean and variance included.
    steps
        T: the updates made, or for `refined` those whose evaluations its budget is a share of.
    """

    method: str
    start: Floats
    lower: Floats
    upper: Floats
    trace: Floats
    mean: float
    mean_error: float
    variance: float
    variance_error: float
    volume_share: float
    feasible: bool
    evaluations: int
    steps: int


def make_region(
    method: str,
    start: Floats,
    trace: Floats,
    moments: Moments,
    *,
    domain: Domain,
    epsilon_mean: float,
    epsilon_variance: float,
    evaluations: int,
    steps: int,
) -> Region:
    """The region that `trace` (T + 1, 2, n) ends in, its flags from `moments`."""
    lower, upper = trace[-1]
    inside = bool(np.all((lower <= start) & (start <= upper)))
    return Region(
        method=method,
        start=start,
        lower=lower,
        upper=upper,
        trace=trace,
        mean=moments.mean,
        mean_error=moments.mean_error,
        variance=moments.variance,
        variance_error=moments.variance_error,
        volume_share=domain.share(lower, upper),
        feasible=inside and moments.meets(epsilon_mean, epsilon_variance),
        evaluations=evaluations,
        steps=steps,
    )


def check_domain(lower: ArrayLike, upper: ArrayLike) -> Domain:
    """Ω from what a caller gave, or a ValueError that says what is wrong."""
    low = np.atleast_1d(np.asarray(lower, dtype=np.float64))
    high = np.atleast_1d(np.asarray(upper, dtype=np.float64))
    if low.ndim != 1 or low.shape != high.shape or not 1 <= len(low) <= 10:
        raise ValueError(
            f"The space's bounds have shapes {low.shape} and {high.shape}: give one number an "
            "axis in both, for one to ten axes."
        )
    if not (np.isfinite(low).all() and np.isfinite(high).all() and (low < high).all()):
        raise ValueError(
            f"The space's bounds {low.tolist()} and {high.tolist()} are not finite numbers with "
            "each lower one below its upper one."
        )
    return Domain(low, high)
