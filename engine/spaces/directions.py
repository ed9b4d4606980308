"""Spaces inside a generator: along principal components, and between two sources."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from engine.generators.interface import Generator
from engine.search.perturbed_pass import PerturbedPass
from engine.spaces.description import LatentInterpolation, PrincipalDirections, SpaceError
from engine.spaces.principal import Components, point_index
from engine.spaces.space import Space

Floats = NDArray[np.float64]


def principal_space(
    description: PrincipalDirections,
    generator: Generator,
    components: Components,
    *,
    device: str = "cpu",
) -> Space:
    """Points u → the source's image with Σ u_k·sd_k·v_k added to its activation at the point.

    Raises SpaceError where a component is not among those computed.
    """
    index = point_index(generator, description.point)
    known = len(components.deviations)
    for number in description.components:
        if not 0 <= number < known:
            raise SpaceError(
                f"There is no component {number + 1} at {description.point}: {known} are known."
            )
    if not 1 <= len(description.components) <= 2:
        raise SpaceError("Choose one or two components.")
    chosen = torch.tensor(description.components)
    deviations = components.deviations[chosen].view(-1, 1)
    moves = (components.directions[chosen].flatten(1) * deviations).to(device)
    # A perturbed pass whose σ is 1: what is added is in the activation's own units.
    weights = [float(number == index) for number in range(len(generator.points))]
    ones = {point.name: torch.ones(point.shape) for point in generator.points}
    perturbed = PerturbedPass(generator, ones, weights, device=device)
    labels = torch.tensor([description.source.label], device=device)
    with torch.no_grad():
        z = generator.latent(description.source.seed).to(device).unsqueeze(0)
        activation, condition = perturbed.prefix(z, labels)

    @torch.no_grad()
    def images(u: Floats) -> Tensor:
        at = torch.as_tensor(u, dtype=torch.float32, device=device)
        added = (at @ moves).view(len(at), *perturbed.shapes[0])
        many = [tensor.expand(len(at), *tensor.shape[1:]) for tensor in (activation, condition)]
        return perturbed.image(*many, labels.expand(len(at)), [added])

    return Space(description, generator.image_shape, images, device)


def interpolation_space(
    description: LatentInterpolation, generator: Generator, *, device: str = "cpu"
) -> Space:
    """Points (t, s) → the image of the latent a share t of the way, of labels mixed 1 − s to s.

    With one label there is t alone. Raises SpaceError for sources of two generators.
    """
    first, second = description.first, description.second
    if (first.generator, first.checksum) != (second.generator, second.checksum):
        raise SpaceError("The two sources are of different generators: choose two of one.")
    ends = [generator.latent(one.seed).to(device) for one in (first, second)]
    labels = [one.label for one in (first, second)]

    @torch.no_grad()
    def images(u: Floats) -> Tensor:
        at = torch.as_tensor(u, dtype=torch.float32, device=device)
        share = at[:, :1]
        z = _between(*ends, share) if description.spherical else torch.lerp(*ends, share)
        conditions = [
            generator.condition(z, torch.full((len(at),), label, device=device)) for label in labels
        ]
        condition = conditions[0]
        if at.shape[1] == 2:
            condition = torch.lerp(*conditions, at[:, 1:])
        activation = z
        for index in range(1, len(generator.points)):
            activation = generator.stage(index, activation, condition)
        return generator.to_image(activation).clamp(0, 1)

    return Space(description, generator.image_shape, images, device)


def _between(start: Tensor, end: Tensor, share: Tensor) -> Tensor:
    """Spherical interpolation of (m,) and (m,) at shares (k, 1): (k, m)."""
    cosine = torch.dot(start / start.norm(), end / end.norm()).clamp(-1, 1)
    angle = torch.acos(cosine)
    if angle < 1e-4:
        return torch.lerp(start, end, share)
    parts = torch.sin((1 - share) * angle), torch.sin(share * angle)
    return (parts[0] * start + parts[1] * end) / torch.sin(angle)
