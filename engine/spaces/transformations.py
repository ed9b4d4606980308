"""Transformations of one image: rotation, scale, shift, brightness, blur (torchvision)."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from engine.spaces.changes import TRANSFORMATIONS, Transformation
from engine.spaces.description import Change, SpaceError, Transformations
from engine.spaces.space import Space


def change(name: str) -> Change:
    """A change over the range first offered. Raises SpaceError naming the valid ones."""
    found = _transformation(name)
    return Change(name, found.lower, found.upper)


def transformation_space(
    description: Transformations, image: Tensor, *, device: str = "cpu"
) -> Space:
    """Points u → the source `image` (C, H, W) in [0, 1] with each change at its value.

    Changes of the geometry are one resampling, bilinear; brightness and blur follow. Raises
    ValueError for an unknown change, one given twice, or a range that makes no image.
    """
    names = [one.name for one in description.changes]
    if not 1 <= len(names) <= 2 or len(set(names)) < len(names):
        raise SpaceError("Choose one transformation, or two different ones.")
    for one in description.changes:
        _transformation(one.name)
        lowest = {"scale": 0.05, "brightness": 0.0, "blur": 0.0}.get(one.name, -np.inf)
        if one.lower < lowest:
            raise SpaceError(f"The {one.name} has to be {lowest:g} or more, not {one.lower:g}.")
    image = image.to(device)

    @torch.no_grad()
    def images(u: NDArray[np.float64]) -> Tensor:
        return torch.stack([_changed(image, dict(zip(names, at, strict=True))) for at in u])

    def _changed(picture: Tensor, values: dict[str, float]) -> Tensor:
        return transformed(picture, values, description.fill)

    return Space(description, tuple(image.shape), images, device)


def transformed(image: Tensor, values: dict[str, float], fill: float = 0.0) -> Tensor:
    """The image (C, H, W) with the transformations at `values`, clamped to [0, 1]."""
    # Here: a second to import, needless for the other spaces.
    from torchvision.transforms import InterpolationMode
    from torchvision.transforms.functional import affine, gaussian_blur

    value = {name: one.neutral for name, one in TRANSFORMATIONS.items()} | values
    height, width = image.shape[-2:]
    if any(value[name] != TRANSFORMATIONS[name].neutral for name in _GEOMETRY):
        image = affine(
            image,
            angle=float(value["rotation"]),
            translate=[float(value["shift x"] * width), float(value["shift y"] * height)],
            scale=float(value["scale"]),
            shear=[0.0, 0.0],
            interpolation=InterpolationMode.BILINEAR,
            fill=[fill] * image.shape[0],
        )
    image = image * float(value["brightness"])
    if value["blur"] > 0.05:  # narrower, the kernel is a single pixel
        reach = min(int(np.ceil(3 * value["blur"])), min(height, width) - 1)
        image = gaussian_blur(image, [2 * reach + 1] * 2, [float(value["blur"])] * 2)
    return image.clamp(0, 1)


_GEOMETRY = ("rotation", "scale", "shift x", "shift y")


def _transformation(name: str) -> Transformation:
    if name not in TRANSFORMATIONS:
        raise SpaceError(f"There is no transformation “{name}”; there are: {_listed()}.")
    return TRANSFORMATIONS[name]


def _listed() -> str:
    return ", ".join(TRANSFORMATIONS)
