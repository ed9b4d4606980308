"""How far two 8-bit pictures are from each other: ℓ2, ℓ∞ and SSIM, beside every magnitude."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.ndimage import gaussian_filter

#: Of SSIM as published: the window's standard deviation and radius in pixels, and K1 and K2.
_SIGMA, _RADIUS = 1.5, 5
_K1, _K2 = 0.01, 0.03


@dataclass(frozen=True)
class PixelDistances:
    """`l2` and `linf` are norms of the difference of values in [0, 1]; `ssim` is in [−1, 1]."""

    l2: float
    linf: float
    ssim: float


def pixel_distances(source: np.ndarray, stimulus: np.ndarray) -> PixelDistances:
    """The distances between two uint8 pictures (H, W, C) of one shape."""
    if source.shape != stimulus.shape or source.dtype != np.uint8 or stimulus.dtype != np.uint8:
        raise ValueError("Two uint8 pictures of one shape can be compared, no others.")
    difference = (source.astype(np.float64) - stimulus.astype(np.float64)) / 255
    return PixelDistances(
        l2=float(np.sqrt(np.square(difference).sum())),
        linf=float(np.abs(difference).max()),
        ssim=structural_similarity(source, stimulus),
    )


def structural_similarity(one: np.ndarray, other: np.ndarray) -> float:
    """SSIM (Wang, Bovik, Sheikh and Simoncelli 2004, equations 13–16), the mean over channels.

    A Gaussian window of 11 × 11 pixels, σ = 1.5, over values of range 255, averaged where the
    window is inside the picture; over all of a picture that is smaller than the window, mirrored.
    """
    x, y = one.astype(np.float64), other.astype(np.float64)
    mean_x, mean_y = _window(x), _window(y)
    variance_x = _window(x * x) - mean_x**2
    variance_y = _window(y * y) - mean_y**2
    covariance = _window(x * y) - mean_x * mean_y
    c1, c2 = (_K1 * 255) ** 2, (_K2 * 255) ** 2
    similarity = ((2 * mean_x * mean_y + c1) * (2 * covariance + c2)) / (
        (mean_x**2 + mean_y**2 + c1) * (variance_x + variance_y + c2)
    )
    if min(one.shape[:2]) > 2 * _RADIUS:
        similarity = similarity[_RADIUS:-_RADIUS, _RADIUS:-_RADIUS]
    return float(np.clip(similarity.mean(), -1, 1))


def _window(values: np.ndarray) -> np.ndarray:
    """Local means of (H, W, C) values."""
    return gaussian_filter(values, (_SIGMA, _SIGMA, 0), radius=(_RADIUS, _RADIUS, 0))
