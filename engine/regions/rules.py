"""The three published update rules: Leibniz's rule with the trapezoid on a box's faces.

Hamdi & Ghanem (2020), eqs. 7, 11 and 16, in the notation of the paper: a box D = [a, b] of
widths r = b − a has 2ⁿ corners, corner i at a + bits(i)⊙r; M (n × 2ⁿ) holds the bits, M̄ = 1 − M.
Some of the print is wrong (see docs/regions.md); what is written here reproduces the published
code. No expression divides by a width, so that a collapsed box stays collapsed instead of failing.

Everything is batched: R boxes at once, C = 2ⁿ corners each, whatever their rules.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Settings:
    """The rules' constants; the defaults are the paper's (section 4.3)."""

    alpha: float = 0.05
    beta: float = 0.0009
    penalty: float = 0.1


@lru_cache(maxsize=16)
def corner_bits(dimensions: int) -> Floats:
    """M transposed: (2ⁿ, n) of 0 and 1; row i holds the bits of i, the first axis the lowest."""
    bits = (np.arange(2**dimensions)[:, None] >> np.arange(dimensions)) & 1
    bits = bits.astype(np.float64)
    bits.setflags(write=False)
    return bits


@lru_cache(maxsize=16)
def _not(dimensions: int) -> NDArray[np.bool_]:
    return ~np.eye(dimensions, dtype=bool)


@lru_cache(maxsize=16)
def _outer_masks(dimensions: int, alpha: float) -> tuple[Floats, Floats]:
    """M̄_Q and M_Q transposed, (2ⁿ, n) each (eq. 11)."""
    bits = corner_bits(dimensions)
    bars, growth = 1 - bits, (1 + alpha) ** (dimensions - 1)
    own, other = growth * (1 + alpha / 2), growth * alpha / 2
    return own * bars + other * bits, own * bits + other * bars


def face_areas(widths: Floats) -> Floats:
    """∏ of the other widths, (R, n) → (R, n): Δ·2ⁿ/r without dividing."""
    if widths.shape[1] == 2:
        return widths[:, ::-1]
    return np.where(_not(widths.shape[1]), widths[:, None, :], 1.0).prod(axis=2)


def descents(
    widths: Floats,
    inner: Floats,
    outer: Floats,
    slopes: Floats | None,
    rows: tuple[slice, slice, slice],
    settings: Settings,
) -> Floats:
    """∇a and ∇b, (R, 2, n), of boxes of which `rows` are naive, OIR_B and OIR_W.

    widths, inner
        (R, n) and the scores of the boxes' corners (R, C).
    outer
        The scores of the outer corners of OIR_B's boxes, (B, C).
    slopes
        The gradients at the corners of OIR_W's boxes, (W, C, n); None where there are none.

    naive descends on −∫f + (λ/2)‖r‖²: the paper's eq. 7 prints M for M̄ and both signs of λ the
    wrong way round. OIR_B is eq. 11. OIR_W is eqs. 16 and 18, with 2 − (2n − 1)β in eq. 17's
    mask: that is eq. 13's limit in n dimensions; the 2 − βn in print holds for n = 1 only.
    """
    dimensions = widths.shape[1]
    bits = corner_bits(dimensions)
    bars, areas = 1 - bits, face_areas(widths)
    naive, black, white = rows
    found = np.empty((len(widths), 2, dimensions))
    lower, upper = found[:, 0], found[:, 1]
    # The faces at a and at b: all rules weigh these sums.
    np.matmul(inner, bars, out=lower)
    np.matmul(inner, bits, out=upper)
    if black.stop > black.start:
        bars_q, bits_q = _outer_masks(dimensions, settings.alpha)
        lower[black] *= 2
        lower[black] -= outer @ bars_q
        upper[black] *= 2
        upper[black] -= outer @ bits_q
    if slopes is not None:
        beta, own = settings.beta, 2 - (2 * dimensions - 1) * settings.beta
        at_a, at_b = lower[white].copy(), upper[white].copy()
        # From the other axes: corners move outwards along axis i as any width r_k changes.
        outward = slopes * ((bits - bars) * widths[white][:, None, :])
        others = outward.sum(axis=2, keepdims=True) - outward
        inwards = widths[white] * np.einsum("cn,wcn->wn", bars, slopes)
        outwards = widths[white] * np.einsum("cn,wcn->wn", bits, slopes)
        sideways = np.einsum("cn,wcn->wn", bars, others), np.einsum("cn,wcn->wn", bits, others)
        lower[white] = (own * at_a - beta * at_b + beta * (inwards - sideways[0])) / 2
        upper[white] = (own * at_b - beta * at_a - beta * (outwards + sideways[1])) / 2
    scale = areas * (2 / len(bits))
    lower *= scale
    upper *= -scale
    if naive.stop > naive.start:
        pull = settings.penalty * widths[naive]
        lower[naive] -= pull
        upper[naive] += pull
    return found
