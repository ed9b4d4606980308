"""Charts of what fools what: the diagonal claims nothing, empty cells stay empty."""

from __future__ import annotations

import numpy as np
import pandas as pd
import plotly.graph_objects as go
import pytest

from app.charts.agreement import FEWEST_A_GROUP, GROUPS, agreement, groups
from app.charts.label_targets import EVERY, label_target_map
from app.charts.layers import magnitude_by_layer
from app.charts.theme import SCHEMES
from app.charts.transfer import transfer_matrices
from labelling.strengths import agreement_curves, agreement_fits, fitted
from tests.labelling.test_strengths import synthetic

COLOURS = {"one": "#111111", "two": "#222222"}


def matrix() -> pd.DataFrame:
    """Found against one and two, tested on both; two was not asked about those of one."""
    return pd.DataFrame(
        {
            "subset": "first",
            "found_for": ["one", "one", "two", "two"],
            "tested_on": ["one", "two", "one", "two"],
            "n": [5, 0, 4, 5],
            "fooled": [5, 0, 1, 5],
            "unasked": [0, 5, 0, 0],
            "by_construction": [True, False, False, True],
            "share": [1.0, np.nan, 0.25, 1.0],
            "low": np.nan,
            "high": np.nan,
        }
    )


@pytest.mark.parametrize("scheme", SCHEMES)
def test_the_diagonal_has_no_colour_and_what_was_not_tested_says_so(scheme: str) -> None:
    figure = transfer_matrices(matrix(), subsets=["first"], scheme=scheme)
    [heat] = figure.data
    assert np.isnan(np.diag(np.array(heat.z, float))).all()
    assert np.array(heat.z, float)[1, 0] == 0.25
    texts = [note.text.partition("<br>")[0] for note in figure.layout.annotations]
    assert texts == ["<b>Layers: first</b>", "found", "not tested", "25%", "found"]


def test_one_classifier_alone_draws_a_matrix_of_its_own_cell() -> None:
    figure = transfer_matrices(matrix().iloc[:1], subsets=["first"])
    assert len(figure.data) == 1


def cells(**changes: object) -> pd.DataFrame:
    frame = pd.DataFrame(
        {
            "label": [0, 1, EVERY],
            "target": [1, 0, EVERY],
            "n": [4, 2, 6],
            "fooled": [4, 2, 2],
            "median": [2.0, np.nan, np.inf],
        }
    )
    return frame.assign(**changes)


def test_a_map_of_labels_tells_few_from_never_fooled() -> None:
    figure = label_target_map(cells(), labels=[0, 1], targets=[0, 1], name_of=str)
    assert [note.text for note in figure.layout.annotations] == ["2.00", "n 2", "∞"]
    assert np.isfinite(np.array(figure.data[0].z, float)).sum() == 1


def checked(figure: go.Figure) -> go.Figure:
    """What Plotly makes of a figure of dictionaries: it raises ValueError for what it knows not."""
    return go.Figure(figure.to_dict())


def test_a_map_of_labels_with_no_median_at_all_is_drawn() -> None:
    label_target_map(cells(median=np.nan), labels=[0, 1], targets=[0, 1], name_of=str).to_json()


def test_layers_without_an_interval_have_bars_without_whiskers() -> None:
    frame = pd.DataFrame(
        {
            "classifier": "one",
            "subset": "first",
            "condition_id": 1,
            "point": [0, 2],
            "magnitude": [1.0, 2.0],
            "low": np.nan,
            "high": np.nan,
            "share": [0.2, 0.8],
            "n": 3,
        }
    )
    figure = magnitude_by_layer(
        frame, points=["z", "fc", "conv"], subsets=["first"], colours=COLOURS
    )
    checked(figure)
    [bars] = figure.data
    assert list(bars.x) == ["z", "conv"] and np.isnan(np.array(bars.error_y.array, float)).all()


def test_answers_are_gathered_into_groups_of_one_size() -> None:
    gathered = groups(synthetic(83), "strength")
    assert len(gathered) == GROUPS and gathered["n"].max() - gathered["n"].min() <= 1
    assert gathered["n"].sum() == 83 and gathered["x"].is_monotonic_increasing
    assert groups(synthetic(FEWEST_A_GROUP - 1), "strength").empty


def test_curves_are_drawn_where_there_are_any_and_only_points_where_not() -> None:
    table = pd.concat([synthetic(200), synthetic(10, 1)])
    each = fitted(table)
    fits, curves = agreement_fits(each), agreement_curves(each)
    figure = agreement(
        curves,
        fits,
        table,
        against="magnitude",
        subsets=["first"],
        colours={"classifier-0": "#111111", "classifier-1": "#222222"},
    )
    names = [(trace.name, trace.mode) for trace in checked(figure).data]
    assert ("classifier-0", "lines") in names and ("classifier-1", "lines") not in names
    assert ("classifier-1", "markers") in names
