"""Heat maps' colours: a perceptual scale in a single hue, with text that reads on each of them."""

from __future__ import annotations

from app.charts.theme import SchemeName

#: From nothing to all, in each scheme: the page's ground to a strong blue, lightness even.
SCALES: dict[str, list[list[float | str]]] = {
    "light": [[0.0, "#f4f7fa"], [0.5, "#7fb0d4"], [1.0, "#0b4f80"]],
    "dark": [[0.0, "#20262b"], [0.5, "#35719c"], [1.0, "#a9d6f5"]],
}


def ink_on(share: float, scheme: SchemeName) -> str:
    """The colour of text on the scale at `share` in [0, 1]."""
    if scheme == "light":
        return "#ffffff" if share > 0.62 else "#1f1f1f"
    return "#10161b" if share > 0.72 else "#ececec"
