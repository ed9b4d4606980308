"""Coloured geometry from formulas: surfaces of revolution, balls, blocks, rods and rings."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Colour = tuple[int, int, int]
#: Vertices (k, 3), triangles (m, 3) and the colour of each vertex (k, 3).
Shape = tuple[Floats, NDArray[np.int64], Floats]

WHITE, BLACK, RED, WOOD = (245, 245, 245), (25, 25, 25), (200, 30, 30), (150, 100, 55)
GREEN, YELLOW, GREY, BROWN = (110, 170, 40), (240, 205, 50), (120, 120, 125), (95, 60, 35)


def surface(
    points: Callable[[Floats, Floats], Sequence[Floats]],
    colours: Callable[[Floats, Floats], Floats] | Colour,
    across: int,
    along: int,
) -> Shape:
    """A sheet over angles 0 … 2π (closed) and heights 0 … 1, as points (x, y, z) and colours."""
    angle, height = np.meshgrid(
        np.linspace(0, 2 * np.pi, across, endpoint=False), np.linspace(0, 1, along), indexing="ij"
    )
    vertices = np.stack(np.broadcast_arrays(*points(angle, height)), -1).reshape(-1, 3)
    if callable(colours):
        painted = np.broadcast_to(colours(angle, height), (*angle.shape, 3)).reshape(-1, 3)
    else:
        painted = np.broadcast_to(np.array(colours, float), vertices.shape)
    first = (np.arange(across)[:, None] * along + np.arange(along - 1)).ravel()
    beside = ((np.arange(across)[:, None] + 1) % across * along + np.arange(along - 1)).ravel()
    lower = np.stack([first, beside, first + 1], 1)
    upper = np.stack([beside, beside + 1, first + 1], 1)
    return vertices, np.concatenate([lower, upper]), painted


def revolved(
    profile: Sequence[tuple[float, float]],
    colours: Callable[[Floats, Floats], Floats] | Colour,
    across: int = 48,
    along: int = 60,
) -> Shape:
    """A profile (radius, z), from one end to the other, turned around the z axis."""
    radii, heights = np.array(profile).T
    lengths = np.hypot(np.diff(radii), np.diff(heights))
    at = np.concatenate([[0.0], lengths.cumsum()]) / lengths.sum()

    def points(angle: Floats, share: Floats) -> Sequence[Floats]:
        radius = np.interp(share, at, radii)
        return radius * np.cos(angle), radius * np.sin(angle), np.interp(share, at, heights)

    return surface(points, colours, across, along)


def ball(
    colours: Callable[[Floats], Floats] | Colour,
    across: int = 96,
    along: int = 64,
    bumps: Callable[[Floats], Floats] = lambda normals: 0.0,
) -> Shape:
    """The unit sphere, its colours and its bumps told by the direction (…, 3)."""

    def normals(angle: Floats, share: Floats) -> Floats:
        rise = np.pi * (share - 0.5)
        flat = np.cos(rise)
        return np.stack([flat * np.cos(angle), flat * np.sin(angle), np.sin(rise)], -1)

    def points(angle: Floats, share: Floats) -> Sequence[Floats]:
        direction = normals(angle, share)
        lifted = direction * (1 + np.asarray(bumps(direction)))[..., None]
        return [lifted[..., axis] for axis in range(3)]

    painted = colours if not callable(colours) else lambda a, s: colours(normals(a, s))
    return surface(points, painted, across, along)


def box(low: Sequence[float], high: Sequence[float], colour: Colour) -> Shape:
    """A block between two corners."""
    bits = (np.arange(8)[:, None] >> np.arange(3)) & 1
    vertices = np.where(bits, np.array(high, float), np.array(low, float))
    quads = [(0, 2, 3, 1), (4, 5, 7, 6), (0, 1, 5, 4), (2, 6, 7, 3), (0, 4, 6, 2), (1, 3, 7, 5)]
    triangles = [t for a, b, c, d in quads for t in ((a, b, c), (a, c, d))]
    return vertices, np.array(triangles), np.tile(np.array(colour, float), (8, 1))


def rod(
    start: Sequence[float], end: Sequence[float], radius: float, colour: Colour, across: int = 20
) -> Shape:
    """A closed cylinder from one point to another."""
    begin, finish = np.array(start, float), np.array(end, float)
    axis = (finish - begin) / np.linalg.norm(finish - begin)
    helper = np.eye(3)[np.abs(axis).argmin()]
    first = np.cross(axis, helper)
    first /= np.linalg.norm(first)
    second = np.cross(axis, first)

    def points(angle: Floats, share: Floats) -> Sequence[Floats]:
        wide = np.where((share == 0) | (share == 1), 0.0, radius)
        along = np.where(share < 0.5, 0.0, 1.0)
        at = begin + along[..., None] * (finish - begin)
        at = at + wide[..., None] * (
            np.cos(angle)[..., None] * first + np.sin(angle)[..., None] * second
        )
        return [at[..., n] for n in range(3)]

    return surface(points, colour, across, 4)


def ring(
    centre: Sequence[float], radius: float, thickness: float, colour: Colour, normal: str = "y"
) -> Shape:
    """A torus in the plane across `normal`."""

    def points(angle: Floats, share: Floats) -> Sequence[Floats]:
        turn = 2 * np.pi * share
        out = radius + thickness * np.cos(turn)
        flat = [out * np.cos(angle), out * np.sin(angle), thickness * np.sin(turn)]
        order = {"z": (0, 1, 2), "y": (0, 2, 1), "x": (2, 0, 1)}[normal]
        return [centre[n] + flat[order[n]] for n in range(3)]

    return surface(points, colour, 40, 14)


def together(*shapes: Shape) -> Shape:
    """Several shapes as one."""
    counts = np.cumsum([0, *(len(vertices) for vertices, _, _ in shapes)])
    return (
        np.concatenate([vertices for vertices, _, _ in shapes]),
        np.concatenate([faces + n for (_, faces, _), n in zip(shapes, counts, strict=False)]),
        np.concatenate([colours for _, _, colours in shapes]),
    )


def moved(shape: Shape, by: Sequence[float], scale: Sequence[float] | float = 1.0) -> Shape:
    """The shape, scaled and then moved."""
    vertices, faces, colours = shape
    return vertices * np.asarray(scale, float) + np.asarray(by, float), faces, colours


def striped(*colours: Colour, turns: int = 1) -> Callable[[Floats, Floats], Floats]:
    """Vertical stripes in turn, `turns` times around."""
    palette = np.array(colours, float)
    return lambda angle, share: palette[
        (angle / (2 * np.pi) * turns * len(colours)).astype(int) % len(colours)
    ]


def banded(*bands: tuple[float, Colour]) -> Callable[[Floats, Floats], Floats]:
    """Horizontal bands: each colour up to its share of the profile."""
    ends, palette = np.array([end for end, _ in bands]), np.array([c for _, c in bands], float)
    return lambda angle, share: palette[np.minimum(np.searchsorted(ends, share), len(palette) - 1)]


def mottled(colour: Colour, amount: float, seed: int) -> Callable[[Floats], Floats]:
    """A colour that varies smoothly over a ball, as a fruit's does."""
    waves = np.random.default_rng(seed).normal(0, 4, (24, 3))

    def painted(direction: Floats) -> Floats:
        noise = np.sin(direction @ waves.T).mean(-1)
        return np.clip(np.array(colour, float) * (1 + amount * noise[..., None]), 0, 255)

    return painted


