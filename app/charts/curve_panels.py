"""Where the panels of magnitude–success curves stand, their axes, and the counts at risk below."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import ceil
from typing import Any

import numpy as np

#: A part of a figure's layout, as Plotly reads it.
Part = dict[str, Any]

_PANELS_A_ROW = 4
#: In pixels.
_PANEL, _GAP, _RISK_LINE, _TOP, _BOTTOM = 330, 62, 17, 132, 112
#: Of the figure's width, between two panels.
_BESIDE = 0.035
TICKS = 7


@dataclass(frozen=True)
class Panels:
    """`count` panels, four a row, each with `risk_lines` lines of counts under its axis.

    Axes are numbered as by `plotly.subplots.make_subplots`: from the top left, row by row, where
    a panel and the counts below it take a row each.
    """

    count: int
    risk_lines: int

    @property
    def rows(self) -> int:
        return max(1, ceil(self.count / _PANELS_A_ROW))

    @property
    def columns(self) -> int:
        return ceil(self.count / self.rows) or 1

    @property
    def height(self) -> int:
        """Pixels of all of them."""
        return self.rows * (_PANEL + self._risk) + (2 * self.rows - 1) * _GAP

    @property
    def _risk(self) -> int:
        return max(1, _RISK_LINE * self.risk_lines)

    def curves(self, place: int) -> str:
        """The number of a panel's axes, as in "x" and "y", "x2" and "y2", …"""
        return self._number(2 * (place // self.columns), place)

    def counts(self, place: int) -> str:
        """The number of the axes of the counts below a panel."""
        return self._number(2 * (place // self.columns) + 1, place)

    def _number(self, row: int, place: int) -> str:
        number = row * self.columns + place % self.columns + 1
        return "" if number == 1 else str(number)

    def layout(
        self,
        view: tuple[float, float],
        logarithmic: bool,
        risk_ticks: Mapping[int, list[str]],
    ) -> Part:
        """Axes, height, margins and legend.

        `view`: from which magnitude to which. `risk_ticks`: place of a panel → what stands before
        each of its lines of counts.
        """
        low, high = view
        across = {
            "type": "log" if logarithmic else "linear",
            "range": [np.log10(low), np.log10(high)] if logarithmic else [low, high],
            "dtick": "D2" if logarithmic and high / low < 100 else None,
            "nticks": None if logarithmic else TICKS,
            # Plotly finds margins by drawing again and again: with sixteen curves that takes long.
            "automargin": False,
        }
        up = {"fixedrange": True, "automargin": False}
        bare = {"showgrid": False, "showline": False, "ticks": "", "zeroline": False}
        proportion = {"range": [0, 1.015], "tickformat": ".0%", "dtick": 0.2}
        first = self.counts((self.rows - 1) * self.columns)  # whose range all others follow
        layout: Part = {}
        for place in range(self.rows * self.columns):
            above, below = self.curves(place), self.counts(place)
            leftmost = place % self.columns == 0
            seen = {} if place < self.count else {"visible": False}
            titled = {"title": {"text": "Proportion fooled"}} if leftmost else {}
            of_curves, of_counts = self._heights(place // self.columns)
            follows = {"domain": self._width(place), "matches": f"x{first}"} | across
            layout[f"xaxis{above}"] = follows | {"anchor": f"y{above}", "showticklabels": True}
            layout[f"yaxis{above}"] = up | proportion | titled
            layout[f"yaxis{above}"] |= {"anchor": f"x{above}", "domain": of_curves}
            layout[f"yaxis{above}"] |= {"showticklabels": leftmost}
            layout[f"xaxis{below}"] = follows | {"anchor": f"y{below}", "showticklabels": False}
            layout[f"xaxis{below}"] |= bare
            layout[f"yaxis{below}"] = up | bare | {"anchor": f"x{below}", "domain": of_counts}
            if place in risk_ticks:
                layout[f"yaxis{below}"] |= {
                    "tickmode": "array",
                    "tickvals": list(range(len(risk_ticks[place]))),
                    "ticktext": risk_ticks[place],
                    "range": [max(len(risk_ticks[place]), 1) - 0.5, -0.5],
                    "ticklabelstandoff": 18,
                }
            for axis in (f"xaxis{above}", f"yaxis{above}", f"xaxis{below}", f"yaxis{below}"):
                layout[axis] |= seen
        del layout[f"xaxis{first}"]["matches"]
        return layout | {
            "height": self.height + _TOP + _BOTTOM,
            "margin": {"t": _TOP, "b": _BOTTOM, "l": 76, "r": 16},
            "hovermode": "closest",
            "legend": {
                "orientation": "h",
                "x": 0,
                "xanchor": "left",
                "y": -58 / self.height,
                "yanchor": "top",
                "itemsizing": "trace",
                "tracegroupgap": 0,
            },
        }

    def _width(self, place: int) -> list[float]:
        """From where to where a panel goes, as a part of the figure's width."""
        width = (1 - _BESIDE * (self.columns - 1)) / self.columns
        left = (place % self.columns) * (width + _BESIDE)
        return [left, left + width]

    def _heights(self, row: int) -> tuple[list[float], list[float]]:
        """The same of a row of panels, and of the counts below it, as parts of the height."""
        pair = _PANEL + self._risk + 2 * _GAP
        bottom = (self.rows - 1 - row) * pair
        risk = [bottom / self.height, (bottom + self._risk) / self.height]
        above = bottom + self._risk + _GAP
        return [above / self.height, (above + _PANEL) / self.height], risk


def note(text: str, axes: str, *, size: int = 14, **place: object) -> Part:
    """Text placed within the domain of the axes of this number."""
    return {
        "text": text,
        "xref": f"x{axes} domain",
        "yref": f"y{axes} domain",
        "showarrow": False,
        "font": {"size": size},
        **place,
    }
