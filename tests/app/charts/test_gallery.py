"""The gallery: pictures in their places, sharp, with exact differences; what fits stands out."""

from __future__ import annotations

import io
from base64 import b64decode
from pathlib import Path

import numpy as np
import pandas as pd
import plotly.graph_objects as go
import pytest
from PIL import Image

from app.charts.gallery import gallery
from app.widgets.gallery_pictures import SIDE, difference, picture, prepare
from app.widgets.gallery_rows import in_order
from app.widgets.results_gallery import ANY, Wanted
from data.home import Home, home
from data.images import store_image

DOT = "data:image/png;base64,AAAA"


def drawn(**changes: object) -> go.Figure:
    """Two trials under two conditions; the second trial is exhausted under the second."""
    columns = pd.DataFrame(
        {"condition_id": [7, 9], "classifier": ["mnist-robust"] * 2, "subset": ["first", "last"]}
    )
    rows = pd.DataFrame({"trial_index": [4, 2], "source": [DOT, DOT], "caption": ["a", "b"]})
    cells = pd.DataFrame(
        {
            "condition_id": [7, 9, 7, 9],
            "trial_index": [4, 4, 2, 2],
            "picture": [DOT, DOT, DOT, None],
            "difference": [DOT, DOT, DOT, None],
            "caption": ["1", "2", "3", "not fooled"],
            "hover": [""] * 4,
            "fits": [True, False, True, False],
        }
    )
    return gallery(rows, columns, cells, colours={"mnist-robust": "#123456"}, **changes)


def test_every_picture_stands_in_its_column_and_row() -> None:
    figure = drawn()
    images = figure.layout.images
    assert len(images) == 2 + 2 * 3  # sources, and picture and difference of three cells
    by_column = pd.Series([int(image.x) for image in images]).value_counts().to_dict()
    assert by_column == {0: 2, 1: 4, 2: 2}
    first, second = sorted({image.y for image in images if image.x < 1})
    assert second - first > 2  # a picture, its difference, and a caption


def test_what_does_not_fit_is_faint() -> None:
    opacity = {round(image.x): set() for image in drawn().layout.images}
    for image in drawn().layout.images:
        opacity[round(image.x)].add(image.opacity)
    assert opacity[0] == opacity[1] == {1.0} and max(opacity[2]) < 0.5


def test_a_click_tells_the_condition_and_the_trial_as_whole_numbers() -> None:
    [clicks] = drawn().data
    assert [list(one) for one in clicks.customdata] == [[7, 4], [9, 4], [7, 2]]
    # An array would reach the page encoded, and come back from a click as something else.
    assert '"customdata":[[7,4],[9,4],[7,2]]' in drawn().to_json().replace(" ", "")


@pytest.fixture
def place(tmp_path: Path) -> Home:
    """An empty home."""
    return home(tmp_path / "home")


def pixels(address: str) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(b64decode(address.partition(",")[2]))))


def test_small_pictures_are_enlarged_without_smoothing(place: Home) -> None:
    small = np.random.default_rng(0).integers(0, 256, (28, 28, 1)).astype(np.uint8)
    factor = SIDE // 28
    assert np.array_equal(
        pixels(picture(place, store_image(place, small))),
        np.kron(small[:, :, 0], np.ones((factor, factor), np.uint8)),
    )


def test_large_pictures_are_reduced(place: Home) -> None:
    large = np.zeros((2 * SIDE, 3 * SIDE, 3), np.uint8)
    shape = pixels(picture(place, store_image(place, large))).shape
    assert max(shape) == SIDE and shape[1] / shape[0] == pytest.approx(1.5, rel=0.02)


@pytest.mark.parametrize(("gain", "seen"), [(1, 133), (4, 148), (16, 208)])
def test_the_difference_is_amplified_around_grey(place: Home, gain: int, seen: int) -> None:
    source = np.full((28, 28, 1), 100, np.uint8)
    perturbed = source.copy()
    perturbed[0, 0] = 110
    names = [store_image(place, one) for one in (source, perturbed)]
    shown = pixels(difference(place, *names, gain))
    assert (shown[0, 0], shown[-1, -1]) == (seen, 128)


def test_a_missing_file_leaves_its_place_empty(place: Home) -> None:
    assert picture(place, "0" * 64) is None and difference(place, "0" * 64, "1" * 64, 4) is None
    assert picture(place, None) is None


def test_what_a_page_shows_is_made_beforehand(place: Home) -> None:
    source, *found = (
        store_image(place, np.full((8, 8, 1), level, np.uint8)) for level in (9, 99, 199)
    )
    prepare(place, [*((source, one) for one in found), (source, None), (None, None)], 4)
    for file in place.images.rglob("*.png"):
        file.unlink()
    shown = [picture(place, one) for one in (source, *found)]
    shown += [difference(place, source, one, 4) for one in found]
    assert None not in shown and len(set(shown)) == 4  # both differences are as light as can be
    assert shown[3] == shown[4]


def trials() -> pd.DataFrame:
    """Three trials under two conditions."""
    return pd.DataFrame(
        {
            "trial_index": [0, 1, 2, 0, 1, 2],
            "label": [3, 3, 5, 3, 3, 5],
            "target": [8.0, 9.0, 9.0, 8.0, 9.0, 9.0],
            "outcome": ["found", "found", "found", "found", "exhausted", "found"],
            "magnitude": [4.0, 2.0, 6.0, 1.0, np.nan, 3.0],
            "perturbed_judgement": ["agree", "missing", "disagree"] * 2,
        }
    )


@pytest.mark.parametrize(
    ("wanted", "fits"),
    [
        (Wanted(None, None, 0.0, np.inf, ANY), [1, 1, 1, 1, 0, 1]),
        (Wanted(3, None, 0.0, np.inf, ANY), [1, 1, 0, 1, 0, 0]),
        (Wanted(None, 9, 0.0, np.inf, ANY), [0, 1, 1, 0, 0, 1]),
        (Wanted(None, None, 2.0, 4.0, ANY), [1, 1, 0, 0, 0, 1]),
        (Wanted(None, None, 0.0, np.inf, "disagree"), [0, 0, 1, 0, 0, 1]),
    ],
    ids=["any", "label", "target", "magnitude", "judgement"],
)
def test_filters(wanted: Wanted, fits: list[int]) -> None:
    assert wanted.fits(trials()).astype(int).tolist() == fits


@pytest.mark.parametrize(
    ("order", "expected"), [("trial", [0, 1, 2]), ("small", [0, 1, 2]), ("large", [2, 0, 1])]
)
def test_orders(order: str, expected: list[int]) -> None:
    fits = Wanted(None, None, 0.0, np.inf, ANY).fits(trials())
    assert in_order(trials(), fits, order).tolist() == expected
