"""What a semantic space is, in words and numbers: enough to build it again, and to be stored.

Each kind is a frozen dataclass with its axes; `to_json` and `from_json` turn any of them into a
JSON record and back. Models are named with the checksums of their weights.
"""

from __future__ import annotations

import types
from dataclasses import dataclass, fields, is_dataclass
from functools import cache
from typing import Any, Union, get_args, get_origin, get_type_hints

from engine.experiment import Schedule
from engine.spaces.changes import TRANSFORMATIONS


class SpaceError(ValueError):
    """A space cannot be built; the message is one sentence for the user."""


@dataclass(frozen=True)
class Axis:
    """One parameter: its name, the range that a map covers, and its unit ("°", "px", …)."""

    name: str
    lower: float
    upper: float
    unit: str = ""


@dataclass(frozen=True)
class GeneratedSource:
    """An unperturbed image of a generator, and how it is made."""

    generator: str
    checksum: str
    label: int
    seed: int
    truncation: float = 1.0
    condition_follows_z: bool = True


@dataclass(frozen=True)
class PhotoSource:
    """An image file, known by the SHA-256 of its bytes, cut to a square of `size` pixels."""

    name: str
    sha256: str
    size: int


Source = GeneratedSource | PhotoSource


@dataclass(frozen=True)
class FoundDirection:
    """A perturbation that a search found: the trial's part that the source does not tell.

    `perturbation_id` is that of its stored tensors; where they are gone the trial is recomputed,
    in as many `slots` and in that `precision` as then: with others float noise may lead a search
    elsewhere. (Maps of before these were kept were taken for one slot and float32.) `magnitude` is
    its ‖p‖₂.
    """

    classifier: str
    classifier_checksum: str
    target: int | None
    search: str
    schedule: Schedule
    layer_weights: tuple[float, ...]
    magnitude: float
    perturbation_id: str | None = None
    slots: int = 1
    precision: str = "float32"


@dataclass(frozen=True)
class RandomDirection:
    """Noise orthogonal to the first direction at each point, with the same ‖p_i‖₂ there."""

    seed: int


@dataclass(frozen=True)
class PerturbationPlane:
    """The plane through a source along two perturbations; 1 on an axis is the perturbation."""

    source: GeneratedSource
    scales_checksum: str
    first: FoundDirection
    second: FoundDirection | RandomDirection
    lower: tuple[float, float] = (-0.5, -0.5)
    upper: tuple[float, float] = (1.5, 1.5)

    @property
    def axes(self) -> tuple[Axis, ...]:
        """Multiples of each perturbation: 0 is the source."""
        second = "random direction" if isinstance(self.second, RandomDirection) else "perturbation"
        names = ("perturbation 1", f"{second} 2")
        return tuple(
            Axis(name, low, high, "× p")
            for name, low, high in zip(names, self.lower, self.upper, strict=True)
        )


@dataclass(frozen=True)
class PrincipalDirections:
    """Principal components of a point's activations, one or two, added to a source's activation.

    `label` is that of the samples they come from, None for labels drawn at random. Components are
    counted from 0, the largest; `reach` is in standard deviations along each.
    """

    source: GeneratedSource
    point: str
    components: tuple[int, ...]
    reach: float = 3.0
    label: int | None = None
    samples: int = 1024
    seed: int = 0

    @property
    def axes(self) -> tuple[Axis, ...]:
        """Standard deviations along each component."""
        return tuple(
            Axis(f"component {number + 1} at {self.point}", -self.reach, self.reach, "sd")
            for number in self.components
        )


@dataclass(frozen=True)
class LatentInterpolation:
    """From one source to another of the same generator; where the labels differ, they are mixed
    along a second axis. `spherical` keeps the latent's length, as draws from a normal have it.
    """

    first: GeneratedSource
    second: GeneratedSource
    spherical: bool = True

    @property
    def axes(self) -> tuple[Axis, ...]:
        """0 is the first source, 1 the second."""
        latent = Axis("latent", 0.0, 1.0)
        labels_differ = self.first.label != self.second.label
        return (latent, Axis("label", 0.0, 1.0)) if labels_differ else (latent,)


