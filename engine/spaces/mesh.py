"""A 3-D mesh as VTK reads it: its surface, the sphere around it, what it holds. No torch here."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.spaces.description import SpaceError


class MeshError(SpaceError):
    """A mesh cannot be used; the message is one sentence for the user."""


@dataclass(frozen=True)
class MeshFacts:
    """What a file holds: faces, points, and whether it brings colours of its own."""

    faces: int
    points: int
    coloured: bool


@dataclass(frozen=True)
class Mesh:
    """A mesh that VTK has read: PyVista's surface, the sphere around it, what the file holds."""

    file: Path
    surface: Any
    centre: NDArray[np.float64]
    radius: float
    facts: MeshFacts


def read_mesh(file: Path) -> Mesh:
    """Raises MeshError. Whoever has a file from somebody else checks it first (`check_mesh`)."""
    import pyvista

    pyvista.set_error_output_file(os.devnull)
    try:
        read = pyvista.read(file)
    except Exception as error:  # VTK's readers raise anything
        raise MeshError(f"{file.name} is damaged: it cannot be read as a mesh.") from error
    if isinstance(read, pyvista.MultiBlock):
        read = read.combine() if read.n_blocks else pyvista.PolyData()
    surface = read.extract_surface(algorithm="dataset_surface").triangulate()
    if surface.n_cells == 0 or surface.n_points == 0:
        raise MeshError(f"{file.name} is damaged: no face of it can be read.")
    points = np.asarray(surface.points, dtype=np.float64)
    if not np.isfinite(points).all():
        raise MeshError(f"{file.name} has points that are not finite numbers.")
    low, high = points.min(axis=0), points.max(axis=0)
    centre = (low + high) / 2
    radius = float(np.linalg.norm(points - centre, axis=1).max())
    if not 0 < radius < 1e30:
        raise MeshError(f"{file.name} has no extent: all its points are in one place.")
    facts = MeshFacts(int(surface.n_cells), int(surface.n_points), colours_of(surface) is not None)
    return Mesh(file, surface, centre, radius, facts)


def colours_of(part: Any) -> NDArray[np.uint8] | None:
    """The colour of each point, where the file brings colours (PLY: red, green, blue)."""
    for name in ("RGB", "RGBA"):
        if name in part.point_data:
            return np.asarray(part.point_data[name])[:, :3]
    return None
