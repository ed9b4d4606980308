"""How regions grew, played over a map: frames, a slider, and images where traces would vanish."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray
from PIL import Image
from plotly.colors import sample_colorscale

from app.charts.map_parts import Box, Values, kept_steps, outline
from app.charts.theme import SCHEMES, SchemeName

#: What slider and buttons take below a chart, and where they begin, in pixels.
ROOM, _BELOW = 112, 54
#: Pixels of an image along its longer side, about as many as a screen gives it.
_SHARP = 800


def scores_image(
    values: Values, coordinates: tuple[Values, Values], scale: str
) -> dict[str, object]:
    """The heat map as an image below everything: Plotly takes heat maps away as it animates."""
    colours = sample_colorscale(scale, np.linspace(0, 1, 256), colortype="tuple")
    table = (255 * np.array(colours)).round().astype(np.uint8)
    levels = (255 * np.nan_to_num(np.asarray(values, float))).round().astype(int).clip(0, 255)
    return _image(table[levels], coordinates)


def area_image(
    inside: NDArray[np.bool_],
    coordinates: tuple[Values, Values],
    colour: tuple[int, int, int, int],
) -> dict[str, object]:
    """A part of the map in one translucent colour, likewise as an image."""
    return _image(np.where(inside[..., None], colour, 0).astype(np.uint8), coordinates)


def _image(pixels: NDArray[np.uint8], coordinates: tuple[Values, Values]) -> dict[str, object]:
    """Pixels (p, q, channels), one for each point of the grid, the first axis to the right."""
    x, y = coordinates
    wide, high = x[1] - x[0], y[1] - y[0]
    # Browsers blur what they enlarge.
    larger = max(1, _SHARP // max(pixels.shape[:2]))
    pixels = pixels.repeat(larger, 0).repeat(larger, 1)
    return {
        # Rows from the top.
        "source": Image.fromarray(np.ascontiguousarray(pixels.swapaxes(0, 1)[::-1])),
        "x": x[0] - wide / 2,
        "y": y[-1] + high / 2,
        "sizex": x[-1] - x[0] + wide,
        "sizey": y[-1] - y[0] + high,
        "sizing": "stretch",
        "layer": "below",
    }


def animate(
    figure: go.Figure, moving: Sequence[tuple[int, Box]], height: int, scheme: SchemeName
) -> None:
    """A slider over the boxes' updates, and a button that plays them; `height` of all panels."""
    longest = max(len(box.trace) for _, box in moving)
    steps = kept_steps(longest)
    frames = []
    for step in steps:
        outlines = [outline(box.trace[min(step, len(box.trace) - 1)]) for _, box in moving]
        frames.append(
            go.Frame(
                name=str(step),
                data=[{"type": "scatter", "x": xs, "y": ys} for xs, ys in outlines],
                traces=[place for place, _ in moving],
            )
        )
    figure.frames = frames
    still = {"mode": "immediate", "frame": {"duration": 0, "redraw": False}}
    playing = {
        "mode": "immediate",
        "fromcurrent": True,
        "frame": {"duration": 60, "redraw": False},
        "transition": {"duration": 0},
    }
    text = {"color": SCHEMES[scheme].text, "size": 13}
    figure.update_layout(
        sliders=[
            {
                "active": len(steps) - 1,
                "currentvalue": {"prefix": "update ", "font": text},
                "x": 0.24,
                "len": 0.76,
                "y": -_BELOW / height,
                "pad": {"t": 28},
                "font": {"color": SCHEMES[scheme].muted, "size": 11},
                "steps": [
                    {"label": str(step), "method": "animate", "args": [[str(step)], still]}
                    for step in steps
                ],
            }
        ],
        updatemenus=[
            {
                "type": "buttons",
                "direction": "left",
                "showactive": False,
                "x": 0,
                "y": -_BELOW / height,
                "xanchor": "left",
                "yanchor": "top",
                "pad": {"t": 36},
                "font": text,
                "bgcolor": SCHEMES[scheme].background,
                "bordercolor": SCHEMES[scheme].axis,
                "buttons": [
                    {
                        "label": "Grow",
                        "method": "animate",
                        "args": [[str(step) for step in steps], playing | {"fromcurrent": False}],
                    },
                    {"label": "Pause", "method": "animate", "args": [[None], still]},
                ],
            }
        ],
    )
