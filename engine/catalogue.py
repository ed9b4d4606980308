"""The catalogue: what can be searched with what, and how each model is loaded.

Adding a model is adding one entry. A user's own entries have the same form: a Python file in
`PLAINVIEW_HOME/models/` that defines `ENTRIES`, a list of `GeneratorEntry` and `ClassifierEntry`.
"""

from __future__ import annotations

import hashlib
import json
import runpy
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TypeVar

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn

from engine.classifiers.by_name import classifier_by_name
from engine.classifiers.folded import folded
from engine.classifiers.interface import Classifier
from engine.classifiers.mnist import LeNet5, StandardCnn
from engine.devices import keep_float32
from engine.downloads import Progress
from engine.entries import (
    ClassifierEntry,
    Entry,
    GeneratorEntry,
    Labels,
    ModelError,
    Provenance,
    Weights,
    built,
)
from engine.generators.interface import Generator, Point
from engine.generators.mnist_conv import MnistConv
from engine.imagenet_classifiers import IMAGENET_CLASSIFIERS
from engine.imagenet_generators import IMAGENET_GENERATORS
from engine.published import obtain_weights
from engine.scales import FULL, load_scales, scales_checksum

Module = TypeVar("Module", bound=nn.Module)
NamedEntry = TypeVar("NamedEntry", "GeneratorEntry", "ClassifierEntry")


@dataclass(frozen=True)
class Catalogue:
    """The entries in force, by name."""

    generators: Mapping[str, GeneratorEntry]
    classifiers: Mapping[str, ClassifierEntry]

    def generator(self, name: str) -> GeneratorEntry:
        """The entry, or a ModelError that lists the valid names."""
        return _named(self.generators, name, "generator")

    def classifier(self, name: str) -> ClassifierEntry:
        """The entry, or a ModelError that lists the valid names.

        `torchvision:NAME` and `timm:NAME` need no entry (engine/classifiers/by_name.py).
        """
        if ":" in name and name not in self.classifiers:
            return classifier_by_name(name)
        return _named(self.classifiers, name, "classifier")

    def fitting_classifiers(self, generator: str) -> list[str]:
        """Names of the classifiers that tell apart the generator's very labels in its pictures.

        Raises ModelError where the generator has to be built to know these, and cannot be.
        """
        drawn = self.generator(generator)
        names, shape = drawn.labels.names, image_shape(drawn)
        return [
            name
            for name, entry in self.classifiers.items()
            if entry.labels.names == names and entry.takes(shape)
        ]


@dataclass(frozen=True)
class LoadedGenerator:
    """A generator ready to run. `scales` is None until σ has been measured (engine/scales.py).

    `scales_samples` is how many samples σ is measured over: few, and it is a preview.
    """

    entry: GeneratorEntry
    module: Generator
    checksum: str
    scales: dict[str, Tensor] | None
    scales_samples: int = FULL

    @cached_property
    def scales_checksum(self) -> str | None:
        """What tells this σ from another (engine/scales.py)."""
        return None if self.scales is None else scales_checksum(self.scales)


@dataclass(frozen=True)
class LoadedClassifier:
    """A classifier ready to run: images in [0, 1] → logits."""

    entry: ClassifierEntry
    module: Classifier
    checksum: str


def catalogue(
    models_folder: Path | None = None, on_problem: Callable[[ModelError], None] | None = None
) -> Catalogue:
    """The built-in entries and those of the user's `models_folder`.

    A file that does not run, defines no ENTRIES, or repeats a name is left out and told to
    `on_problem`; without that it is raised, a ModelError.
    """
    entries = {entry.name: entry for entry in BUILT_IN}
    for file in sorted(models_folder.glob("*.py")) if models_folder else []:
        try:
            entries |= _new_entries(file, entries)
        except ModelError as error:
            if on_problem is None:
                raise
            on_problem(error)
    return Catalogue(
        {name: entry for name, entry in entries.items() if isinstance(entry, GeneratorEntry)},
        {name: entry for name, entry in entries.items() if isinstance(entry, ClassifierEntry)},
    )


def image_shape(entry: GeneratorEntry) -> tuple[int, int, int]:
    """(channels, height, width) of a generator's pictures. Raises ModelError."""
    if entry.image_shape is not None:
        return entry.image_shape
    with torch.device("meta"):  # shapes only: no memory, no initialisation
        return built(entry).image_shape


