"""Table 1 as a forest plot: each mark and bar is the table's number, in its order."""

from __future__ import annotations

import numpy as np
import pandas as pd
import plotly.graph_objects as go
import pytest

from app.charts.means import restricted_means
from app.charts.theme import SCHEMES

COLOURS = {"robust": "#111111", "standard": "#222222"}


def table(**changes: object) -> pd.DataFrame:
    """Two classifiers under two layer subsets."""
    frame = pd.DataFrame(
        {
            "classifier": ["robust", "standard"] * 2,
            "subset": ["first"] * 2 + ["last"] * 2,
            "restricted_mean": [3.0, 2.0, 5.0, 4.0],
            "low": [2.5, 1.5, 4.0, 3.5],
            "high": [3.25, 2.25, 5.5, 4.25],
            "n": 20,
            "plain_mean": [2.0, 1.0, 3.0, 2.5],
            "n_plain": 10,
        }
    )
    return frame.assign(**changes)


def marks(figure: go.Figure) -> dict[str, tuple[float, float, float]]:
    """Row → mean and the ends of its bar."""
    found = {}
    for trace in figure.data:
        if trace.error_x.array is None:
            continue
        bars = zip(trace.y, trace.x, trace.error_x.array, trace.error_x.arrayminus, strict=True)
        found |= {name: (x, x - below, x + above) for name, x, above, below in bars}
    return found


@pytest.mark.parametrize("scheme", SCHEMES)
def test_bars_are_the_intervals_and_rows_have_the_tables_order(scheme: str) -> None:
    figure = restricted_means(table(), colours=COLOURS, limit=6.0, scheme=scheme)
    names = figure.layout.yaxis.categoryarray[::-1]
    frame = table()
    drawn = np.array([marks(figure)[name] for name in names])
    assert drawn == pytest.approx(frame[["restricted_mean", "low", "high"]].to_numpy())
    for name, classifier, subset in zip(names, frame["classifier"], frame["subset"], strict=True):
        assert classifier in name and subset in name
    assert [line.x0 for line in figure.layout.shapes] == [6.0]


def test_the_plain_mean_stands_beside_it() -> None:
    [plain] = [
        trace
        for trace in restricted_means(table(), colours=COLOURS, limit=6.0).data
        if trace.name == "plain mean"
    ]
    assert list(plain.x) == table()["plain_mean"].tolist()


def test_what_is_not_known_has_no_mark_and_keeps_its_row() -> None:
    unknown = table(restricted_mean=[np.nan, 2.0, 5.0, 4.0], plain_mean=np.nan)
    figure = restricted_means(unknown, colours=COLOURS, limit=6.0)
    assert len(marks(figure)) == 3 and len(figure.layout.yaxis.categoryarray) == 4
