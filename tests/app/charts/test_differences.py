"""Paired differences in a chart: one line a comparison, filled where both tests agree."""

from __future__ import annotations

import pandas as pd

from app.charts.differences import paired_differences
from benchmarks.paired_coverage import drawn
from labelling.estimands import RAW
from labelling.paired import comparisons

FAR, NEAR = (
    comparisons(drawn(40, 0, shift), RAW, "classifier", 6.0, draws=50) for shift in (3.0, 0.0)
)


def marks(*tables: pd.DataFrame):
    """(filled, hollow): the magnitudes at which the chart has each kind of mark."""
    frame = pd.concat(tables, ignore_index=True).assign(
        held=[f"case {i}" for i in range(len(tables))]
    )
    filled, hollow = paired_differences(frame).data
    return list(filled.x), list(hollow.x)


def test_a_difference_that_both_tests_find_is_filled() -> None:
    assert marks(FAR) == ([FAR["difference"].item()], [])
    assert marks(NEAR) == ([], [NEAR["difference"].item()])
    assert marks(FAR, NEAR) == ([FAR["difference"].item()], [NEAR["difference"].item()])


def test_intervals_are_the_bars() -> None:
    (filled, _) = paired_differences(FAR).data
    row = FAR.iloc[0]
    assert filled.x[0] + filled.error_x.array[0] == row["high"]
    assert round(filled.x[0] - filled.error_x.arrayminus[0], 12) == round(row["low"], 12)


def test_too_few_sources_have_a_line_and_no_mark() -> None:
    few = comparisons(drawn(3, 0, 1.0), RAW, "classifier", 6.0, draws=50)
    assert marks(few) == ([], [])
    assert len(paired_differences(few).layout.yaxis.categoryarray) == 1
