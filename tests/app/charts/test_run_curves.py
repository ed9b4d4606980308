"""One search as curves: what is drawn is what was given."""

from __future__ import annotations

import pandas as pd
import pytest

from app.charts.run_curves import (
    confidence_by_strength,
    course_of_run,
    fooled_ranges,
    magnitude_by_point,
)

HISTORY = pd.DataFrame(
    {"step": [0, 1, 2], "margin": [-3, -1, 1], "magnitude": [0, 1, 1.1], "bound": [1, 1, 1.1]}
)


def test_the_course_draws_margin_magnitude_and_a_dashed_bound() -> None:
    figure = course_of_run(HISTORY, colour="#0072B2")
    drawn = {trace.name: trace for trace in figure.data}
    assert list(drawn["margin"].y) == [-3, -1, 1]
    assert list(drawn["magnitude ‖p‖₂"].y) == [0, 1, 1.1]
    assert list(drawn["bound"].y) == [1, 1, 1.1]
    assert drawn["bound"].line.dash == "dash"


def test_before_the_first_step_the_axes_span_the_budget_so_that_nothing_moves() -> None:
    figure = course_of_run(HISTORY.iloc[:0], colour="#0072B2", budget=200)
    assert figure.layout.xaxis.range == pytest.approx((0, 204))
    assert figure.layout.height == course_of_run(HISTORY, colour="#0072B2").layout.height


def test_points_without_a_perturbation_are_marked_so() -> None:
    table = pd.DataFrame({"point": ["z", "a"], "magnitude": [0.93, 0.0], "active": [True, False]})
    [bars] = magnitude_by_point(table, colour="#0072B2").data
    assert (list(bars.x), list(bars.y), list(bars.text)) == (["z", "a"], [0.93, 0], ["0.930", "–"])


@pytest.mark.parametrize(
    ("fooled", "ranges"),
    [
        ([0, 0, 0, 0], []),
        ([0, 0, 1, 1], [(1.0, 1.5)]),
        ([1, 0, 1, 0], [(0.0, 0.0), (1.0, 1.0)]),
        ([1, 1, 1, 1], [(0.0, 1.5)]),
    ],
)
def test_the_strengths_that_fool_are_shaded(
    fooled: list[int], ranges: list[tuple[float, float]]
) -> None:
    table = pd.DataFrame(
        {
            "strength": [0.0, 0.5, 1.0, 1.5],
            "label_confidence": [0.9, 0.6, 0.4, 0.1],
            "fooled_confidence": [0.1, 0.4, 0.6, 0.9],
            "fooled": [bool(one) for one in fooled],
        }
    )
    assert fooled_ranges(table) == ranges
    figure = confidence_by_strength(table, label="a", fooled_label="b", colour="#0072B2")
    assert [trace.name for trace in figure.data] == ["a", "b"]
    shaded = [(shape.x0, shape.x1) for shape in figure.layout.shapes if shape.type == "rect"]
    assert shaded == ranges
