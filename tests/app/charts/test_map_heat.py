"""Maps as charts: what is drawn is what was given, and growth ends in the region."""

from __future__ import annotations

from base64 import b64decode
from io import BytesIO

import numpy as np
import pytest
from PIL import Image

from app.charts.map_heat import heat_maps
from app.charts.map_parts import Agreement, AxisText, Box, Panel, Point, kept_steps, outline
from app.charts.map_profiles import profiles

AXES = (AxisText("rotation (°)", -90, 90), AxisText("scale (×)", 0.5, 1.5))
GRID = (np.linspace(-90, 90, 5), np.linspace(0.5, 1.5, 3))
SCORES = np.arange(15, dtype=np.float32).reshape(5, 3) / 15
PANELS = [Panel("one", SCORES, "#0072B2"), Panel("other", 1 - SCORES, "#D55E00")]
TRACE = np.array([[[0, 1], [0, 1]], [[-10, 0.9], [20, 1.2]], [[-30, 0.8], [40, 1.4]]], float)
BOX = Box(1, "robust", "refined", TRACE, "a box")


def test_a_panel_has_its_scores_with_the_first_axis_to_the_right() -> None:
    figure = heat_maps(PANELS, AXES, GRID)
    one, other = (trace for trace in figure.data if trace.type == "heatmap")
    assert np.array_equal(one.z, SCORES.T) and np.array_equal(other.z, 1 - SCORES.T)
    assert list(one.x) == list(GRID[0]) and list(one.y) == list(GRID[1])
    assert (figure.layout.coloraxis.cmin, figure.layout.coloraxis.cmax) == (0, 1)


def test_a_difference_has_a_scale_around_nothing() -> None:
    figure = heat_maps(PANELS[:1], AXES, GRID, difference=True)
    assert (figure.layout.coloraxis.cmin, figure.layout.coloraxis.cmax) == (-1, 1)


def test_a_region_is_a_closed_box_on_its_own_panel_and_every_panel_has_the_starts() -> None:
    figure = heat_maps(PANELS, AXES, GRID, boxes=[BOX], starts=[(0.0, 1.0)])
    [box] = [trace for trace in figure.data if trace.name == "robust region"]
    assert (list(box.x), list(box.y)) == outline(TRACE[-1])
    assert (box.x[0], box.y[0]) == (box.x[-1], box.y[-1]) == (-30, 0.8)
    assert box.xaxis == "x2"
    starts = [trace for trace in figure.data if trace.name == "start"]
    assert [trace.xaxis for trace in starts] == ["x", "x2"]
    assert [trace.showlegend for trace in starts] == [True, False]


def test_growth_begins_at_the_start_and_ends_in_the_region() -> None:
    figure = heat_maps(PANELS, AXES, GRID, boxes=[BOX], animated=True)
    first, *_, last = figure.frames
    assert (first.name, last.name) == ("0", "2")
    assert list(first.data[0].x) == [0] * 5
    assert (list(last.data[0].x), list(last.data[0].y)) == outline(TRACE[-1])
    [place] = last.traces
    assert figure.data[place].name == "robust region"
    # Below it lies an image of the scores, which playing does not take away.
    assert [image.xref for image in figure.layout.images] == ["x", "x2"]
    below = figure.layout.images[0]
    assert (below.x, below.sizex) == (-90 - 22.5, 180 + 45)


@pytest.mark.parametrize(("count", "most"), [(1, 40), (7, 40), (801, 40)])
def test_an_animation_keeps_both_ends_and_not_too_much(count: int, most: int) -> None:
    steps = kept_steps(count, most)
    assert steps[0] == 0 and steps[-1] == count - 1 and len(steps) <= most
    assert steps == sorted(set(steps))


