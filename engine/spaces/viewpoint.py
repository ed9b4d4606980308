"""Views of a 3-D mesh from any azimuth and elevation, drawn by PyVista without a display."""

from __future__ import annotations

import ctypes
import hashlib
import os
import sys
import weakref
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from engine.spaces.description import Viewpoint
from engine.spaces.mesh import Mesh, MeshError, colours_of, read_mesh
from engine.spaces.space import Space

#: Where each convention's up, front and right are: the horizon's axes are the last two.
_UP = {"z": (2, 0, 1), "y": (1, 2, 0)}


#: What draws without a display, and the libraries that each needs: EGL with a maker's half.
_WINDOWS = (
    ("vtkEGLRenderWindow", ("libEGL.so.1", "libEGL_mesa.so.0")),
    ("vtkEGLRenderWindow", ("libEGL.so.1", "libEGL_nvidia.so.0")),
    ("vtkOSOpenGLRenderWindow", ("libOSMesa.so.8",)),
    ("vtkOSOpenGLRenderWindow", ("libOSMesa.so.6",)),
)


def drawing_problem() -> str | None:
    """Why nothing can be drawn on this machine, in a sentence, or None where it can be."""
    if not _has_no_display() or _window() is not None:
        return None
    return (
        "3-D meshes cannot be drawn here, since neither EGL nor OSMesa is installed: on Debian or"
        " Ubuntu, run “apt install libegl1 libgl1-mesa-dri”."
    )


def _has_no_display() -> bool:
    return sys.platform.startswith("linux") and not os.environ.get("DISPLAY")


@cache
def _window() -> str | None:
    """VTK's window to draw in without a display, or None where its libraries are missing."""
    for window, libraries in _WINDOWS:
        try:
            for library in libraries:
                ctypes.CDLL(library)
        except OSError:
            continue
        return window
    return None


def viewpoint_description(file: Path, **settings: Any) -> Viewpoint:
    """The description of the space of views of a file; `settings` are fields of `Viewpoint`.

    glTF and OBJ files have y upwards, unless told otherwise, and PLY files z.
    """
    up = "z" if file.suffix.lower() == ".ply" else "y"
    digest = hashlib.sha256(file.read_bytes()).hexdigest()
    return Viewpoint(**{"mesh": file.name, "sha256": digest, "up": up} | settings)


def viewpoint_space(description: Viewpoint, file: Path, *, device: str = "cpu") -> Space:
    """Points (azimuth, elevation) in degrees → the view from there, (k, 3, size, size).

    Azimuth 0 looks from the front (+x where z is up, +z where y is), and turns counter-clockwise
    seen from above; elevation 90 looks down. One thread draws, the one that built the space.

    A file from somebody else is checked once, when it comes (`check_mesh`), and known by its hash
    from then on. Raises MeshError where it is another file, or nothing can be drawn here.
    """
    digest = hashlib.sha256(file.read_bytes()).hexdigest()
    if digest != description.sha256:
        raise MeshError(f"{file.name} is not the mesh of this map: its contents have changed.")
    if description.up not in _UP:
        raise MeshError(f"The upward axis is {' or '.join(_UP)}, not {description.up}.")
    views = Views(read_mesh(file), description)

    def images(u: NDArray[np.float64]) -> Tensor:
        drawn = np.stack([views(azimuth, elevation) for azimuth, elevation in u])
        return torch.from_numpy(drawn).to(device).movedim(-1, 1).float() / 255

    shape = (3, description.size, description.size)
    return Space(description, shape, images, device, side_by_side=False)


class Views:
    """Draws a mesh from where it is asked to. Not for several threads; `close` frees it."""

    def __init__(self, mesh: Mesh, description: Viewpoint) -> None:
        problem = drawing_problem()
        if problem:
            raise MeshError(problem)
        window = _window() if _has_no_display() else None
        if window:  # else VTK tries X first, and complains
            os.environ.setdefault("VTK_DEFAULT_OPENGL_WINDOW", window)
        import pyvista

        self._mesh, self._description = mesh, description
        size = description.size
        self._plotter = pyvista.Plotter(off_screen=True, window_size=(size, size), lighting=None)
        # VTK complains when the interpreter ends before its windows do.
        self.close = weakref.finalize(self, self._plotter.close)
        self._plotter.set_background(description.background)
        # Light from the camera and, weaker, from above: no view is of a dark side.
        self._plotter.add_light(pyvista.Light(light_type="headlight", intensity=0.75))
        above = np.zeros(3)
        above[_UP[description.up][0]] = 1.0
        position = tuple(mesh.centre + 10 * mesh.radius * above)
        self._plotter.add_light(
            pyvista.Light(position=position, focal_point=tuple(mesh.centre), intensity=0.35)
        )
        if mesh.file.suffix.lower() == ".glb":
            self._plotter.import_gltf(str(mesh.file), set_camera=False)
        else:
            colours = colours_of(mesh.surface)
            given = {"color": description.colour}
            if colours is not None:
                given = {"scalars": colours, "rgb": True}
            self._plotter.add_mesh(mesh.surface, smooth_shading=False, specular=0.1, **given)
        camera = self._plotter.camera
        camera.view_angle = 2 * np.degrees(np.arcsin(min(1 / description.distance, 0.99))) * 1.05

    def __call__(self, azimuth: float, elevation: float) -> NDArray[np.uint8]:
        """The view (size, size, 3)."""
        up, front, side = _UP[self._description.up]
        turn, rise = np.radians(azimuth), np.radians(elevation)
        towards, above = np.zeros(3), np.zeros(3)
        towards[front] = np.cos(turn) * np.cos(rise)
        towards[side] = np.sin(turn) * np.cos(rise)
        towards[up] = np.sin(rise)
        # The camera's own up, so that looking straight down is a view like any other.
        above[front] = -np.cos(turn) * np.sin(rise)
        above[side] = -np.sin(turn) * np.sin(rise)
        above[up] = np.cos(rise)
        mesh, camera = self._mesh, self._plotter.camera
        camera.focal_point = tuple(mesh.centre)
        camera.position = tuple(mesh.centre + self._description.distance * mesh.radius * towards)
        camera.up = tuple(above)
        self._plotter.renderer.ResetCameraClippingRange()
        self._plotter.render()
        return np.asarray(self._plotter.screenshot(return_img=True))[..., :3]
