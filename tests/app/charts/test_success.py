"""What the chart of curves says, and to what it holds."""

from __future__ import annotations

from functools import cache

import numpy as np
import pandas as pd
import plotly.graph_objects as go
import pytest

from app.charts.curve_traces import CONDITION_ID, LINES
from app.charts.success import MOST_POINTS, risk_magnitudes, success_curves
from labelling.curves import at_risk
from labelling.curves import success_curves as curves_of
from labelling.estimands import (
    AS_PUBLISHED,
    ESTIMANDS,
    FOOLED_WHILE_PEOPLE_AGREE,
    RAW,
    SOURCE_JUDGED,
)
from tests.labelling.trial_tables import synthetic_table, trial_table

COLOURS = {"one": "#0072B2", "other": "#D55E00"}


@cache
def trials(count: int = 60, gap: float = 0.0) -> pd.DataFrame:
    """Two classifiers × two subsets of synthetic trials, a share of the judgements missing."""
    generator = np.random.default_rng(0)
    parts = []
    for condition, (classifier, subset) in enumerate(
        [("one", "first"), ("one", "last"), ("other", "first"), ("other", "last")]
    ):
        part = synthetic_table(
            generator.lognormal(1.0, 0.5, count),
            budget=6.0,
            perturbed_agrees=generator.uniform(size=count) < 0.7,
            classifier=classifier,
            subset=subset,
            condition_id=condition,
        )
        missing = generator.uniform(size=count) < gap
        judgements = part["perturbed_judgement"].mask(missing, "missing")
        parts.append(part.assign(perturbed_judgement=judgements))
    return pd.concat(parts, ignore_index=True)


def figure(table: pd.DataFrame, *keys: str, **options: object) -> go.Figure:
    """The chart of some estimands, the first one in focus."""
    frame = pd.concat([curves_of(table, ESTIMANDS[key], draws=20) for key in keys])
    return success_curves(frame, focus=keys[0], colours=COLOURS, **options)


def drawn(chart: go.Figure) -> list[go.Scatter]:
    """The lines with data; bands have no width, and legend entries no points."""
    return [
        trace
        for trace in chart.data
        if trace.type == "scatter" and trace.x[0] is not None and trace.line.width
    ]


def test_a_colour_a_classifier_a_line_style_an_estimand_a_panel_a_subset() -> None:
    chart = figure(trials(), FOOLED_WHILE_PEOPLE_AGREE.key, SOURCE_JUDGED.key)
    looks = {(line.line.color, line.line.dash, line.xaxis) for line in drawn(chart)}
    assert looks == {
        (colour, dash, axis)
        for colour in COLOURS.values()
        for dash in ("solid", "dot")
        for axis in ("x", "x2")
    }
    titles = [note.text for note in chart.layout.annotations]
    assert ["first" in titles[0], "last" in titles[1]] == [True, True]


def test_each_estimand_has_its_own_line() -> None:
    assert LINES.keys() == ESTIMANDS.keys()
    assert len(set(LINES.values())) == len(LINES)


def test_lines_are_steps_through_the_curves_points() -> None:
    frame = curves_of(trials(), RAW, draws=20)
    chart = success_curves(frame, focus=RAW.key, colours=COLOURS)
    line = next(line for line in drawn(chart) if line.xaxis == "x2" and line.name == "other")
    curve = frame[(frame["subset"] == "last") & (frame["classifier"] == "other")]
    assert line.line.shape == "hv"
    np.testing.assert_array_equal(line.x, curve["magnitude"])
    np.testing.assert_array_equal(line.y, curve["proportion"])


def test_the_legend_names_each_thing_once() -> None:
    chart = figure(trials(gap=0.3), FOOLED_WHILE_PEOPLE_AGREE.key, SOURCE_JUDGED.key)
    names = [trace.name for trace in chart.data if trace.showlegend is not False]
    assert names == [
        "one",
        "other",
        "Fooled while people agree",
        "Source-judged",
        "95 % band (bootstrap over sources)",
        "possible, whatever the missing judgements say",
    ]


