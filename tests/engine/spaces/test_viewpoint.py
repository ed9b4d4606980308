"""Views of meshes whose sides have known colours."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from engine.maps import MapDescription, MappedClassifier, compute_map
from engine.spaces.made_meshes import FOLDER
from engine.spaces.mesh import MeshError
from engine.spaces.mesh_geometry import box, together, write_ply
from engine.spaces.viewpoint import drawing_problem, viewpoint_description, viewpoint_space
from tests.engine.maps.toy import Edge
from tests.engine.spaces.cubes import OBJ_CUBE, glb_cube

pytestmark = pytest.mark.skipif(drawing_problem() is not None, reason=str(drawing_problem()))

#: Side by side, from inside to outside along an axis: (from, to), colour of that side of the cube.
SIDES = {
    "+x": (((0.9, -1, -1), (1, 1, 1)), (230, 0, 0)),
    "-x": (((-1, -1, -1), (-0.9, 1, 1)), (0, 230, 230)),
    "+y": (((-0.9, 0.9, -1), (0.9, 1, 1)), (0, 230, 0)),
    "-y": (((-0.9, -1, -1), (0.9, -0.9, 1)), (230, 0, 230)),
    "+z": (((-0.9, -0.9, 0.9), (0.9, 0.9, 1)), (0, 0, 230)),
    "-z": (((-0.9, -0.9, -1), (0.9, 0.9, -0.9)), (230, 230, 0)),
}


@pytest.fixture(scope="module")
def cube(tmp_path_factory):
    file = tmp_path_factory.mktemp("meshes") / "cube.ply"
    write_ply(together(*(box(*corners, colour) for corners, colour in SIDES.values())), file)
    return file


@pytest.fixture(scope="module")
def space(cube):
    return viewpoint_space(viewpoint_description(cube, size=64), cube)


@pytest.mark.parametrize(
    ("azimuth", "elevation", "side"),
    [(0, 0, "+x"), (90, 0, "+y"), (180, 0, "-x"), (270, 0, "-y"), (0, 90, "+z"), (45, -90, "-z")],
)
def test_each_viewpoint_sees_its_side(space, azimuth, elevation, side):
    [picture] = space.pixels([[azimuth, elevation]])
    expected = np.array(SIDES[side][1]) > 0
    assert ((picture[32, 32] > 90) == expected).all()
    assert (picture[0, 0] == 255).all(), "the background is white, and the mesh does not fill it"


def test_the_top_of_the_mesh_is_at_the_top_of_the_picture(space):
    [picture] = space.pixels([[0, 40]])
    rows = np.flatnonzero((picture[:, 32, 2] > 90) & (picture[:, 32, 0] < 60))
    front = np.flatnonzero((picture[:, 32, 0] > 90) & (picture[:, 32, 2] < 60))
    assert len(rows) and len(front) and rows.max() <= front.min()


def test_once_around_is_where_it_began_and_drawing_repeats(space):
    views = space.pixels([[0, 20], [360, 20], [90, 10], [0, 20]])
    np.testing.assert_array_equal(views[0], views[3])
    assert np.abs(views[0].astype(int) - views[1]).mean() < 1
    assert np.abs(views[0].astype(int) - views[2]).mean() > 5


def test_y_may_point_upwards(cube):
    space = viewpoint_space(viewpoint_description(cube, size=64, up="y"), cube)
    centres = space.pixels([[0, 0], [90, 0], [0, 90]])[:, 32, 32] > 90
    expected = [np.array(SIDES[side][1]) > 0 for side in ("+z", "+x", "+y")]
    np.testing.assert_array_equal(centres, expected)


@pytest.mark.parametrize(
    ("name", "content", "blue"),
    [("cube.obj", OBJ_CUBE.encode(), False), ("cube.glb", glb_cube(), True)],
)
def test_other_formats_are_drawn_in_their_own_colour_or_the_one_chosen(
    tmp_path, name, content, blue
):
    (tmp_path / name).write_bytes(content)
    described = viewpoint_description(tmp_path / name, size=64, colour="#ff0000")
    assert described.up == "y"
    [picture] = viewpoint_space(described, tmp_path / name).pixels([[30, 20]])
    red, _, blueness = picture[32, 32].astype(int)
    assert (blueness - red > 60) if blue else (red - blueness > 60)


def test_a_map_over_viewpoints_is_computed_like_any_other(space):
    described = MapDescription(
        space.description, (MappedClassifier("edge", ""),), 0, "bright corner", (4, 3)
    )
    found = compute_map(space, [Edge(0.5)], described)
    assert found.complete
    np.testing.assert_allclose(found.scores, 1, atol=1e-6)  # the corner is always white


def test_another_file_under_the_name_is_noticed(cube, tmp_path):
    described = viewpoint_description(FOLDER / "mug.ply")
    with pytest.raises(MeshError, match="contents have changed"):
        viewpoint_space(described, cube)
    with pytest.raises(MeshError, match="z or y"):
        viewpoint_space(replace(viewpoint_description(cube), up="x"), cube)
