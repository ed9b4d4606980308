"""ℓ2, ℓ∞ and SSIM between two pictures."""

from __future__ import annotations

import numpy as np
import pytest

from engine.pixel_distances import pixel_distances, structural_similarity


def ramps(height: int, width: int, channels: int) -> tuple[np.ndarray, np.ndarray]:
    """A picture of ramps, and one that differs from it by up to 15 levels."""
    row, column, channel = np.indices((height, width, channels))
    one = (row * 7 + column * 5 + channel * 40) % 256
    other = np.clip(one + (row * column) % 31 - 15, 0, 255)
    return one.astype(np.uint8), other.astype(np.uint8)


@pytest.mark.parametrize(
    ("shape", "slightly", "inverted"),
    [
        ((28, 28, 1), 0.850634878029056, -0.5450243681742938),
        ((64, 48, 3), 0.8762299652220232, -0.49738703292775877),
    ],
)
def test_ssim_is_that_of_scikit_image(
    shape: tuple[int, int, int], slightly: float, inverted: float
) -> None:
    """Figures of scikit-image 0.26.0: structural_similarity(one, other, gaussian_weights=True,
    sigma=1.5, use_sample_covariance=False, data_range=255, channel_axis=2)."""
    one, other = ramps(*shape)
    assert structural_similarity(one, other) == pytest.approx(slightly, abs=1e-12)
    assert structural_similarity(one, 255 - one) == pytest.approx(inverted, abs=1e-12)


@pytest.mark.parametrize("level", [0, 100, 200])
def test_of_two_even_pictures_only_the_luminance_term_is_left(level: int) -> None:
    """(2·μx·μy + C1) / (μx² + μy² + C1): equation 13 with no variance at all."""
    one = np.full((6, 6, 1), level, np.uint8)
    other = one + np.uint8(55)
    c1 = (0.01 * 255) ** 2
    expected = (2 * level * (level + 55) + c1) / (level**2 + (level + 55) ** 2 + c1)
    assert structural_similarity(one, other) == pytest.approx(expected, rel=1e-9)


def test_norms_are_of_values_between_0_and_1() -> None:
    source = np.zeros((4, 4, 3), np.uint8)
    stimulus = source.copy()
    stimulus[0, 0] = (51, 102, 0)  # 0.2 and 0.4
    distances = pixel_distances(source, stimulus)
    assert distances.l2 == pytest.approx((0.2**2 + 0.4**2) ** 0.5)
    assert distances.linf == pytest.approx(0.4)


def test_a_picture_is_no_distance_from_itself() -> None:
    one, _ = ramps(28, 28, 1)
    distances = pixel_distances(one, one)
    assert (distances.l2, distances.linf, distances.ssim) == (0.0, 0.0, 1.0)


def test_pictures_of_two_shapes_or_types_are_refused() -> None:
    one, other = ramps(28, 28, 1)
    for wrong in (other[:-1], other.astype(float)):
        with pytest.raises(ValueError, match="of one shape"):
            pixel_distances(one, wrong)
