"""What is drawn over semantic maps: values, for charts of one and of two axes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Values = NDArray[np.floating]

#: Which region it is: of high score, or of low.
ROBUST, ADVERSARIAL = "robust", "adversarial"
#: Blue over yellow, where scores are high, orange over dark blue, where they are low.
BOX_COLOURS = {ROBUST: "#2F6BFF", ADVERSARIAL: "#FF9E1B"}
DASHES = {ROBUST: "solid", ADVERSARIAL: "dash"}
#: What most people answered, as `labelling.plane_study` names it: its colour, its name.
ANSWERS = {
    "label": ("#ffffff", "people answer: the label"),
    "something else": ("#D55E00", "something else"),
    "unclear": ("#56B4E9", "unclear"),
    "meaningless": ("#000000", "nothing meaningful"),
    "tie": ("#b3b3b3", "answers are tied"),
    "": ("rgba(128,128,128,0.15)", "not judged"),
}
#: What the answers come to under the judging rule.
SYMBOLS = {"agree": "circle", "disagree": "diamond", "missing": "circle"}
DISAGREE = "people do not agree, by the rule"


@dataclass(frozen=True)
class AxisText:
    """An axis: its title with unit, and the range."""

    title: str
    lower: float
    upper: float


@dataclass(frozen=True, eq=False)
class Panel:
    """One classifier's scores (p[, q]) on the map's grid, the first axis first."""

    title: str
    values: Values
    colour: str


@dataclass(frozen=True, eq=False)
class Box:
    """A region on a panel: its trace (T + 1, 2, n) ends in the region itself."""

    panel: int
    kind: str
    method: str
    trace: Values
    text: str


@dataclass(frozen=True)
class Point:
    """A judged picture: where it lies, the answer that most gave (a key of ANSWERS), what all come
    to under the rule ("agree", "disagree" or "missing"), and what hovering says."""

    u: tuple[float, ...]
    answer: str
    judgement: str
    text: str


@dataclass(frozen=True, eq=False)
class Agreement:
    """P(people agree) with its interval on a grid of its own, and where each panel's classifier
    fails while people agree: (p, q) each."""

    coordinates: tuple[Values, Values]
    probability: Values
    low: Values
    high: Values
    failing: tuple[NDArray[np.bool_], ...]


def kept_steps(count: int, most: int = 40) -> list[int]:
    """Which of 0 … count − 1 an animation shows: evenly, both ends included."""
    return sorted({round(step) for step in np.linspace(0, count - 1, min(most, count))})


def outline(box: Values) -> tuple[list[float], list[float]]:
    """A box (2, 2) as a closed line: xs and ys."""
    (left, low), (right, high) = np.asarray(box, float)
    return [left, right, right, left, left], [low, low, high, high, low]


def legend_entry(name: str, seen: set[str]) -> dict[str, object]:
    """One entry of the legend for a kind of trace, however many there are."""
    shown = name not in seen
    seen.add(name)
    return {"name": name, "legendgroup": name, "showlegend": shown}
