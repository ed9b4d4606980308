"""The report's results: curves, means, paired comparisons, and where the trials went."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from html import escape

import pandas as pd
from sqlite_utils import Database

from app import report_html as html
from app.charts.differences import paired_differences
from app.charts.funnel import funnel_bars
from app.charts.means import restricted_means
from app.charts.success import risk_magnitudes, success_curves
from app.figures import figures
from app.report_analysis import Analysis, subsets_of
from app.results_files import table_1
from labelling import curves
from labelling.analysis_plan import Comparison, compared
from labelling.distances import MEAN_DISTANCES, means_and_distances
from labelling.estimands import ESTIMANDS
from labelling.funnel import funnel
from labelling.means import MEDIAN, PLAIN_MEAN, RESTRICTED_MEAN
from labelling.paired import Dimension, comparisons
from labelling.paired_words import what_follows

#: More comparisons than this are told in words only when somebody asks.
MOST_SENTENCES = 8
_NAMED: dict[Dimension, str] = {
    "classifier": "classifiers",
    "subset": "layer subsets",
    "search": "searches",
}


def results(database: Database, analysis: Analysis) -> Iterator[str]:
    """Search by search, and the searches against each other where there are several."""
    yield "<h2>Results</h2>"
    if analysis.trials.empty:
        yield "<p>No trial has ended yet.</p>"
        return
    searches = list(analysis.searches())
    for name, part in searches:
        if len(searches) > 1:
            yield f"<h3>{escape(name[0].upper() + name[1:])}</h3>"
        yield from _curves(analysis, part)
        if analysis.limit is not None:
            yield from _means(database, analysis, part)
            yield from _compared(analysis, part, "classifier")
            yield from _compared(analysis, part, "subset")
        yield from _funnel(analysis, part)
    if len(searches) > 1 and analysis.limit is not None:
        yield from _compared(analysis, analysis.trials, "search")


def _curves(analysis: Analysis, part: pd.DataFrame) -> Iterator[str]:
    focus = analysis.estimand
    cases = curves.conditions(part)
    keys = [focus.key, *(key for key in ESTIMANDS if key != focus.key and analysis.judged)]
    together = pd.concat([curves.success_curves(part, ESTIMANDS[key], cases=cases) for key in keys])
    if together.empty or focus.key not in set(together["estimand"]):
        yield "<p>Nothing of these conditions enters a curve yet.</p>"
        return
    risk = curves.at_risk(part, focus, risk_magnitudes(together, False), cases=cases)
    yield html.figure(
        success_curves(
            together,
            focus=focus.key,
            colours=analysis.colours,
            subsets=subsets_of(part),
            risk=risk,
            title=f"Proportion fooled against perturbation magnitude: {focus.name.lower()}",
            subtitle=analysis.lines(part),
        ),
        "curves",
    )
    yield f"<p class=small><strong>{focus.name}.</strong> {escape(focus.definition)}</p>"


def _means(database: Database, analysis: Analysis, part: pd.DataFrame) -> Iterator[str]:
    focus, limit, subsets = analysis.estimand, analysis.limit, subsets_of(part)
    means = means_and_distances(database, part, focus, limit).sort_values(
        "subset", key=lambda names: names.astype(object).map(subsets.index), kind="stable"
    )
    title = f"Means to M_max = {figures(limit)}: {focus.name.lower()}"
    yield f"<h3>{title}</h3>"
    if means["restricted_mean"].notna().any():
        yield html.figure(
            restricted_means(
                means,
                colours=analysis.colours,
                limit=limit,
                title=title,
                subtitle=analysis.lines(part),
            ),
            "means",
        )
    yield html.table(table_1(means, focus, limit))
    yield html.small(
        f"{RESTRICTED_MEAN} {MEDIAN} {PLAIN_MEAN} {MEAN_DISTANCES} Intervals are 95 %, by bootstrap"
        " over sources."
    )


def _compared(analysis: Analysis, part: pd.DataFrame, by: Dimension) -> Iterator[str]:
    found = comparisons(part, analysis.estimand, by, analysis.limit)
    if found.empty:
        return
    yield f"<h3>Paired comparison of {_NAMED[by]}</h3>"
    yield html.small(
        "Over the sources that enter on both sides; 95 % intervals by bootstrap over sources, tests"
        " after Holm's correction over all of a kind."
    )
    if found["low"].notna().any():
        yield html.figure(
            paired_differences(
                found,
                title=f"Paired differences of min(X, M_max): {analysis.estimand.name.lower()}",
                subtitle=analysis.lines(part),
            ),
            f"compare-{by}",
        )
    planned = analysis.planned
    sentences = [
        ("" if planned is None else _planned(found.loc[[row.Index]], by, planned))
        + what_follows(row, analysis.estimand, by)
        for row in found.itertuples()
    ]
    words = html.listed(sentences)
    many = len(sentences) > MOST_SENTENCES
    yield html.folded(f"In words ({len(sentences)})", words) if many else words


def _planned(row: pd.DataFrame, by: Dimension, planned: Sequence[Comparison]) -> str:
    """Whether the plan has the comparison of this row."""
    was = any(one.same(other) for one in compared(row, by) for other in planned)
    return "Planned. " if was else "Not planned, so exploratory. "


def _funnel(analysis: Analysis, part: pd.DataFrame) -> Iterator[str]:
    bars = funnel(part, analysis.limit)
    if len(bars):
        yield html.figure(
            funnel_bars(
                bars,
                colours=analysis.colours,
                subsets=subsets_of(part),
                title="From trials to those counted",
                subtitle=analysis.lines(part),
            ),
            "funnel",
        )