def layer_weights(entry: GeneratorEntry, points: Sequence[Point], subset: str) -> tuple[float, ...]:
    """One weight a point for a preset: 1 where it is perturbed, 0 elsewhere."""
    if subset not in entry.presets:
        raise ModelError(
            f"{entry.name} has no layer subset “{subset}”; it has {', '.join(entry.presets)}."
        )
    chosen = entry.presets[subset]
    return tuple(float(point.name in chosen) for point in points)


def is_there(entry: Entry, folders: Sequence[Path]) -> bool:
    """Whether the entry's weights are in one of the folders."""
    return any((folder / entry.weights.filename).is_file() for folder in folders)


def ensure_weights(
    entry: Entry,
    folders: Sequence[Path],
    on_progress: Progress = lambda done, total: None,
) -> None:
    """Fetch weights that have an origin and are in none of the folders into the last.

    Raises ModelError.
    """
    if entry.origin and not is_there(entry, folders):
        obtain_weights(entry, folders[-1], on_progress=on_progress)


def load_generator(
    entry: GeneratorEntry,
    folders: Sequence[Path],
    device: str = "cpu",
    truncation: float = 1.0,
    on_progress: Progress = lambda done, total: None,
) -> LoadedGenerator:
    """Build, load with the checksum verified, freeze. Raises ModelError.

    Weights that have an origin and are in none of the folders are fetched into the last.
    """
    ensure_weights(entry, folders, on_progress)
    module = built(entry)
    checksum = _load_weights(module, entry.weights, folders)
    try:
        module.prepare(truncation)
    except ValueError as error:
        raise ModelError(f"{entry.name}: {error}") from error
    scales = None
    if entry.scales is not None:
        scales_file = _find(entry.scales, folders, entry.weights.repair)
        scales = load_scales(scales_file, module)
    return LoadedGenerator(entry, _freeze(module, device), checksum, scales)


def load_classifier(
    entry: ClassifierEntry,
    folders: Sequence[Path],
    device: str = "cpu",
    on_progress: Progress = lambda done, total: None,
) -> LoadedClassifier:
    """Build, load with the checksum verified, wrap in its preprocessing. Raises ModelError.

    Weights that have an origin and are in none of the folders are fetched into the last.
    """
    ensure_weights(entry, folders, on_progress)
    network = built(entry)
    checksum = _load_weights(network, entry.weights, folders)
    if entry.size is not None:
        network = folded(network.eval(), entry.size)
    module = Classifier(
        network,
        mean=entry.mean,
        std=entry.std,
        size=entry.size,
        interpolation=entry.interpolation,
    )
    # Channels last: pooling and convolutions are up to three times as fast on a CPU.
    module = _freeze(module, device).to(memory_format=torch.channels_last)
    return LoadedClassifier(entry, module, checksum)


def _freeze(module: Module, device: str) -> Module:
    """Eval mode and no gradients for weights: a search differentiates activations only."""
    keep_float32()
    return module.to(device).eval().requires_grad_(False)


def _load_weights(module: nn.Module, weights: Weights, folders: Sequence[Path]) -> str:
    file = _find(weights.filename, folders, weights.repair)
    checksum = hashlib.sha256(file.read_bytes()).hexdigest()
    expected = weights.sha256 or _card_checksum(file)
    if checksum != expected:
        raise ModelError(
            f"{file} is damaged (its checksum is not the recorded one). {weights.repair}"
        )
    try:
        state = load_file(file)
        module.load_state_dict(weights.prepare(state) if weights.prepare else state)
    except (SafetensorError, RuntimeError, KeyError) as error:
        raise ModelError(
            f"{file} does not hold the weights of this architecture. {weights.repair}"
        ) from error
    return checksum


def _find(filename: str, folders: Sequence[Path], repair: str) -> Path:
    for folder in folders:
        file = folder / filename
        if file.is_file():
            return file
    places = " or ".join(str(folder) for folder in folders)
    raise ModelError(f"{filename} is missing from {places}. {repair}")


def _card_checksum(file: Path) -> str:
    card = file.with_suffix(".json")
    try:
        return json.loads(card.read_text())["sha256"]
    except (OSError, ValueError, KeyError) as error:
        raise ModelError(
            f"The model card {card} is missing or unreadable, so {file.name} cannot be verified:"
            " give the entry a sha256, or restore the card."
        ) from error


