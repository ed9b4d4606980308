"""The meshes that ship, made from a few lines of geometry each.

    python -m engine.spaces.made_meshes [FOLDER]     (default: data/bundled/meshes)

Every mesh is a coloured PLY file with z upwards, and shows one class of ImageNet. They were chosen
among more (benchmarks/mesh_candidates.py) by what a real classifier recognises, as
`python -m benchmarks.meshes` measures.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from engine.spaces.mesh_geometry import (
    BLACK,
    BROWN,
    GREY,
    WOOD,
    Shape,
    ball,
    box,
    moved,
    revolved,
    ring,
    rod,
    striped,
    together,
    write_ply,
)

FOLDER = Path(__file__).parents[2] / "data" / "bundled" / "meshes"


@dataclass(frozen=True)
class MadeMesh:
    """A mesh's name, the ImageNet class that it shows, and how it is built."""

    name: str
    class_name: str
    build: Callable[[], Shape]


def _bucket() -> Shape:
    profile = [(0, 0), (0.7, 0), (1.0, 1.7), (1.06, 1.7), (1.06, 1.76), (0.96, 1.76), (0.66, 0.06)]
    handle = ring((0, 0, 1.7), 1.05, 0.035, GREY)
    keep = handle[0][:, 2] > 1.65
    handle[0][~keep, 2] = 1.65
    return together(revolved([*profile, (0, 0.06)], (60, 110, 190), 64, 60), handle)


def _hourglass() -> Shape:
    profile = [(0.05, 0.15), (0.6, 0.2), (0.65, 0.6), (0.4, 1.05), (0.08, 1.25), (0.4, 1.45)]
    glass = revolved([*profile, (0.65, 1.9), (0.6, 2.3), (0.05, 2.35)], (225, 235, 240), 48, 60)
    sand = revolved([(0, 0.2), (0.55, 0.25), (0.6, 0.6), (0, 0.85)], (225, 185, 120), 48, 20)
    plates = [rod((0, 0, z), (0, 0, z + 0.14), 0.85, WOOD, 40) for z in (0, 2.36)]
    angles = 2 * np.pi * np.arange(3) / 3
    posts = [
        rod(
            (0.75 * np.cos(a), 0.75 * np.sin(a), 0),
            (0.75 * np.cos(a), 0.75 * np.sin(a), 2.4),
            0.06,
            WOOD,
        )
        for a in angles
    ]
    return together(glass, sand, *plates, *posts)


def _traffic_light() -> Shape:
    parts = [box((-0.3, -0.35, 0), (0.3, 0.35, 2.1), (35, 40, 35))]
    for z, colour in ((0.4, (40, 210, 90)), (1.05, (250, 190, 30)), (1.7, (230, 40, 30))):
        parts.append(rod((0.3, 0, z), (0.34, 0, z), 0.26, colour, 32))
        parts.append(rod((0.3, 0, z + 0.27), (0.6, 0, z + 0.27), 0.06, (35, 40, 35)))
        parts.append(rod((0.3, 0, z), (0.31, 0, z), 0.3, BLACK, 32))
    parts.append(rod((0, 0, -1.6), (0, 0, 0), 0.08, GREY))
    return together(*parts)


def _hot_air_balloon() -> Shape:
    profile = [(0.25, 0), (0.45, 0.4), (0.9, 1.0), (1.15, 1.6), (1.1, 2.1), (0.7, 2.55), (0, 2.7)]
    colours = striped((220, 40, 40), (250, 200, 40), (40, 90, 190), (250, 240, 230), turns=4)
    ropes = [
        rod((0.25 * x, 0.25 * y, 0), (0.17 * x, 0.17 * y, -0.5), 0.012, BROWN, 8)
        for x, y in ((1, 0), (0, 1), (-1, 0), (0, -1))
    ]
    basket = box((-0.17, -0.17, -0.8), (0.17, 0.17, -0.5), (140, 95, 50))
    return together(revolved(profile, colours, 96, 60), basket, *ropes)


def _bench() -> Shape:
    slats = [box((-1.6, y, 0.8), (1.6, y + 0.2, 0.87), WOOD) for y in (-0.6, -0.3, 0.0, 0.3)]
    back = [box((-1.6, 0.6, z), (1.6, 0.67, z + 0.2), WOOD) for z in (1.1, 1.4, 1.7)]
    iron = [box((x, -0.6, 0), (x + 0.1, -0.5, 0.8), BLACK) for x in (-1.4, 1.3)]
    iron += [box((x, 0.5, 0), (x + 0.1, 0.6, 1.9), BLACK) for x in (-1.4, 1.3)]
    return together(*slats, *back, *iron)


def _mug() -> Shape:
    profile = [(0, 0), (0.75, 0), (0.8, 0.08), (0.8, 1.7), (0.74, 1.7), (0.72, 0.15), (0, 0.12)]
    return together(
        revolved(profile, (190, 40, 35), 64, 60),
        ring((0.88, 0, 0.85), 0.45, 0.1, (190, 40, 35)),
        moved(ball(BROWN, 32, 4), (0, 0, 1.5), (0.73, 0.73, 0.001)),
    )


MADE = (
    MadeMesh("bucket", "bucket", _bucket),
    MadeMesh("hourglass", "hourglass", _hourglass),
    MadeMesh("traffic-light", "traffic light", _traffic_light),
    MadeMesh("hot-air-balloon", "balloon", _hot_air_balloon),
    MadeMesh("bench", "park bench", _bench),
    MadeMesh("mug", "coffee mug", _mug),
)


def main() -> None:
    """Write all that ship."""
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    for mesh in MADE:
        write_ply(mesh.build(), folder / f"{mesh.name}.ply")


if __name__ == "__main__":
    main()
