"""The maps in view as a figure, and their regions as a table."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd
import plotly.graph_objects as go

from app.charts.map_heat import heat_maps
from app.charts.map_parts import ADVERSARIAL, ROBUST, Agreement, Box, Panel, Point, Values
from app.charts.map_profiles import profiles
from app.charts.theme import classifier_colours
from app.figures import figures, share_in_percent
from app.runner.map_growth import Growth, grow_all
from app.runner.menu import Menu
from app.widgets.banner import synthetic
from app.widgets.map_controls import METHOD_NAMES, Controls, Growing
from app.widgets.map_data import OpenMap
from app.widgets.scheme import current_scheme
from engine.maps import difference
from engine.regions import Region

#: (panel, kind, region)
Shown = tuple[int, str, Region]


@dataclass(frozen=True, eq=False)
class Overlay:
    """What people said of pictures of the map's plane, by which rule, and the surface fitted."""

    points: Sequence[Point] = ()
    agreement: Agreement | None = None
    rule: str | None = None


def grow(maps: Sequence[OpenMap], growing: Growing) -> list[Shown]:
    """(panel, kind, region) for every classifier of every map, from every start."""
    if growing.method == "none":
        return []
    how = growing.method, growing.steps
    asked: list[tuple[int, str, Growth]] = []
    panel = 0
    for one in maps:
        for network in range(len(one.networks)):
            asked += [
                (panel, kind, Growth(one.found, network, kind == ADVERSARIAL, *how, start))
                for kind in growing.kinds
                for start in growing.starts
            ]
            panel += 1
    regions = grow_all([growth for *_, growth in asked])
    return [(panel, kind, region) for (panel, kind, _), region in zip(asked, regions, strict=True)]


def draw(
    maps: Sequence[OpenMap],
    panels: Sequence[Panel],
    chosen: Controls,
    shown: Sequence[Shown],
    overlay: Overlay,
) -> go.Figure:
    """The figure: heat maps for two axes, profiles for one."""
    first, growing, compare = maps[0], chosen.growing, chosen.compare
    quantity = f"score of {first.label_name}"
    if compare:
        values = difference_of(maps)
        panels = [Panel(f"{panels[0].title} − {panels[1].title}", values, panels[0].colour)]
        quantity = "difference of scores"
    boxes = [
        Box(panel, kind, region.method, region.trace, _said(kind, region))
        for panel, kind, region in shown
    ]
    told = {
        "boxes": boxes,
        "quantity": quantity,
        "difference": compare,
        "title": _title(maps),
        "subtitle": _subtitle(maps, growing, overlay),
        "scheme": current_scheme(),
    }
    if len(first.axes) == 1:
        starts = [start[0] for start in growing.starts]
        return profiles(panels, first.axes[0], first.found.coordinates[0], starts=starts, **told)
    return heat_maps(
        panels,
        first.axes,
        first.found.coordinates,
        starts=growing.starts,
        points=overlay.points,
        agreement=None if compare else overlay.agreement,
        animated=chosen.animated,
        **told,
    )


def difference_of(maps: Sequence[OpenMap]) -> Values:
    """The first panel's scores minus the second's."""
    if len(maps) == 1:
        return difference(maps[0].found, 0, 1)
    return maps[0].found.scores[0] - maps[1].found.scores[0]


def panels_of(menu: Menu | None, maps: Sequence[OpenMap]) -> list[Panel]:
    """A panel a classifier of each map."""
    every = {name for one in maps for name in one.networks}
    colours = classifier_colours(every | set(menu.classifiers if menu else ()), current_scheme())
    return [
        Panel(_panel_title(one, name, len(maps) > 1), one.found.scores[number], colours[name])
        for one in maps
        for number, name in enumerate(one.networks)
    ]


def region_rows(panels: Sequence[Panel], shown: Sequence[Shown]) -> pd.DataFrame:
    """The regions as a table, a row each."""
    rows = []
    for panel, kind, region in shown:
        ends = {
            f"{side} {number + 1}": value
            for side, values in (("lower", region.lower), ("upper", region.upper))
            for number, value in enumerate(values)
        }
        rows.append(
            {
                "classifier": panels[panel].title,
                "kind": kind,
                "method": region.method,
                "T": region.steps,
                "start": ", ".join(f"{value:.4g}" for value in region.start),
                **ends,
                "volume share": region.volume_share,
                "mean": region.mean,
                "mean error": region.mean_error,
                "variance": region.variance,
                "variance error": region.variance_error,
                "feasible": region.feasible,
                "scores asked": region.evaluations,
            }
        )
    return pd.DataFrame(rows)


def region_table(panels: Sequence[Panel], shown: Sequence[Shown]) -> pd.DataFrame:
    """The regions as people read them."""
    rows = [
        {
            "Classifier": panels[panel].title,
            "Region": kind,
            "Start": ", ".join(f"{value:.3g}" for value in region.start),
            "From": ", ".join(f"{value:.3g}" for value in region.lower),
            "To": ", ".join(f"{value:.3g}" for value in region.upper),
            "Share of the space": share_in_percent(region.volume_share),
            "Mean score": figures(region.mean if kind == ROBUST else 1 - region.mean),
            "Variance": figures(region.variance),
            "Constraints": "met" if region.feasible else "not met",
            "Scores asked": str(region.evaluations),
        }
        for panel, kind, region in shown
    ]
    return pd.DataFrame(rows)


def meaning(first: OpenMap, growing: Growing, compare: bool) -> str:
    """What the figure shows, and what it does not."""
    if compare:
        return "Blue: the first classifier is surer of the label; red: the second one is."
    regions = (
        " A robust region is a box around a start in which the mean score is at least 0.5 and its"
        " variance at most 0.05; an adversarial one is that of 1 − score. Drag a start to regrow."
        if growing.method != "none"
        else ""
    )
    return (
        f"This shows how sure each classifier is that the picture at a place is {first.label_name}."
        f" It does not show what people see there.{regions}"
    )


def _panel_title(one: OpenMap, network: str, several: bool) -> str:
    if not several:
        return network
    name = one.stored.name
    return name if network in name else f"{network} · {name}"


def _title(maps: Sequence[OpenMap]) -> str:
    if len(maps) == 1:
        return maps[0].stored.name
    labels = {one.label_name for one in maps}
    return f"{len(maps)} maps of {', '.join(sorted(labels))}"


def _subtitle(maps: Sequence[OpenMap], growing: Growing, overlay: Overlay) -> list[str]:
    grid = " × ".join(str(count) for count in maps[0].found.scores.shape[1:])
    asked = sum(one.stored.measured for one in maps)
    parts = [f"{grid} points, {asked} asked"]
    if growing.method != "none":
        parts.append(f"regions by {METHOD_NAMES[growing.method]}, T {growing.steps}")
    lines = [" · ".join(parts)]
    if overlay.rule is not None:
        if synthetic():
            lines[0] += " · <b>SYNTHETIC JUDGEMENTS</b>"  # the rule's own line is full
        lines.append(f"A picture shows the label by {overlay.rule}")
    return lines


def _said(kind: str, region: Region) -> str:
    feasible = "meets" if region.feasible else "does not meet"
    lines = (
        f"{kind} region, {METHOD_NAMES[region.method]}",
        f"{share_in_percent(region.volume_share)} of the space",
        f"mean {region.mean:.3f} ± {region.mean_error:.3f}, variance {region.variance:.4f}",
        f"{feasible} the constraints",
    )
    return "<br>".join(lines)