def _new_entries(file: Path, known: Mapping[str, Entry]) -> dict[str, Entry]:
    """The entries of a user's file, by name. Raises ModelError."""
    try:
        defined = runpy.run_path(str(file))
    except (Exception, SystemExit) as error:  # a user's own code may raise anything
        raise ModelError(f"{file} does not run: {type(error).__name__}: {error}") from error
    entries = defined.get("ENTRIES")
    if not isinstance(entries, list | tuple):
        raise ModelError(f"{file} defines no ENTRIES, a list of catalogue entries.")
    found: dict[str, Entry] = {}
    for entry in entries:
        _check_entry(file, entry)
        if entry.name in known or entry.name in found:
            raise ModelError(
                f"Two models are called “{entry.name}”: rename the one you added in {file}."
            )
        found[entry.name] = entry
    return found


def _check_entry(file: Path, entry: Entry) -> None:
    """Python checks no types, and a menu with something else in it would fail everybody."""
    if not isinstance(entry, GeneratorEntry | ClassifierEntry):
        raise ModelError(f"ENTRIES in {file} may hold GeneratorEntry and ClassifierEntry only.")
    for field, kind in _KINDS.items():
        if not isinstance(getattr(entry, field), kind):
            raise ModelError(
                f"{file}: the {field} of “{entry.name}” must be a {kind.__name__}, not"
                f" {getattr(entry, field)!r}."
            )
    shape = entry.image_shape
    built_to_know = shape is None and isinstance(entry, GeneratorEntry)
    if not built_to_know and not _is_shape(shape):
        raise ModelError(
            f"{file}: the image_shape of “{entry.name}” must be (channels, height, width), not"
            f" {shape!r}."
        )


def _is_shape(shape: object) -> bool:
    return (
        isinstance(shape, list | tuple)
        and len(shape) == 3
        and all(isinstance(size, int) and size > 0 for size in shape)
    )


_KINDS = {"name": str, "title": str, "weights": Weights, "labels": Labels, "provenance": Provenance}


def _named(entries: Mapping[str, NamedEntry], name: str, kind: str) -> NamedEntry:
    if name not in entries:
        raise ModelError(f"There is no {kind} “{name}”; there are {', '.join(entries)}.")
    return entries[name]


_RETRAIN = "Run `git checkout -- data/bundled`, or train it anew: `python -m engine.training {}`."

DIGITS = Labels(
    names=("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"),
    phrases=(
        "a zero",
        "a one",
        "a two",
        "a three",
        "a four",
        "a five",
        "a six",
        "a seven",
        "an eight",
        "a nine",
    ),
)

BUILT_IN: tuple[Entry, ...] = (
    GeneratorEntry(
        name="mnist-conv",
        title="MNIST convolutional GAN",
        build=MnistConv,
        weights=Weights("mnist-conv.safetensors", repair=_RETRAIN.format("generator")),
        scales="mnist-conv.scales.safetensors",
        labels=DIGITS,
        presets={
            "all": ("z", "fc-64", "conv-1", "conv-2", "conv-3", "fc-784", "output"),
            "first": ("z", "fc-64", "conv-1", "conv-2"),
            "last": ("conv-2", "conv-3", "fc-784", "output"),
        },
        schedule="mnist",
        provenance=Provenance("trained by engine/training (Dunn et al. 2020, table 4)", "MIT"),
    ),
    ClassifierEntry(
        name="mnist-standard",
        title="MNIST, standard training",
        build=StandardCnn,
        weights=Weights("mnist-standard.safetensors", repair=_RETRAIN.format("standard")),
        labels=DIGITS,
        image_shape=(1, 28, 28),
        provenance=Provenance(
            "trained by engine/training", "MIT", "99.51 %; 0.00 % under PGD ℓ∞ 0.3"
        ),
    ),
    ClassifierEntry(
        name="mnist-robust",
        title="MNIST, adversarially trained (ℓ∞ 0.3)",
        build=LeNet5,
        weights=Weights("mnist-robust.safetensors", repair=_RETRAIN.format("robust")),
        labels=DIGITS,
        image_shape=(1, 28, 28),
        provenance=Provenance(
            "trained by engine/training", "MIT", "98.96 %; 94.84 % under PGD ℓ∞ 0.3"
        ),
    ),
    *IMAGENET_GENERATORS,
    *IMAGENET_CLASSIFIERS,
)
