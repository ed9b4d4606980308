"""The report's pictures: the same few sources across classifiers and layers."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd
from sqlite_utils import Database

from app import report_html as html
from app.charts.gallery import gallery
from app.report_analysis import Analysis, subsets_of
from app.widgets.gallery_rows import gallery_columns, gallery_rows
from data.home import Home

#: Sources that are shown, however large the experiment: a report is sent around, and printed.
SOURCES = 4
GAIN = 4


def pictures(database: Database, home: Home, analysis: Analysis) -> Iterator[str]:
    """A gallery a search, of the first trials in which the most conditions found something."""
    searches = [(name, part) for name, part in analysis.searches() if _found(part).any()]
    if not searches:
        return
    yield "<h2>Pictures</h2>"
    for name, part in searches:
        shown, most = chosen_trials(part)
        columns = gallery_columns(part, subsets_of(part))
        rows, cells = gallery_rows(
            database, home, part, np.ones(len(part), bool), shown, analysis.labels, GAIN
        )
        yield html.figure(
            gallery(
                rows,
                columns,
                cells,
                colours=analysis.colours,
                title=f"The same sources across classifiers and layers, differences × {GAIN}",
                subtitle=analysis.lines(part),
            ),
            "pictures",
        )
        every = (
            "every condition" if most == len(columns) else f"{most} of {len(columns)} conditions"
        )
        marks = " ✓ people still see the label, ✗ they do not." if analysis.judged else ""
        yield html.small(
            f"The first {len(shown)} trials of the {name} in which {every} found something: they"
            " are the first, not the fairest. Under each picture its difference from the source,"
            f" grey where unchanged, and ‖p‖.{marks} Pictures of more than 140 pixels a side are"
            " reduced."
        )


def chosen_trials(part: pd.DataFrame, most: int = SOURCES) -> tuple[np.ndarray, int]:
    """The first trials among those in which the most conditions found something; how many did."""
    found = np.bincount(part["trial_index"].to_numpy()[_found(part)])
    best = int(found.max(initial=0))
    return np.flatnonzero(found == best)[:most], best


def _found(part: pd.DataFrame) -> np.ndarray:
    return (part["outcome"] == "found").to_numpy()
