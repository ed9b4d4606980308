"""The perturbation plane: a source image, and two perturbations of it as axes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import Tensor

from engine.generators.interface import Generator
from engine.random_direction import random_direction
from engine.search.perturbed_pass import PerturbedPass
from engine.spaces.description import PerturbationPlane, RandomDirection, SpaceError
from engine.spaces.space import Space

#: A perturbation: p_i by point name, without the layer weights.
Perturbation = Mapping[str, ArrayLike]

#: Two perturbations whose cosine is nearer to ±1 than this (an angle under 3°) span no plane.
PARALLEL = 1e-3


def plane_space(
    description: PerturbationPlane,
    generator: Generator,
    scales: dict[str, Tensor],
    first: Perturbation,
    second: Perturbation | None = None,
    *,
    device: str = "cpu",
) -> Space:
    """Points (s, t) → the image of the source with s·p₁ + t·p₂ at its points, clamped to [0, 1].

    `first` and `second` are the tensors of the description's directions; a random second direction
    is drawn here. At u = (1, 0) the image is the stimulus that the search found, up to tensors
    stored in half precision. Raises SpaceError where a tensor is missing or of another shape, and
    where the two perturbations are parallel.
    """
    one = _weighted(first, generator, description.first.layer_weights)
    if isinstance(description.second, RandomDirection):
        other = orthogonal_direction(generator, one, description.second.seed)
    elif second is None:
        raise SpaceError("The plane's second perturbation is a found one: give its tensors too.")
    else:
        other = _weighted(second, generator, description.second.layer_weights)
        _check_plane(one, other)
    present = [point.name in one or point.name in other for point in generator.points]
    # Layer weights are in the perturbations already: the two may have different ones.
    perturbed = PerturbedPass(generator, scales, [float(p) for p in present], device=device)
    sides = []
    for index in perturbed.active:
        point = generator.points[index]
        nothing = torch.zeros(point.shape)
        pair = [direction.get(point.name, nothing) for direction in (one, other)]
        sides.append(torch.stack(pair).flatten(1).to(device))
    source = description.source
    labels = torch.tensor([source.label], device=device)
    with torch.no_grad():
        z = generator.latent(source.seed).to(device).unsqueeze(0)
        activation, condition = perturbed.prefix(z, labels)

    @torch.no_grad()
    def images(u: NDArray[np.float64]) -> Tensor:
        at = torch.as_tensor(u, dtype=torch.float32, device=device)
        p = [
            (at @ side).view(len(at), *shape)
            for side, shape in zip(sides, perturbed.shapes, strict=True)
        ]
        many = [tensor.expand(len(at), *tensor.shape[1:]) for tensor in (activation, condition)]
        return perturbed.image(*many, labels.expand(len(at)), p)

    return Space(description, generator.image_shape, images, device)


def orthogonal_direction(
    generator: Generator, first: Mapping[str, Tensor], seed: int
) -> dict[str, Tensor]:
    """Noise orthogonal to `first` at each of its points, with the same norm there."""
    points = [point for point in generator.points if point.name in first]
    drawn = random_direction(points, [1.0] * len(points), seed)
    found = {}
    for point, noise in zip(points, drawn, strict=True):
        along = first[point.name]
        norm = along.norm()
        if norm > 0:
            noise = noise - (noise * along).sum() / norm**2 * along
        found[point.name] = noise * (norm / noise.norm())
    return found


def cosine(first: Perturbation, second: Perturbation) -> float:
    """The cosine of the angle between two perturbations, over all points: 0 is orthogonal."""
    products = np.zeros(3)
    for name in {*first, *second}:
        nothing = np.zeros_like(first[name] if name in first else second[name])
        a, b = (np.asarray(side.get(name, nothing), np.float64).ravel() for side in (first, second))
        products += a @ b, a @ a, b @ b
    inner, squared, other_squared = products
    return float(inner / np.sqrt(squared * other_squared))


def _check_plane(first: Perturbation, second: Perturbation) -> None:
    found = cosine(first, second)
    if abs(found) > 1 - PARALLEL:
        raise SpaceError(
            f"The two perturbations are parallel (cosine {found:.3f}), and span a line instead of a"
            " plane: choose another second perturbation, or a random orthogonal direction."
        )


def _weighted(
    given: Perturbation, generator: Generator, layer_weights: Sequence[float]
) -> dict[str, Tensor]:
    """w_i·p_i by the names of the points with w_i > 0."""
    weighted = {}
    for point, weight in zip(generator.points, layer_weights, strict=True):
        if weight <= 0:
            continue
        if point.name not in given:
            raise SpaceError(f"The perturbation has no tensor for the point {point.name}.")
        values = torch.as_tensor(np.asarray(given[point.name], dtype=np.float32))
        if tuple(values.shape) != point.shape:
            raise SpaceError(
                f"The perturbation at {point.name} has shape {tuple(values.shape)}, and the"
                f" generator's point has {point.shape}: it is of another generator."
            )
        weighted[point.name] = weight * values
    return weighted
