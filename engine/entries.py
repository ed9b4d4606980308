"""What the catalogue's entries are made of."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from torch import Tensor, nn

from engine.classifiers.photos import Framing
from engine.generators.interface import Generator, Point


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
class Origin:
    """Where the weights are published: addresses of one file, or a file on this machine.

    `sha256` is the file's, or as many of its first digits as its makers print; without it, what
    came first is recorded in the card, and compared ever after. `megabytes` is what a download
    takes, about. `adapt` turns the published weights into the architecture's layout.
    """

    urls: tuple[str, ...] = ()
    file: Path | None = None
    sha256: str | None = None
    megabytes: float | None = None
    adapt: Callable[[dict[str, Tensor]], dict[str, Tensor]] | None = None


@dataclass(frozen=True)
class GeneratorEntry:
    """A generator: `presets` name layer subsets by point names, in the order of the picker.

    `scales` is a file with σ that comes with the weights; without it σ is measured. `origin` is
    where weights that are not there are fetched from. `points` and `image_shape` are those of what
    `build` builds: they may be left out, and then it is built to know them. `options` names those
    of the recorded options that it has: "truncation", "condition_follows_z".
    """

    name: str
    title: str
    build: Callable[[], Generator]
    weights: Weights
    labels: Labels
    presets: dict[str, tuple[str, ...]]
    schedule: str
    provenance: Provenance
    scales: str | None = None
    origin: Origin | None = None
    points: tuple[Point, ...] = ()
    image_shape: tuple[int, int, int] | None = None
    options: tuple[str, ...] = ()


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

    def takes(self, image_shape: tuple[int, int, int]) -> bool:
        """Whether pictures (channels, height, width) fit: their size only where it resizes none."""
        own = tuple(self.image_shape)
        return own[0] == image_shape[0] and (self.size is not None or own == tuple(image_shape))


Entry = GeneratorEntry | ClassifierEntry


def built(entry: Entry) -> nn.Module:
    """The entry's module without its weights. Raises ModelError: its code may be a user's own."""
    try:
        module = entry.build()
    except Exception as error:  # a user's own code may raise anything
        raise ModelError(
            f"{entry.name} cannot be built ({type(error).__name__}: {error}): see its entry's"
            " `build`."
        ) from error
    if not isinstance(module, nn.Module):
        raise ModelError(f"{entry.name} cannot be built: its `build` gives no torch module.")
    return module
