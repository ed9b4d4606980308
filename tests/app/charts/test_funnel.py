"""The bars of the funnel hold the counts that they show."""

from __future__ import annotations

import pandas as pd
import plotly.graph_objects as go

from app.charts.funnel import funnel_bars
from labelling.funnel import STAGES, funnel
from tests.labelling.trial_tables import trial_table

COLOURS = {"one": "#0072B2", "other": "#D55E00"}
TABLE = pd.concat(
    [
        trial_table("found 1 y y", "found 2 y ?", "skipped 0", classifier="one", condition=1),
        trial_table("found 1 y y", "exhausted 9 ?", classifier="other", condition=2),
    ]
)


def test_bars_have_the_counts_of_each_stage() -> None:
    chart = funnel_bars(funnel(TABLE), colours=COLOURS)
    go.Figure(chart.to_dict())  # raises ValueError for what Plotly does not know
    one, waiting = (bar for bar in chart.data if bar.offsetgroup == "one")
    assert list(one.y) == STAGES
    assert list(one.x) == [3, 2, 2, 2, 1, 1]
    assert list(waiting.x) == [0, 0, 0, 0, 1, 0]
    assert list(waiting.base) == list(one.x)
    assert waiting.text[4] == "1 + 1 unjudged"
    assert one.marker.color == COLOURS["one"]


def test_hovering_says_why_trials_were_lost() -> None:
    chart = funnel_bars(funnel(TABLE), colours=COLOURS)
    assert "1 lost: the classifier was wrong" in chart.data[0].customdata[1]


def test_an_empty_funnel_is_an_empty_chart() -> None:
    chart = funnel_bars(funnel(trial_table()), colours=COLOURS)
    assert not chart.data
