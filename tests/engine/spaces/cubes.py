"""The same cube, sides of 2 around the origin, as an OBJ and as a GLB file."""

from __future__ import annotations

import json
import struct

import numpy as np

from engine.spaces.mesh_geometry import box

_VERTICES, _FACES, _ = box((-1, -1, -1), (1, 1, 1), (200, 0, 0))

OBJ_CUBE = "".join(
    [
        *(f"v {x} {y} {z}\n" for x, y, z in _VERTICES),
        *(f"f {a + 1} {b + 1} {c + 1}\n" for a, b, c in _FACES),
    ]
)

_POINTS = _VERTICES.astype("<f4").tobytes()
_INDICES = _FACES.astype("<u2").tobytes()

GLB_SCENE = {
    "asset": {"version": "2.0"},
    "scene": 0,
    "scenes": [{"nodes": [0]}],
    "nodes": [{"mesh": 0}],
    "materials": [{"pbrMetallicRoughness": {"baseColorFactor": [0.0, 0.0, 1.0, 1.0]}}],
    "meshes": [{"primitives": [{"attributes": {"POSITION": 0}, "indices": 1, "material": 0}]}],
    "accessors": [
        {
            "bufferView": 0,
            "componentType": 5126,
            "count": 8,
            "type": "VEC3",
            "min": [-1, -1, -1],
            "max": [1, 1, 1],
        },
        {"bufferView": 1, "componentType": 5123, "count": 36, "type": "SCALAR"},
    ],
    "bufferViews": [
        {"buffer": 0, "byteOffset": 0, "byteLength": len(_POINTS)},
        {"buffer": 0, "byteOffset": len(_POINTS), "byteLength": len(_INDICES)},
    ],
    "buffers": [{"byteLength": len(_POINTS) + len(_INDICES)}],
}


def glb_file(scene: dict[str, object], binary: bytes) -> bytes:
    """A GLB file of a scene and its buffer."""
    told = json.dumps(scene).encode()
    told += b" " * (-len(told) % 4)
    binary += b"\0" * (-len(binary) % 4)
    chunks = struct.pack("<I4s", len(told), b"JSON") + told
    if binary:
        chunks += struct.pack("<I4s", len(binary), b"BIN\0") + binary
    return struct.pack("<4sII", b"glTF", 2, 12 + len(chunks)) + chunks


def glb_cube() -> bytes:
    """The cube in blue."""
    assert np.array(_FACES).max() == 7
    return glb_file(GLB_SCENE, _POINTS + _INDICES)
