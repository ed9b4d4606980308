"""Maps as charts: what is drawn is what was given, and growth ends in the region."""

from __future__ import annotations

import numpy as np
import pytest

from app.charts.map_heat import heat_maps, outline
from app.charts.map_parts import Agreement, AxisText, Box, Panel, Point, kept_steps
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
        Point((0.0, 1.0), "agree", "3 of 3"),
        Point((10.0, 1.0), "disagree", "0 of 3"),
        Point((20.0, 1.0), "agree", "2 of 3"),
    ]
    figure = heat_maps(PANELS[:1], AXES, GRID, points=points)
    drawn = {trace.name: trace for trace in figure.data}
    assert list(drawn["people agree"].x) == [0, 20]
    assert list(drawn["people disagree"].text) == ["0 of 3"]
    assert drawn["people agree"].marker.color != drawn["people disagree"].marker.color
    assert "not judged" not in drawn


def test_where_the_classifier_fails_while_people_agree_is_laid_over_the_scores() -> None:
    grid = (np.linspace(-90, 90, 4), np.linspace(0.5, 1.5, 4))
    agree, failing = np.full((4, 4), 0.7), np.zeros((4, 4), bool)
    failing[3, 0] = True
    surface = Agreement(grid, agree, agree - 0.1, agree + 0.1, (failing,))
    figure = heat_maps(PANELS[:1], AXES, GRID, agreement=surface)
    [laid] = [t for t in figure.data if t.type == "heatmap" and not t.coloraxis]
    assert np.array_equal(np.isfinite(np.array(laid.z, float)), failing.T)
    lines = [trace for trace in figure.data if trace.type == "contour"]
    assert [line.contours.start for line in lines] == [0.5] * 3


def test_a_profile_has_a_line_a_classifier_and_its_regions_beside_the_scores() -> None:
    panels = [Panel("one", SCORES[:, 0], "#0072B2"), Panel("other", SCORES[:, 1], "#D55E00")]
    box = Box(0, "adversarial", "oir_b", TRACE[:, :, :1], "low")
    figure = profiles(panels, AXES[0], GRID[0], boxes=[box], starts=[0.0])
    one, start, *_ = figure.data
    assert np.array_equal(one.y, SCORES[:, 0]) and one.line.color == "#0072B2"
    assert list(start.y) == [SCORES[2, 0]]
    [region] = [trace for trace in figure.data if trace.hovertemplate.startswith("low")]
    assert list(region.x) == [-30, 40] and max(region.y) < 0