def test_bounds_are_drawn_only_where_judgements_are_missing() -> None:
    hatched = [
        sum(bool(trace.fillpattern.shape) for trace in chart.data if trace.type == "scatter")
        for chart in (
            figure(trials(), FOOLED_WHILE_PEOPLE_AGREE.key),
            figure(trials(gap=0.3), FOOLED_WHILE_PEOPLE_AGREE.key),
        )
    ]
    assert hatched == [0, 4]


def test_the_published_curve_says_its_denominator_and_the_share_removed() -> None:
    chart = figure(trials(), AS_PUBLISHED.key)
    frame = curves_of(trials(), AS_PUBLISHED, draws=20)
    first = frame[(frame["subset"] == "first") & (frame["classifier"] == "one")].iloc[0]
    expected = f"n = {first['n']} ({first['removed_share']:.0%} of the eligible removed)"
    assert expected in chart.layout.annotations[0].text


def test_where_each_denominator_does_not_fit_there_is_their_range() -> None:
    chart = figure(trials(gap=0.3), RAW.key, panels="classifier")
    assert "n = 60" in chart.layout.annotations[0].text
    chart = figure(trials(), AS_PUBLISHED.key, panels="classifier")
    frame = curves_of(trials(), AS_PUBLISHED, draws=20)
    counts = sorted(set(frame[frame["classifier"] == "one"]["n"]))
    assert f"n = {counts[0]} to {counts[-1]} (" in chart.layout.annotations[0].text


def test_title_axes_and_for_whom() -> None:
    chart = figure(trials(), RAW.key, title="A title", subtitle=["some trials", "some rule"])
    assert chart.layout.title.text == "A title"
    assert chart.layout.title.subtitle.text == "some trials<br>some rule"
    assert "standard deviations" in chart.layout.annotations[-1].text
    assert chart.layout.yaxis.title.text == "Proportion fooled"


def test_hovering_tells_the_counts() -> None:
    line = drawn(figure(trials(), RAW.key))[0]
    assert "still at risk" in line.hovertemplate
    fooled, n, at_risk = line.customdata[-1][2:5]
    assert (n, fooled + at_risk) == (60, 60)


def test_a_log_axis_keeps_what_is_fooled_at_magnitude_zero() -> None:
    table = trial_table("skipped! 0 y", "found! 1 y y", "found! 2 y y", classifier="one")
    chart = figure(table, RAW.key, logarithmic=True)
    (line,) = drawn(chart)
    assert chart.layout.xaxis.type == "log"
    assert line.x[0] > 0 and line.y[0] == pytest.approx(1 / 3)
    assert 10 ** chart.layout.xaxis.range[0] < 1 < 2 < 10 ** chart.layout.xaxis.range[1]


def test_the_view_ends_where_no_curve_moves_any_more() -> None:
    table = trial_table("found 1", "found 2", "exhausted 1600", classifier="one")
    low, high = figure(table, RAW.key).layout.xaxis.range
    assert low == 0 and 2 < high < 3


def test_however_many_trials_the_browser_gets_some_thousands_of_points() -> None:
    chart = figure(trials(2000, gap=0.3), *ESTIMANDS)
    sent = sum(len(trace.x) for trace in chart.data)
    assert 1000 < sent <= MOST_POINTS + 10
    for line in drawn(chart):
        assert line.x[0] == 0 and line.x[-1] == pytest.approx(6.0)


def test_a_panel_a_classifier_tells_layers_apart_by_line_style() -> None:
    chart = figure(trials(), FOOLED_WHILE_PEOPLE_AGREE.key, SOURCE_JUDGED.key, panels="classifier")
    looks = {(line.line.color, line.line.dash, line.xaxis) for line in drawn(chart)}
    assert looks == {
        (colour, dash, axis)
        for colour, axis in zip(COLOURS.values(), ("x", "x2"), strict=True)
        for dash in ("solid", "dash")
    }
    assert "<b>one</b>" in chart.layout.annotations[0].text
    assert {"layers: first", "layers: last"} <= {trace.name for trace in chart.data}