def pits(count: int, depth: float, width: float) -> Callable[[Floats], Floats]:
    """Dents evenly over a ball (a Fibonacci lattice)."""
    place = np.arange(count) + 0.5
    rise, turn = np.arcsin(1 - 2 * place / count), np.pi * (1 + 5**0.5) * place
    centres = np.stack([np.cos(rise) * np.cos(turn), np.cos(rise) * np.sin(turn), np.sin(rise)], -1)

    def bumps(direction: Floats) -> Floats:
        nearest = np.max(direction @ centres.T, axis=-1)
        return -depth * np.exp(-((np.arccos(np.clip(nearest, -1, 1)) / width) ** 2))

    return bumps


def write_ply(shape: Shape, file: Path) -> None:
    """A binary PLY file with a colour for each vertex."""
    vertices, faces, colours = shape
    header = (
        "ply\nformat binary_little_endian 1.0\ncomment Made by engine/spaces/made_meshes.py\n"
        f"element vertex {len(vertices)}\nproperty float x\nproperty float y\nproperty float z\n"
        "property uchar red\nproperty uchar green\nproperty uchar blue\n"
        f"element face {len(faces)}\nproperty list uchar int vertex_indices\nend_header\n"
    )
    points = np.empty(len(vertices), dtype=[("at", "<f4", 3), ("colour", "u1", 3)])
    points["at"], points["colour"] = vertices, np.round(colours)
    corners = np.empty(len(faces), dtype=[("count", "u1"), ("corners", "<i4", 3)])
    corners["count"], corners["corners"] = 3, faces
    file.write_bytes(header.encode("ascii") + points.tobytes() + corners.tobytes())