@dataclass(frozen=True)
class Change:
    """One transformation of an image (engine/spaces/changes.py lists them), its range."""

    name: str
    lower: float
    upper: float


@dataclass(frozen=True)
class Transformations:
    """One or two transformations of a source image; `fill` is what comes in from outside."""

    source: Source
    changes: tuple[Change, ...]
    fill: float = 0.0

    @property
    def axes(self) -> tuple[Axis, ...]:
        """As the changes' own, in their units."""
        return tuple(
            Axis(one.name, one.lower, one.upper, TRANSFORMATIONS[one.name].unit)
            for one in self.changes
        )


@dataclass(frozen=True)
class Viewpoint:
    """Views of a 3-D mesh, known by the SHA-256 of its file, from around it.

    `distance` is in radii of the sphere around the mesh; colours are CSS names or #rrggbb, and
    `colour` is that of what has none of its own. `up` is the axis that points upwards.
    """

    mesh: str
    sha256: str
    azimuth: tuple[float, float] = (0.0, 360.0)
    elevation: tuple[float, float] = (-10.0, 90.0)
    size: int = 224
    distance: float = 3.2
    up: str = "z"
    colour: str = "#b8b8b8"
    background: str = "white"

    @property
    def axes(self) -> tuple[Axis, ...]:
        """Degrees: azimuth around the upward axis, elevation above the horizon."""
        return (Axis("azimuth", *self.azimuth, "°"), Axis("elevation", *self.elevation, "°"))


@dataclass(frozen=True)
class PublishedViews:
    """A map that others measured and published: nothing here can compute it again."""

    source: str
    shape_class: str
    shape: str
    azimuth: tuple[float, float] = (0.0, 360.0)
    elevation: tuple[float, float] = (-10.0, 90.0)

    @property
    def axes(self) -> tuple[Axis, ...]:
        """Degrees, as of `Viewpoint`."""
        return (Axis("azimuth", *self.azimuth, "°"), Axis("elevation", *self.elevation, "°"))


@dataclass(frozen=True)
class MeanOfMaps:
    """The mean over other maps with the same axes: over networks, objects or both."""

    of: tuple[str, ...]
    axes: tuple[Axis, ...]


SpaceDescription = (
    PerturbationPlane
    | PrincipalDirections
    | LatentInterpolation
    | Transformations
    | Viewpoint
    | PublishedViews
    | MeanOfMaps
)

_KINDS = {
    kind.__name__: kind
    for kind in (*get_args(SpaceDescription), *get_args(Source), FoundDirection, RandomDirection)
}


def to_json(value: Any) -> Any:
    """A JSON-serialisable record of a description; `from_json` is its inverse."""
    if is_dataclass(value):
        record = {field.name: to_json(getattr(value, field.name)) for field in fields(value)}
        kind = type(value).__name__
        return {"kind": kind} | record if kind in _KINDS else record
    if isinstance(value, tuple | list):
        return [to_json(one) for one in value]
    return value


def from_json(record: Any, kind: Any = SpaceDescription) -> Any:
    """The description that `record` is of. Raises ValueError where it is of none."""
    try:
        return _decode(kind, record)
    except (KeyError, TypeError) as error:
        raise ValueError(f"This is not the record of a {_name(kind)}: {error}.") from error


def _decode(kind: Any, record: Any) -> Any:
    origin, arguments = get_origin(kind), get_args(kind)
    if origin in (Union, types.UnionType):
        if record is None or not isinstance(record, dict):
            return record
        named = [one for one in arguments if is_dataclass(one)]
        chosen = named[0] if len(named) == 1 else _KINDS[record["kind"]]
        if chosen not in named:
            raise TypeError(f"a {chosen.__name__} does not belong here")
        return _decode(chosen, record)
    if origin is tuple:
        inner = arguments[0]
        return tuple(_decode(inner, one) for one in record)
    if is_dataclass(kind):
        hints = _hints(kind)
        given = {name: value for name, value in record.items() if name != "kind"}
        return kind(**{name: _decode(hints[name], value) for name, value in given.items()})
    return record


@cache
def _hints(kind: type) -> dict[str, Any]:
    return get_type_hints(kind)


def _name(kind: Any) -> str:
    return getattr(kind, "__name__", "semantic space")
