"""The three published update rules: Leibniz's rule with the trapezoid on a box's faces.

Hamdi & Ghanem (2019), eqs. 7, 11 and 16, in the notation of the paper: a box D = [a, b] of
widths r = b − a has 2ⁿ corners, corner i at a + bits(i)⊙r; M (n × 2ⁿ) holds the bits, M̄ = 1 − M.
Some of the print is wrong (see docs/regions.md); what is written here reproduces the published
code. No expression divides by a width, so that a collapsed box stays collapsed instead of failing.

Everything is batched: R boxes at once, C = 2ⁿ corners each.
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


def corners(lower: Floats, upper: Floats) -> Floats:
    """The corners of R boxes: (R, n), (R, n) → (R, 2ⁿ, n)."""
    widths = upper - lower
    return lower[:, None, :] + corner_bits(lower.shape[1]) * widths[:, None, :]


def outer_corners(lower: Floats, upper: Floats, alpha: float) -> Floats:
    """The corners of the box Q that is larger by α/2 of the width on each side (eq. 9)."""
    margin = alpha / 2 * (upper - lower)
    return corners(lower - margin, upper + margin)


def face_areas(widths: Floats) -> Floats:
    """∏ of the other widths, (R, n) → (R, n): Δ·2ⁿ/r without dividing."""
    before = np.cumprod(widths, axis=1)
    after = np.cumprod(widths[:, ::-1], axis=1)[:, ::-1]
    areas = np.ones_like(widths)
    areas[:, 1:] *= before[:, :-1]
    areas[:, :-1] *= after[:, 1:]
    return areas


def naive(widths: Floats, inner: Floats, settings: Settings) -> tuple[Floats, Floats]:
    """∇a, ∇b of −∫f + (λ/2)‖r‖² from the corners' scores (R, C).

    The paper's eq. 7 prints M for M̄ and both signs of λ the wrong way round.
    """
    bits = corner_bits(widths.shape[1])
    scale = face_areas(widths) * (2 / len(bits))
    pull = settings.penalty * widths
    return scale * (inner @ (1 - bits)) - pull, pull - scale * (inner @ bits)


def oir_b(
    widths: Floats, inner: Floats, outer: Floats, settings: Settings
) -> tuple[Floats, Floats]:
    """∇a, ∇b of the outer-inner ratio, black box, from inner and outer scores (R, C) (eq. 11)."""
    dimensions = widths.shape[1]
    bits, alpha = corner_bits(dimensions), settings.alpha
    bars = 1 - bits
    growth = (1 + alpha) ** (dimensions - 1)
    bits_q = growth * ((1 + alpha / 2) * bits + alpha / 2 * bars)
    bars_q = growth * ((1 + alpha / 2) * bars + alpha / 2 * bits)
    scale = face_areas(widths) * (2 / len(bits))
    return (
        scale * (2 * (inner @ bars) - outer @ bars_q),
        scale * (outer @ bits_q - 2 * (inner @ bits)),
    )


def oir_w(
    widths: Floats, inner: Floats, gradients: Floats, settings: Settings
) -> tuple[Floats, Floats]:
    """∇a, ∇b of the outer-inner ratio, white box, from scores (R, C) and gradients (R, C, n).

    Eqs. 16 and 18, with 2 − (2n − 1)β in eq. 17's mask: that is eq. 13's limit in n dimensions;
    the 2 − βn in print holds for n = 1 only.
    """
    dimensions = widths.shape[1]
    bits, beta = corner_bits(dimensions), settings.beta
    bars = 1 - bits
    own = 2 - (2 * dimensions - 1) * beta
    areas = face_areas(widths) / len(bits)  # Δ/r
    volume = np.prod(widths, axis=1, keepdims=True) / len(bits)  # Δ
    # From the other axes: corners move outwards along axis i as any width r_k changes by scale.
    outward = gradients * ((bits - bars) * widths[:, None, :])
    others = outward.sum(axis=2, keepdims=True) - outward
    lower = areas * (inner @ (own * bars - beta * bits) - beta * (bars * others).sum(axis=1))
    upper = areas * (beta * (bits * others).sum(axis=1) - inner @ (own * bits - beta * bars))
    return (
        lower + beta * volume * (bars * gradients).sum(axis=1),
        upper + beta * volume * (bits * gradients).sum(axis=1),
    )
