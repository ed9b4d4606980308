"""Mesh files that may come from anybody: what is accepted, and why another is refused.

The headers are read here before VTK sees the file, so that a wrong, huge or cut file gives a
sentence. What only VTK can find out is found out in a process of its own (`python -m
engine.spaces.mesh_files FILE`): a reader that crashes takes nobody with it.
"""

from __future__ import annotations

import json
import re
import struct
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path

from engine.spaces.mesh import MeshError, MeshFacts, read_mesh

FORMATS = (".obj", ".ply", ".glb")
LARGEST_BYTES = 32 * 2**20
MOST_FACES = 300_000
_SECONDS = 60


def check_mesh(file: Path, *, in_process: bool = False) -> MeshFacts:
    """What the file holds. Raises MeshError saying what is wrong and what is accepted."""
    suffix = file.suffix.lower()
    if suffix not in FORMATS:
        raise MeshError(
            f"{file.name} is no mesh that can be shown: {', '.join(FORMATS)} files can."
        )
    try:
        size = file.stat().st_size
    except OSError as error:
        raise MeshError(f"{file} cannot be read.") from error
    if size > LARGEST_BYTES:
        raise MeshError(
            f"{file.name} has {size / 2**20:.0f} MiB; up to {LARGEST_BYTES // 2**20} MiB are"
            " accepted: simplify the mesh or its textures."
        )
    content = file.read_bytes()
    faces = {".obj": _obj_faces, ".ply": _ply_faces, ".glb": _glb_faces}[suffix](content, file.name)
    if faces > MOST_FACES:
        raise MeshError(
            f"{file.name} has {faces:,} faces; up to {MOST_FACES:,} are accepted: simplify it."
        )
    if faces == 0:
        raise MeshError(f"{file.name} has no faces: there would be nothing to see.")
    return read_mesh(file).facts if in_process else _loaded_apart(file)


def _obj_faces(content: bytes, name: str) -> int:
    if b"\0" in content:
        raise MeshError(f"{name} is not an OBJ file, which is text.")
    vertices = len(re.findall(rb"^v[ \t]", content, re.MULTILINE))
    for line in re.findall(rb"^f[ \t]+([^\r\n#]*)", content, re.MULTILINE):
        corners = line.split()
        try:
            indices = [int(corner.split(b"/")[0]) for corner in corners]
        except ValueError as error:
            raise MeshError(f"{name} has a face that is no list of numbers: {line!r}.") from error
        if len(indices) < 3 or any(not 1 <= abs(index) <= vertices for index in indices):
            raise MeshError(
                f"{name} has a face with corners that are not there: it has {vertices} points."
            )
    return len(re.findall(rb"^f[ \t]", content, re.MULTILINE))


def _ply_faces(content: bytes, name: str) -> int:
    header, end, _ = content[: 64 * 1024].partition(b"end_header")
    if not content.startswith(b"ply") or not end:
        raise MeshError(f"{name} is not a PLY file: its header is missing.")
    counts = dict(re.findall(rb"^element[ \t]+(\w+)[ \t]+(\d+)", header, re.MULTILINE))
    faces, points = int(counts.get(b"face", 0)), int(counts.get(b"vertex", 0))
    if faces and len(content) - len(header) < 6 * (faces + points):
        raise MeshError(f"{name} is shorter than its header says: it has been cut.")
    return faces


def _glb_faces(content: bytes, name: str) -> int:
    if len(content) < 20 or content[:4] != b"glTF":
        raise MeshError(f"{name} is not a GLB file (binary glTF 2).")
    version, length, first, kind = struct.unpack("<IIII", content[4:20])
    if version != 2 or kind != 0x4E4F534A or length > len(content) or 20 + first > len(content):
        raise MeshError(f"{name} is not a complete GLB file of version 2.")
    try:
        scene = json.loads(content[20 : 20 + first])
        for group in ("buffers", "images"):
            for one in scene.get(group, []):
                if not str(one.get("uri", "data:")).startswith("data:"):
                    raise MeshError(
                        f"{name} needs other files ({one['uri']}): export it with everything"
                        " inside."
                    )
        count = 0
        for mesh in scene.get("meshes", []):
            for primitive in mesh["primitives"]:
                within = primitive.get("indices", primitive["attributes"]["POSITION"])
                count += scene["accessors"][within]["count"] // 3
    except (ValueError, KeyError, IndexError, TypeError, AttributeError) as error:
        if isinstance(error, MeshError):
            raise
        raise MeshError(f"{name} has a damaged description of its scene.") from error
    return count


def _loaded_apart(file: Path) -> MeshFacts:
    """What VTK makes of it, in a process that may crash or hang."""
    try:
        ran = subprocess.run(
            [sys.executable, "-m", "engine.spaces.mesh_files", str(file.resolve())],
            cwd=Path(__file__).parents[2],
            capture_output=True,
            text=True,
            timeout=_SECONDS,
        )
        told = json.loads(ran.stdout.splitlines()[-1])
    except (subprocess.TimeoutExpired, IndexError, ValueError) as error:
        raise MeshError(f"{file.name} is damaged: it cannot be read as a mesh.") from error
    if "problem" in told:
        raise MeshError(told["problem"])
    return MeshFacts(**told)


if __name__ == "__main__":
    try:
        print(json.dumps(asdict(check_mesh(Path(sys.argv[1]), in_process=True))))
    except MeshError as error:
        print(json.dumps({"problem": str(error)}))
