"""Mesh files from anybody: what is accepted, and in what words another is refused."""

from __future__ import annotations

import json
import struct

import numpy as np
import pytest

from engine.spaces import mesh_files, viewpoint
from engine.spaces.made_meshes import FOLDER, MADE
from engine.spaces.mesh import MeshError, MeshFacts
from engine.spaces.mesh_files import check_mesh
from engine.spaces.mesh_geometry import box, write_ply
from tests.engine.spaces.cubes import GLB_SCENE, OBJ_CUBE, glb_cube, glb_file


@pytest.fixture
def ply(tmp_path):
    file = tmp_path / "cube.ply"
    write_ply(box((-1, -1, -1), (1, 1, 1), (200, 0, 0)), file)
    return file


@pytest.mark.parametrize(
    ("suffix", "facts"),
    [
        ("ply", MeshFacts(12, 8, True)),
        ("obj", MeshFacts(12, 8, False)),
        ("glb", MeshFacts(12, 8, False)),
    ],
)
def test_a_cube_of_each_format_is_accepted(tmp_path, ply, suffix, facts):
    file = tmp_path / f"one.{suffix}"
    contents = {"ply": ply.read_bytes(), "obj": OBJ_CUBE.encode(), "glb": glb_cube()}
    file.write_bytes(contents[suffix])
    assert check_mesh(file) == facts


def refused(tmp_path, name, content) -> str:
    file = tmp_path / name
    file.write_bytes(content)
    with pytest.raises(MeshError) as raised:
        check_mesh(file)
    return str(raised.value)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("cat.stl", b"solid", ".obj, .ply, .glb files can"),
        ("a.ply", b"hello", "not a PLY file"),
        ("a.obj", b"v 0 0 0\n\0", "not an OBJ file"),
        ("a.obj", b"v 0 0 0\nv 1 0 0\nv 0 1 0\n", "no faces"),
        ("a.obj", b"v 0 0 0\nf 1 2 3\n", "corners that are not there: it has 1 points"),
        ("a.obj", b"v 0 0 0\nv 1 0 0\nv 0 1 0\nf 1 2 x\n", "no list of numbers"),
        ("a.obj", b"v 1 1 1\nv 1 1 1\nv 1 1 1\nf 1 2 3\n", "no extent"),
        ("a.glb", b"glTF", "not a GLB file"),
        ("a.glb", b"glTF" + b"\1" * 30, "not a complete GLB file of version 2"),
        ("a.glb", glb_file({"meshes": [{}]}, b""), "damaged description"),
        (
            "a.glb",
            glb_file({**GLB_SCENE, "buffers": [{"uri": "secret.bin"}]}, b""),
            "needs other files (secret.bin)",
        ),
    ],
)
def test_what_is_no_mesh_is_refused_in_a_sentence(tmp_path, name, content, message):
    assert message in refused(tmp_path, name, content)


def test_a_cut_ply_file_is_refused(tmp_path, ply):
    content = ply.read_bytes()
    assert "shorter than its header says" in refused(tmp_path, "cut.ply", content[:330])
    wrong = content.replace(b"element vertex 8", b"element vertex 9")
    assert "cut.ply" in refused(tmp_path, "cut.ply", wrong)


def test_a_mesh_with_points_that_are_no_numbers_is_refused(tmp_path):
    vertices, faces, colours = box((-1, -1, -1), (1, 1, 1), (200, 0, 0))
    vertices[0, 0] = np.nan
    write_ply((vertices, faces, colours), tmp_path / "nan.ply")
    with pytest.raises(MeshError, match="not finite numbers"):
        check_mesh(tmp_path / "nan.ply")


def test_large_files_and_many_faces_are_refused_before_they_are_drawn(tmp_path, ply, monkeypatch):
    monkeypatch.setattr(mesh_files, "LARGEST_BYTES", 100)
    with pytest.raises(MeshError, match=r"simplify the mesh or its textures"):
        check_mesh(ply)
    monkeypatch.undo()
    monkeypatch.setattr(mesh_files, "MOST_FACES", 11)
    contents = {"a.ply": ply.read_bytes(), "a.obj": OBJ_CUBE.encode(), "a.glb": glb_cube()}
    for name, content in contents.items():
        assert "12 faces; up to 11" in refused(tmp_path, name, content)


def test_a_reader_that_dies_takes_nobody_with_it(ply, monkeypatch):
    monkeypatch.setattr(mesh_files.sys, "executable", "/bin/false")
    with pytest.raises(MeshError, match="cannot be read as a mesh"):
        check_mesh(ply)


@pytest.mark.parametrize("mesh", MADE, ids=lambda mesh: mesh.name)
def test_the_meshes_that_ship_are_what_the_command_makes(mesh, tmp_path):
    write_ply(mesh.build(), tmp_path / "made.ply")
    made, shipped = (
        file.read_bytes() for file in (tmp_path / "made.ply", FOLDER / f"{mesh.name}.ply")
    )
    header, _, body = made.partition(b"end_header\n")
    same_header, _, same_body = shipped.partition(b"end_header\n")
    assert header == same_header
    count = len(mesh.build()[0])
    row = np.dtype([("at", "<f4", 3), ("colour", "u1", 3)])
    vertices, same = (np.frombuffer(part, row, count) for part in (body, same_body))
    # Sines differ in the last bit between machines.
    np.testing.assert_allclose(vertices["at"], same["at"], atol=1e-5)
    assert body[count * row.itemsize :] == same_body[count * row.itemsize :]
    assert len(shipped) < 300_000


def test_a_glb_of_the_test_is_whole():
    content = glb_cube()
    assert struct.unpack("<I", content[8:12])[0] == len(content)
    assert json.loads(content[20 : 20 + struct.unpack("<I", content[12:16])[0]])["asset"]


def test_a_machine_that_cannot_draw_says_what_to_install(monkeypatch):
    monkeypatch.delenv("DISPLAY", raising=False)
    monkeypatch.setattr(viewpoint.sys, "platform", "linux")
    monkeypatch.setattr(viewpoint, "_WINDOWS", (("vtkEGLRenderWindow", ("libNothing.so.9",)),))
    viewpoint._window.cache_clear()
    try:
        assert "apt install libegl1" in viewpoint.drawing_problem()
        file = FOLDER / "mug.ply"
        with pytest.raises(MeshError, match="cannot be drawn here"):
            viewpoint.viewpoint_space(viewpoint.viewpoint_description(file), file)
    finally:
        viewpoint._window.cache_clear()
