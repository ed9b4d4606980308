"""One or several maps side by side: regions that grow from starts, and the picture at any point."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd
import plotly.graph_objects as go
import streamlit as st

from app.access import current_home
from app.charts.map_heat import heat_maps
from app.charts.map_parts import ROBUST, Agreement, Box, Panel, Point
from app.charts.map_profiles import profiles
from app.charts.theme import chart_menu, classifier_colours
from app.figures import figures
from app.guard import guarded
from app.runner.map_thumbnails import read_thumbnails
from app.runner.map_views import PictureView, ask_view
from app.runner.menu import Menu
from app.runner.submit import default_device, ensure_worker
from app.widgets.address import one_of, some_of, whole_number
from app.widgets.map_data import KINDS, OpenMap, Start, grown, label_names
from app.widgets.map_files import map_files
from app.widgets.map_pointer import pointer
from app.widgets.plain_text import plain
from app.widgets.scheme import current_scheme
from engine.maps import difference
from engine.regions import METHODS, Region

#: In the address: the starts, and the place that was clicked.
STARTS, PLACE = "starts", "u"
_METHODS = ("none", *reversed(METHODS))
_WHAT = {
    "none": "no regions",
    "refined": "refined (ours)",
    "oir_w": "OIR white box",
    "oir_b": "OIR black box",
    "naive": "naive",
}
LOOK_SECONDS = 0.3


@dataclass(frozen=True)
class Growing:
    """How regions are grown: from which starts, by which method, which kinds, with which T."""

    method: str
    kinds: tuple[str, ...]
    steps: int
    starts: tuple[Start, ...]


@dataclass(frozen=True, eq=False)
class Overlay:
    """What people said of pictures of the first map's plane, and the surface fitted to that."""

    points: Sequence[Point] = ()
    agreement: Agreement | None = None


def map_view(menu: Menu | None, maps: Sequence[OpenMap], overlay: Overlay) -> None:
    """The maps, all of one grid, a panel a classifier."""
    first = maps[0]
    panels = _panels(menu, maps)
    with st.container(horizontal=True, vertical_alignment="bottom"):
        growing = _growing(first)
        compare = False
        if len(panels) == 2:
            compare = st.toggle("Difference", key="map-difference")
        animated = growing.method != "none" and len(first.axes) == 2 and not compare
        animated = animated and st.toggle("Growth", key="map-growth", help="Play the updates.")
        clicks = st.segmented_control(
            "A click",
            ["looks", "places a start"],
            **one_of("click", ["looks", "places a start"]),
            required=True,
        )
    shown = [] if compare else grow(maps, growing)
    figure = draw(maps, panels, growing, shown, overlay, compare=compare, animated=animated)
    name = file_name(maps)
    wide, narrow = st.columns([3, 1], gap="medium")
    with wide:
        st.plotly_chart(figure, theme=None, config=chart_menu(name), key=name)
        pointer(
            name,
            key="map-pointer",
            lower=first.lower,
            upper=first.upper,
            starts=growing.starts if growing.method != "none" else (),
            thumbnails=read_thumbnails(current_home(), first.stored.id),
            place=clicks == "places a start" and growing.method != "none",
            on={"look": _look, "move": _move(growing), "place": _place(growing)},
        )
        st.caption(_means(first, growing, compare))
    with narrow:
        _picture(menu, first)
    if shown:
        _table(panels, shown)
    map_files(name, maps, figure, region_rows(panels, shown))


def _growing(first: OpenMap) -> Growing:
    method = st.selectbox(
        "Regions by",
        _METHODS,
        format_func=_WHAT.get,
        width=230,
        **one_of("method", _METHODS, "refined"),
    )
    if method == "none":
        return Growing(method, (), 0, ())
    kinds = st.pills("Kinds", KINDS, selection_mode="multi", **some_of("kinds", KINDS, KINDS))
    steps = st.number_input(
        "T",
        10,
        5000,
        step=10,
        **whole_number("steps", 800, 5000, 10),
        help="Updates of the published methods; for the refined one, those whose scores it may ask"
        " a twentieth of.",
        width=120,
    )
    starts = _starts_in_address(first) or first.default_starts()
    if st.button(
        "Starts back", icon=":material/restart_alt:", disabled=STARTS not in st.query_params
    ):
        st.query_params.pop(STARTS, None)
        st.rerun()
    return Growing(method, tuple(kinds or ()), int(steps), starts)


def grow(maps: Sequence[OpenMap], growing: Growing) -> list[tuple[int, str, Region]]:
    """(panel, kind, region) for every classifier of every map, from every start."""
    if growing.method == "none":
        return []
    found, panel = [], 0
    for one in maps:
        for network in range(len(one.networks)):
            for kind in growing.kinds:
                for start in growing.starts:
                    region = grown(one, network, kind, growing.method, growing.steps, start)
                    found.append((panel, kind, region))
            panel += 1
    return found


def draw(
    maps: Sequence[OpenMap],
    panels: Sequence[Panel],
    growing: Growing,
    shown: Sequence[tuple[int, str, Region]],
    overlay: Overlay,
    *,
    compare: bool = False,
    animated: bool = False,
) -> go.Figure:
    """The figure: heat maps for two axes, profiles for one."""
    first = maps[0]
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
        "subtitle": _subtitle(maps, growing),
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
        agreement=None if compare or animated else overlay.agreement,
        animated=animated,
        **told,
    )


