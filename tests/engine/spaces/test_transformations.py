"""Transformations of an image whose results are known."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from engine.spaces.description import Change, GeneratedSource, Transformations
from engine.spaces.transformations import TRANSFORMATIONS, change, transformation_space, transformed

IMAGE = torch.rand((3, 20, 20), generator=torch.Generator().manual_seed(0))
SOURCE = GeneratedSource("mnist-conv", "ab", 3, 1)


def test_neutral_values_leave_the_image_as_it_is():
    neutral = {name: one.neutral for name, one in TRANSFORMATIONS.items()}
    torch.testing.assert_close(transformed(IMAGE, neutral), IMAGE)


@pytest.mark.parametrize(("angle", "turns"), [(90.0, -1), (-90.0, 1), (180.0, 2)])
def test_a_quarter_turn_moves_pixels_only(angle, turns):
    expected = torch.rot90(IMAGE, turns, (1, 2))
    torch.testing.assert_close(transformed(IMAGE, {"rotation": angle}), expected, atol=1e-4, rtol=0)


def test_a_shift_brings_in_the_fill():
    moved = transformed(IMAGE, {"shift x": 0.1, "shift y": -0.25}, fill=0.5)
    torch.testing.assert_close(moved[:, :15, 2:], IMAGE[:, 5:, :-2], atol=1e-5, rtol=0)
    assert (moved[:, :, :1] - 0.5).abs().max() < 1e-5
    assert (moved[:, -4:] - 0.5).abs().max() < 1e-5


def test_half_the_scale_puts_the_image_into_the_middle():
    small = transformed(torch.ones(1, 20, 20), {"scale": 0.5})
    assert (small[0, 6:14, 6:14] > 0.99).all()
    assert small[0, :4].max() == small[0, -4:].max() == 0


def test_brightness_and_blur():
    torch.testing.assert_close(transformed(IMAGE, {"brightness": 0.5}), IMAGE / 2)
    assert transformed(IMAGE, {"brightness": 5.0}).max() == 1
    even = torch.full((1, 20, 20), 0.4)
    torch.testing.assert_close(transformed(even, {"blur": 3.0}), even)
    dot = torch.zeros(1, 21, 21)
    dot[0, 10, 10] = 1
    blurred = transformed(dot, {"blur": 1.0})
    assert blurred.sum() == pytest.approx(1, abs=1e-4)
    assert blurred[0, 10, 10] == pytest.approx(1 / (2 * np.pi), rel=0.02)


def test_a_space_transforms_along_its_axes():
    described = Transformations(SOURCE, (Change("rotation", -90, 90), Change("brightness", 0, 1)))
    space = transformation_space(described, IMAGE)
    assert [(axis.name, axis.unit) for axis in space.axes] == [
        ("rotation", "°"),
        ("brightness", "×"),
    ]
    got = space.images(np.array([[90.0, 0.5], [0.0, 1.0]]))
    torch.testing.assert_close(got[0], torch.rot90(IMAGE, -1, (1, 2)) / 2, atol=1e-4, rtol=0)
    torch.testing.assert_close(got[1], IMAGE)


@pytest.mark.parametrize("name", TRANSFORMATIONS)
def test_every_transformation_makes_images_over_the_range_first_offered(name):
    one = change(name)
    assert one.lower <= TRANSFORMATIONS[name].neutral <= one.upper
    space = transformation_space(Transformations(SOURCE, (one,)), IMAGE)
    pictures = space.images(np.linspace(one.lower, one.upper, 5)[:, None])
    assert pictures.shape == (5, 3, 20, 20)
    assert pictures.min() >= 0 and pictures.max() <= 1
    assert (pictures[0] - pictures[-1]).abs().max() > 0.01


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ((), "one transformation, or two"),
        ((change("blur"), change("blur")), "two different ones"),
        ((Change("shear", 0, 1),), "there are: rotation, scale"),
        ((Change("scale", 0, 1),), "0.05 or more"),
        ((Change("blur", -1, 1),), "0 or more"),
    ],
)
def test_what_makes_no_image_is_refused(changes, message):
    with pytest.raises(ValueError, match=message):
        described = Transformations(SOURCE, changes)
        transformation_space(described, IMAGE)
