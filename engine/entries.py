"""What the catalogue's entries are made of."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from torch import Tensor, nn

from engine.classifiers.origin import Origin
from engine.classifiers.photos import Framing
from engine.generators.interface import Generator


class ModelError(Exception):
    """A model cannot be had; the message is one sentence for the user, with what to do."""


@dataclass(frozen=True)
class Labels:
    """Class names, how people are asked about each ("a seven"), and what an image search is given.

    `searches` holds only those that differ from the name.
    """

    names: tuple[str, ...]
    phrases: tuple[str, ...]
    glosses: dict[int, str] = field(default_factory=dict)
    searches: dict[int, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if len(self.names) != len(self.phrases):
            raise ValueError(f"{len(self.names)} names but {len(self.phrases)} phrases.")

    def search(self, label: int) -> str:
        """What an image search for the label is given."""
        return self.searches.get(label, self.names[label])


@dataclass(frozen=True)
class Provenance:
    """Where a model comes from, and what its makers measured."""

    source: str
    licence: str
    accuracy: str = ""


@dataclass(frozen=True)
class Weights:
    """A safetensors file. Without `sha256`, the model card (JSON) beside the file has it."""

    filename: str
    sha256: str | None = None
    repair: str = "Restore it from where it came."
    prepare: Callable[[dict[str, Tensor]], dict[str, Tensor]] | None = None


@dataclass(frozen=True)
class GeneratorEntry:
    """A generator: `presets` name layer subsets by point names, in the order of the picker."""

    name: str
    title: str
    build: Callable[[], Generator]
    weights: Weights
    labels: Labels
    presets: dict[str, tuple[str, ...]]
    schedule: str
    provenance: Provenance
    scales: str | None = None


@dataclass(frozen=True)
class ClassifierEntry:
    """A classifier for images of `image_shape` in [0, 1]; it resizes and normalises inside.

    Images of another size are brought to `size` by `interpolation`. `origin` is where weights that
    are not there are fetched from, `framing` how photos are cut for its published accuracy.
    """

    name: str
    title: str
    build: Callable[[], nn.Module]
    weights: Weights
    labels: Labels
    image_shape: tuple[int, int, int]
    provenance: Provenance
    mean: tuple[float, ...] | None = None
    std: tuple[float, ...] | None = None
    size: int | None = None
    interpolation: str = "bilinear"
    origin: Origin | None = None
    framing: Framing | None = None


Entry = GeneratorEntry | ClassifierEntry
