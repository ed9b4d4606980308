"""The look that all charts share: colours, two schemes, and what the chart's menu offers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import cycle
from textwrap import wrap
from typing import Any, Literal

import plotly.graph_objects as go

#: Okabe and Ito's colours for every kind of colour vision (2008), the strongest first. Black is
#: left out, for it is a background; yellow comes last, for it is weak on white.
OKABE_ITO = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#F0E442")

#: Built-in classifiers keep their colour whatever else is in the catalogue.
_BUILT_IN = {
    "mnist-standard": OKABE_ITO[0],
    "mnist-robust": OKABE_ITO[1],
    "resnet50": OKABE_ITO[0],
    "resnet50-l2-3": OKABE_ITO[1],
    "resnet50-linf-4-fast": OKABE_ITO[4],
    "efficientnet-b4-ns": OKABE_ITO[2],
}

#: On dark, blue and sky blue change places: the built-in classifiers' blue is dim there.
_ON_DARK = {OKABE_ITO[0]: OKABE_ITO[5], OKABE_ITO[5]: OKABE_ITO[0]}

SchemeName = Literal["light", "dark"]


@dataclass(frozen=True)
class Scheme:
    """Colours of one scheme, as in .streamlit/config.toml, so that a chart lies flush in its page.

    A chart has its own background, since its picture is also downloaded and printed.
    """

    background: str
    text: str
    muted: str
    grid: str
    axis: str


SCHEMES: dict[str, Scheme] = {
    "light": Scheme("#ffffff", "#1f1f1f", "#5c5c5c", "#ebebeb", "#9a9a9a"),
    "dark": Scheme("#181818", "#ececec", "#a6a6a6", "#2e2e2e", "#6f6f6f"),
}


def classifier_colours(names: Iterable[str], scheme: SchemeName = "light") -> dict[str, str]:
    """A colour for each classifier, the same on every page of a scheme.

    `names` are all classifiers that there are, not only those in view: what is not built in takes
    the colours that are left, in the order of names.
    """
    there = sorted(set(names))
    taken = {_BUILT_IN[name] for name in there if name in _BUILT_IN}
    left = [colour for colour in OKABE_ITO if colour not in taken]
    own = (name for name in there if name not in _BUILT_IN)
    others = dict(zip(own, cycle(left or OKABE_ITO), strict=False))
    found = {name: _BUILT_IN.get(name) or others[name] for name in there}
    if scheme == "light":
        return found
    return {name: _ON_DARK.get(colour, colour) for name, colour in found.items()}


def translucent(colour: str, alpha: float) -> str:
    """A hexadecimal colour as rgba(…) with this opacity."""
    red, green, blue = (int(colour[place : place + 2], 16) for place in (1, 3, 5))
    return f"rgba({red}, {green}, {blue}, {alpha:g})"


@cache
def template(name: SchemeName) -> go.layout.Template:
    """The Plotly template of a scheme; a figure that is given it takes a copy."""
    scheme = SCHEMES[name]
    axis = {
        "gridcolor": scheme.grid,
        "linecolor": scheme.axis,
        "tickcolor": scheme.axis,
        "zerolinecolor": scheme.grid,
        "showline": True,
        "ticks": "outside",
        "ticklen": 4,
        "title": {"font": {"size": 13}, "standoff": 8},
        "automargin": True,
    }
    return go.layout.Template(
        layout={
            "paper_bgcolor": scheme.background,
            "plot_bgcolor": scheme.background,
            "font": {
                "family": '"Source Sans", Helvetica, Arial, sans-serif',
                "size": 13,
                "color": scheme.text,
            },
            "title": {
                "x": 0,
                "xref": "paper",
                "xanchor": "left",
                "font": {"size": 17, "weight": 600},
                "subtitle": {"font": {"size": 13, "color": scheme.muted}},
            },
            "xaxis": axis,
            "yaxis": axis,
            "legend": {"font": {"size": 13}, "bgcolor": "rgba(0,0,0,0)"},
            "hoverlabel": {
                "bgcolor": scheme.background,
                "bordercolor": scheme.axis,
                "font": {"size": 13, "color": scheme.text},
                "align": "left",
            },
            "modebar": {
                "bgcolor": "rgba(0,0,0,0)",
                "color": scheme.muted,
                "activecolor": scheme.text,
            },
        }
    )


#: Characters that fit into a chart on a laptop, the names of rows at its left; a line's pixels.
_MOST_CHARACTERS, _LINE = 150, 17


def headed(
    name: SchemeName,
    title: str,
    subtitle: Sequence[str],
    *,
    height: float,
    margin: Mapping[str, float],
) -> dict[str, Any]:
    """The layout of a chart with a title and lines below it, at the top of the figure.

    What a line has no room for goes on below it: a judging rule may name many people. Height and
    margins, those of the lines as they are given, grow by as much.
    """
    lines = [part for line in subtitle for part in wrap(line, _MOST_CHARACTERS, **_WHOLE_WORDS)]
    more = _LINE * (len(lines) - len(subtitle))
    return {
        "template": template(name),
        "title": {
            "text": title,
            "subtitle": {"text": "<br>".join(lines)},
            "y": 1,
            "yref": "container",
        },
        "title_pad": {"t": 16},
        "height": height + more,
        "margin": {**margin, "t": margin["t"] + more},
    }


#: Nothing is cut within a word: it may be a sign that HTML writes with several.
_WHOLE_WORDS = {"break_long_words": False, "break_on_hyphens": False}


def chart_menu(file_name: str) -> dict[str, Any]:
    """Plotly's configuration: the menu is there, and its camera saves a PNG fit for print.

    Nothing in it sends a chart anywhere: Plotly's own menu would offer to share it on a server.
    """
    return {
        "displaylogo": False,
        "displayModeBar": True,
        "modeBarButtonsToRemove": ["select2d", "lasso2d", "autoScale2d", "sendChartToCloud"],
        "plotlyServerURL": "",
        "toImageButtonOptions": {"format": "png", "filename": file_name, "scale": 3},
    }