@pytest.mark.parametrize("panels", ["subset", "classifier"])
@pytest.mark.parametrize("logarithmic", [False, True])
def test_under_the_axis_stand_the_counts_at_risk(panels: str, logarithmic: bool) -> None:
    table = trials()
    frame = curves_of(table, FOOLED_WHILE_PEOPLE_AGREE, draws=20)
    ticks = risk_magnitudes(frame, logarithmic)
    assert 3 <= len(ticks) <= 9
    risk = at_risk(table, FOOLED_WHILE_PEOPLE_AGREE, ticks)
    chart = success_curves(
        frame,
        focus=FOOLED_WHILE_PEOPLE_AGREE.key,
        colours=COLOURS,
        risk=risk,
        panels=panels,
        logarithmic=logarithmic,
    )
    lines = [trace for trace in chart.data if trace.mode == "text"]
    assert len(lines) == 2  # a panel each, with two lines of numbers
    low, high = chart.layout.xaxis.range
    for trace in lines:
        assert list(trace.x) == 2 * ticks
        left = [int(text) for text in trace.text][: len(ticks)]
        assert left == sorted(left, reverse=True)
        places = np.log10(trace.x) if logarithmic else trace.x
        assert low <= min(places) and max(places) <= high
    curve = frame[(frame["subset"] == "first") & (frame["classifier"] == "one")]
    at_end = curve[curve["magnitude"] >= ticks[-1]]["at_risk"].iloc[0]
    assert int(lines[0].text[len(ticks) - 1]) == at_end


def test_a_click_on_a_curve_tells_its_condition_and_no_point_is_drawn() -> None:
    line = drawn(figure(trials(), RAW.key, SOURCE_JUDGED.key))[-1]
    assert {row[CONDITION_ID] for row in line.customdata} <= {0, 1, 2, 3}
    # Sixty unseen squares a curve would be a third of what the browser draws.
    assert line.mode == "lines"


def test_searches_that_do_not_compare_are_refused() -> None:
    two = pd.concat([trials(), trials().assign(schedule_name="mnist", condition_id=9)])
    with pytest.raises(ValueError, match="different searches or schedules"):
        figure(two, RAW.key)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_panel_of_which_nothing_is_known_says_so(scheme: str) -> None:
    table = trials()
    unjudged = table["subset"] == "last"
    table = table.assign(
        source_judgement=table["source_judgement"].mask(unjudged, "missing"),
        perturbed_judgement=table["perturbed_judgement"].mask(unjudged, "missing"),
    )
    chart = figure(table, FOOLED_WHILE_PEOPLE_AGREE.key, subsets=["first", "last"], scheme=scheme)
    assert "nothing judged yet" in chart.layout.annotations[1].text
    assert {line.xaxis for line in drawn(chart)} == {"x"}


@pytest.mark.parametrize("searched", ["first", "last"])
def test_a_panel_of_which_no_trial_has_ended_has_its_place(searched: str) -> None:
    """Plotly leaves out axes without a trace, and a heading that stands by them is misplaced."""
    table = trials()
    table = table[table["subset"] == searched]
    frame = curves_of(table, RAW)
    chart = success_curves(
        frame,
        focus=RAW.key,
        colours=COLOURS,
        subsets=["first", "last"],
        risk=at_risk(table, RAW, risk_magnitudes(frame, False)),
    )
    headings = [note for note in chart.layout.annotations if "Layers" in note.text]
    assert [searched in note.text for note in headings] == [
        "no trial has ended yet" not in note.text for note in headings
    ]
    axes = {name.replace("axis", "") for name in chart.layout.to_plotly_json() if "xaxis" in name}
    assert {trace.xaxis for trace in chart.data} == axes == {"x", "x2", "x3", "x4"}


@pytest.mark.parametrize("panels", ["subset", "classifier"])
@pytest.mark.parametrize("logarithmic", [False, True])
def test_plotly_knows_every_attribute_though_it_is_not_asked_at_each_drawing(
    panels: str, logarithmic: bool
) -> None:
    table = trials(gap=0.3)
    frame = curves_of(table, AS_PUBLISHED, draws=20)
    chart = success_curves(
        frame,
        focus=AS_PUBLISHED.key,
        colours=COLOURS,
        panels=panels,
        risk=at_risk(table, AS_PUBLISHED, risk_magnitudes(frame, logarithmic)),
        title="A title",
        subtitle=["for whom"],
        logarithmic=logarithmic,
    )
    checked = go.Figure(chart.to_dict())  # raises ValueError for what Plotly does not know
    assert len(checked.data) == len(chart.data)
    assert checked.layout.xaxis.matches == "x3" and checked.layout.xaxis3.matches is None
