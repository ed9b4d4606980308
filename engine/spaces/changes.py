"""Which changes of an image there are: units, what leaves it as it is, ranges. No torch here."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Transformation:
    """A transformation's unit, what leaves the image as it is, and the range first offered."""

    unit: str
    neutral: float
    lower: float
    upper: float


#: By name. Shifts are in shares of the image's width or height, blur is the Gaussian's σ.
TRANSFORMATIONS: dict[str, Transformation] = {
    "rotation": Transformation("°", 0.0, -90.0, 90.0),
    "scale": Transformation("×", 1.0, 0.5, 1.5),
    "shift x": Transformation("width", 0.0, -0.3, 0.3),
    "shift y": Transformation("height", 0.0, -0.3, 0.3),
    "brightness": Transformation("×", 1.0, 0.2, 2.0),
    "blur": Transformation("px", 0.0, 0.0, 5.0),
}
