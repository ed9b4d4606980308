"""Cumulative incidence under competing risks (Aalen–Johansen), for many resamples at once."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


def aalen_johansen(first: Floats, second: Floats, censored: Floats) -> Floats:
    """Cumulative incidence of the first event when a second one competes with it.

    The arguments have shape (..., U): how much weight (number of trials, or their bootstrap or
    inverse-probability weight) ends in each way at each of U increasing, distinct times. At a tie
    events come before censoring. Returns F₁ at those times, shape (..., U), in [0, 1]:
    F₁(t_k) = Σ_{i≤k} S(t_{i-1}) · d₁ᵢ / Yᵢ with S(t_i) = Π_{j≤i} (1 - (d₁ⱼ + d₂ⱼ) / Yⱼ), where Y is
    the weight still at risk (Aalen & Johansen 1978). Without a second event it is one minus
    Kaplan–Meier's estimate; without earlier censoring it is the empirical distribution function.
    With nobody at risk at all, or a weight that is not known (NaN), it is NaN.
    """
    leaving = first + second + censored
    at_risk = np.flip(np.cumsum(np.flip(leaving, -1), -1), -1)
    safe = np.where(at_risk > 0, at_risk, 1.0)
    still_free = np.cumprod(1.0 - (first + second) / safe, axis=-1)
    before = np.concatenate([np.ones_like(still_free[..., :1]), still_free[..., :-1]], axis=-1)
    incidence = np.cumsum(before * first / safe, axis=-1)
    known = at_risk[..., :1] > 0
    return np.where(~known, np.nan, np.clip(incidence, 0.0, 1.0))


def value_at(times: Floats, curve: Floats, where: Floats) -> Floats:
    """A right-continuous step curve (..., U), 0 before `times[0]`, read at `where` (G,)."""
    padded = np.concatenate([np.zeros_like(curve[..., :1]), curve], axis=-1)
    return padded[..., np.searchsorted(times, where, side="right")]


def restricted_mean(times: Floats, curve: Floats, limit: float) -> Floats:
    """E[min(X, limit)] = ∫₀^limit (1 - F) for step curves F of shape (..., U). Shape (...)."""
    edges = np.clip(np.append(times, limit), 0.0, limit)
    return limit - curve @ np.diff(edges)


def first_reached(times: Floats, curve: Floats, level: float) -> Floats:
    """The smallest of `times` (U,) at which step curves (..., U) reach `level`; ∞ where none does.

    NaN for a curve that is not known.
    """
    reached = curve >= level
    first = np.where(reached.any(axis=-1), times[reached.argmax(axis=-1)], np.inf)
    return np.where(np.isnan(curve).any(axis=-1), np.nan, first)