def test_judged_pictures_have_the_colour_of_the_answer() -> None:
    points = [
        Point((0.0, 1.0), "label", "agree", "3 of 3"),
        Point((10.0, 1.0), "unclear", "disagree", "0 of 3"),
        Point((20.0, 1.0), "label", "disagree", "2 of 3, unanimity asked for"),
    ]
    figure = heat_maps(PANELS, AXES, GRID, points=points)
    drawn = [trace for trace in figure.data if trace.text]
    assert [trace.xaxis for trace in drawn] == ["x", "x", "x2", "x2"]
    label, unclear = drawn[:2]
    assert (list(label.x), list(unclear.text)) == ([0, 20], ["0 of 3"])
    assert label.marker.color != unclear.marker.color
    # A diamond is what the rule says no to, whatever most people answered.
    assert list(label.marker.symbol) == ["circle", "diamond"]
    named = [trace.name for trace in figure.data if trace.showlegend]
    assert named == ["people answer: the label", "unclear", "people do not agree, by the rule"]


def surface() -> Agreement:
    """People agree where rotation is below 30; the classifier fails at one corner of that."""
    grid = (np.linspace(-90, 90, 4), np.linspace(0.5, 1.5, 4))
    agree, failing = np.repeat([[1.0], [0.8], [0.2], [0.0]], 4, axis=1), np.zeros((4, 4), bool)
    agree[1:3] = [[2 / 3] * 4, [1 / 3] * 4]
    failing[0, 3] = True
    return Agreement(grid, agree, agree - 0.1, agree + 0.1, (failing, ~failing))


@pytest.mark.parametrize("animated", [False, True])
def test_where_half_of_the_people_agree_is_a_line_that_plays_along(animated: bool) -> None:
    boxes = [BOX] if animated else []
    figure = heat_maps(PANELS, AXES, GRID, agreement=surface(), boxes=boxes, animated=animated)
    line, *others = [t for t in figure.data if t.name == "half of the people agree"]
    assert line.type == "scatter" and [one.xaxis for one in others] == ["x2"]
    assert {round(x, 9) for x in line.x if x is not None} == {0.0}  # halfway from 2/3 to 1/3
    assert (min(y for y in line.y if y), max(y for y in line.y if y)) == (0.5, 1.5)
    ends = [t for t in figure.data if t.name == "its 95 % interval" and t.xaxis == "x"]
    assert sorted(round(t.x[0], 6) for t in ends) == [-18.0, 18.0]


def test_where_the_classifier_fails_while_people_agree_is_laid_over_the_scores() -> None:
    figure = heat_maps(PANELS, AXES, GRID, agreement=surface())
    laid = [t for t in figure.data if t.type == "heatmap" and not t.coloraxis]
    for one, failing in zip(laid, surface().failing, strict=True):
        assert np.array_equal(np.isfinite(np.array(one.z, float)), failing.T)


def test_and_over_the_image_that_growth_plays_on() -> None:
    figure = heat_maps(PANELS, AXES, GRID, agreement=surface(), boxes=[BOX], animated=True)
    assert [image.xref for image in figure.layout.images] == ["x", "x", "x2", "x2"]
    area = figure.layout.images[1].source
    content = BytesIO(b64decode(area.partition("base64,")[2]))
    opaque = np.array(Image.open(content))[100::200, 100::200, 3] > 0
    assert opaque.tolist() == [[True, False, False, False], *[[False] * 4] * 3]  # rows from the top
    scores = [t for t in figure.data if t.type == "heatmap"]
    # The scores themselves would cover it: they are there for whoever hovers.
    assert [(one.opacity, bool(one.coloraxis)) for one in scores] == [(0, True)] * 2
    named = [trace.name for trace in figure.data if trace.showlegend]
    assert "classifier fails, people agree" in named


def test_a_profile_has_a_line_a_classifier_and_its_regions_beside_the_scores() -> None:
    panels = [Panel("one", SCORES[:, 0], "#0072B2"), Panel("other", SCORES[:, 1], "#D55E00")]
    box = Box(0, "adversarial", "oir_b", TRACE[:, :, :1], "low")
    figure = profiles(panels, AXES[0], GRID[0], boxes=[box], starts=[0.0])
    one, start, *_ = figure.data
    assert np.array_equal(one.y, SCORES[:, 0]) and one.line.color == "#0072B2"
    assert list(start.y) == [SCORES[2, 0]]
    [region] = [trace for trace in figure.data if trace.hovertemplate.startswith("low")]
    assert list(region.x) == [-30, 40] and max(region.y) < 0