def difference_of(maps: Sequence[OpenMap]) -> pd.Series | object:
    """The first panel's scores minus the second's."""
    if len(maps) == 1:
        return difference(maps[0].found, 0, 1)
    return maps[0].found.scores[0] - maps[1].found.scores[0]


def region_rows(panels: Sequence[Panel], shown: Sequence[tuple[int, str, Region]]) -> pd.DataFrame:
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


def file_name(maps: Sequence[OpenMap]) -> str:
    """What the view's files are called."""
    return "-".join(["map", *(one.stored.id for one in maps)])[:80]


def _panels(menu: Menu | None, maps: Sequence[OpenMap]) -> list[Panel]:
    every = {name for one in maps for name in one.networks}
    colours = classifier_colours(every | set(menu.classifiers if menu else ()))
    return [
        Panel(_panel_title(one, name, len(maps) > 1), one.found.scores[number], colours[name])
        for one in maps
        for number, name in enumerate(one.networks)
    ]


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


def _subtitle(maps: Sequence[OpenMap], growing: Growing) -> str:
    grid = " × ".join(str(count) for count in maps[0].found.scores.shape[1:])
    asked = sum(one.stored.measured for one in maps)
    parts = [f"{grid} points, {asked} asked"]
    if growing.method != "none":
        parts.append(f"regions by {_WHAT[growing.method]}, T {growing.steps}")
    return " · ".join(parts)


def _means(first: OpenMap, growing: Growing, compare: bool) -> str:
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


def _said(kind: str, region: Region) -> str:
    feasible = "meets" if region.feasible else "does not meet"
    return (
        f"{kind} region, {_WHAT[region.method]}<br>{figures(100 * region.volume_share)} % of the"
        f" space<br>mean {region.mean:.3f} ± {region.mean_error:.3f}, variance"
        f" {region.variance:.4f}<br>{feasible} the constraints"
    )


def _table(panels: Sequence[Panel], shown: Sequence[tuple[int, str, Region]]) -> None:
    rows = [
        {
            "Classifier": panels[panel].title,
            "Region": kind,
            "Start": ", ".join(f"{value:.3g}" for value in region.start),
            "From": ", ".join(f"{value:.3g}" for value in region.lower),
            "To": ", ".join(f"{value:.3g}" for value in region.upper),
            "Share of the space": f"{figures(100 * region.volume_share)} %",
            "Mean score": figures(region.mean if kind == ROBUST else 1 - region.mean),
            "Variance": figures(region.variance),
            "Constraints": "met" if region.feasible else "not met",
            "Scores asked": str(region.evaluations),
        }
        for panel, kind, region in shown
    ]
    with st.expander(f"{len(rows)} regions", icon=":material/select_all:"):
        st.dataframe(pd.DataFrame(rows), hide_index=True, width="stretch")


# What the pointer does


def _message(name: str) -> dict[str, object]:
    return st.session_state["map-pointer"][name]


def _look() -> None:
    st.query_params[PLACE] = _written(_message("look")["u"])


def _move(growing: Growing) -> object:
    def move() -> None:
        message = _message("move")
        starts = list(growing.starts)
        starts[int(message["start"])] = tuple(message["u"])
        st.query_params[STARTS] = ";".join(_written(start) for start in starts)

    return move


def _place(growing: Growing) -> object:
    def place() -> None:
        starts = (*growing.starts, tuple(_message("place")["u"]))
        st.query_params[STARTS] = ";".join(_written(start) for start in starts[-12:])

    return place


def _written(u: Sequence[float]) -> str:
    return ",".join(f"{value:.4g}" for value in u)


def _read(text: str, axes: int) -> Start | None:
    try:
        u = tuple(float(part) for part in text.split(","))
    except ValueError:
        return None
    return u if len(u) == axes and all(abs(value) < 1e6 for value in u) else None


def _starts_in_address(first: OpenMap) -> tuple[Start, ...]:
    parts = st.query_params.get(STARTS, "").split(";")
    read = (_read(part, len(first.axes)) for part in parts if part)
    return tuple(start for start in read if start is not None)[:12]


def _picture(menu: Menu | None, first: OpenMap) -> None:
    place = _read(st.query_params.get(PLACE, ""), len(first.axes))
    if not first.drawable:
        st.caption("This map came as scores alone: its pictures are not here.")
        return
    if place is None:
        st.caption("Click on the map to see the picture there, and what each classifier says.")
        return
    st.markdown(f"**Picture at {plain(', '.join(f'{value:.3g}' for value in place))}**")
    view = ask_view(current_home(), default_device(), first.stored.id, place)
    if view is None:
        ensure_worker(current_home())
        _wait(first.stored.id, place)
        return
    if isinstance(view, str):
        st.info(plain(view))
        return
    _answers(menu, first, view)


@st.fragment(run_every=LOOK_SECONDS)
@guarded
def _wait(map_id: str, place: Start) -> None:
    if ask_view(current_home(), default_device(), map_id, place) is not None:
        st.rerun()
    st.caption("Drawing …")


def _answers(menu: Menu | None, first: OpenMap, view: PictureView) -> None:
    st.html("<style>.st-key-map-picture img{image-rendering:pixelated;width:100%}</style>")
    with st.container(key="map-picture"):
        st.image(view.image, output_format="PNG", width=240)
    for network, guesses in zip(first.networks, view.top, strict=True):
        names = label_names(menu, network)
        st.markdown(f"{plain(network)}")
        lines = [
            f"{names[one.label] if one.label < len(names) else one.label} {one.confidence:.3f}"
            for one in guesses
        ]
        st.caption("  \n".join(plain(line) for line in lines))
