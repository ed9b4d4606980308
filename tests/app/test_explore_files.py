"""What Explore hands out: the exact pictures, an animation of the right size, readable JSON."""

from __future__ import annotations

import base64
import io
import json
import zipfile

import numpy as np
import pytest
from PIL import Image

from app.runner.live import After, Frame, Live
from app.widgets.explore_files import picture_pair, run_as_gif, run_as_json
from app.widgets.explore_stage import difference
from data.images import decode, encode


def picture(level: int, side: int = 28, channels: int = 1) -> bytes:
    return encode(np.full((side, side, channels), level, np.uint8))


def test_the_pair_is_byte_for_byte_what_was_tested() -> None:
    live = Live("done", 200, source=picture(0), image=picture(9))
    with zipfile.ZipFile(io.BytesIO(picture_pair(live))) as archive:
        assert archive.read("source.png") == picture(0)
        assert archive.read("perturbed.png") == picture(9)


@pytest.mark.parametrize(("side", "channels", "size"), [(28, 1, 280), (128, 3, 256), (512, 3, 512)])
def test_the_animation_has_every_frame_magnified_by_a_whole_factor(
    side: int, channels: int, size: int
) -> None:
    frames = [Frame(k, 0.1 * k, -1.0, picture(80 * k, side, channels)) for k in range(3)]
    with Image.open(io.BytesIO(run_as_gif(frames))) as animation:
        assert (animation.size, animation.n_frames) == ((size, size), 3)
        levels = []
        for index in range(3):
            animation.seek(index)
            levels.append(animation.convert("L").getpixel((0, 0)))
        assert levels == [0, 80, 160]
        assert animation.info["duration"] > 1000  # the last picture is held


def test_the_json_holds_the_definition_the_course_and_the_pictures() -> None:
    live = Live("done", 200, step=3, source=picture(0), image=picture(9), outcome="found")
    told = json.loads(run_as_json({"seed": 4}, live, After((), ()), {"run": "a1"}))
    assert (told["run"], told["definition"]["seed"], told["search"]["step"]) == ("a1", 4, 3)
    assert base64.b64decode(told["search"]["image"]) == picture(9)


@pytest.mark.parametrize(
    ("source", "image", "shown"), [(100, 100, 128), (100, 110, 148), (100, 90, 108), (0, 255, 255)]
)
def test_the_difference_is_amplified_around_middle_grey(
    source: int, image: int, shown: int
) -> None:
    assert np.unique(decode(difference(picture(source), picture(image)))) == [shown]
