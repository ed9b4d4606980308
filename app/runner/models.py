"""The models of one home, loaded once and kept, and the menu that describes them."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import asdict, replace
from hashlib import sha256
from pathlib import Path

import torch

from app.runner.menu import ClassifierChoice, GeneratorChoice, Menu, PointChoice
from data.home import Home, bundled
from engine.catalogue import (
    Catalogue,
    ClassifierEntry,
    GeneratorEntry,
    LoadedClassifier,
    LoadedGenerator,
    ModelError,
    catalogue,
    load_classifier,
    load_generator,
)
from engine.experiment import SCHEDULES
from engine.scales import load_scales, measure_scales, save_scales
from engine.search.run import SEARCHES

log = logging.getLogger(__name__)


class Models:
    """Generators and classifiers on one device, each loaded on first use. Raises ModelError.

    `lenient`: where the user's own entries cannot be read, go on without them and say so in the
    menu; a worker must not fail everybody for one file.
    """

    def __init__(self, home: Home, device: str = "cpu", *, lenient: bool = False) -> None:
        self.device = device
        self._home = home
        self._folders = (bundled(), home.weights)
        self._generators: dict[tuple[str, float], LoadedGenerator] = {}
        self._classifiers: dict[str, LoadedClassifier] = {}
        self._problem: str | None = None
        try:
            self.catalogue: Catalogue = catalogue(home.models)
        except ModelError as error:
            if not lenient:
                raise
            log.warning("The user's own models are left out: %s", error)
            self._problem = str(error)
            self.catalogue = catalogue()

    def menu(self) -> Menu:
        """What can be asked for, weights hashed as they are now."""
        return replace(menu(self.catalogue, self._folders), problem=self._problem)

    def generator(self, name: str, truncation: float = 1.0) -> LoadedGenerator:
        """The generator with its σ, which is measured now where it never was."""
        key = (name, truncation)
        if key not in self._generators:
            entry = self.catalogue.generator(name)
            loaded = load_generator(entry, self._folders, self.device, truncation)
            if loaded.scales is None:
                loaded = replace(loaded, scales=self._measured_scales(loaded, truncation))
            self._generators[key] = loaded
        return self._generators[key]

    def classifier(self, name: str) -> LoadedClassifier:
        """The classifier, its weights verified."""
        if name not in self._classifiers:
            self._classifiers[name] = load_classifier(
                self.catalogue.classifier(name), self._folders, self.device
            )
        return self._classifiers[name]

    def _measured_scales(
        self, loaded: LoadedGenerator, truncation: float
    ) -> dict[str, torch.Tensor]:
        file = self._home.caches / f"scales-{loaded.checksum}-{truncation:g}.safetensors"
        if not file.is_file():
            log.info("Measuring σ of %s; it is kept in %s.", loaded.entry.name, file)
            save_scales(measure_scales(loaded.module, device=self.device), file)
        return load_scales(file, loaded.module)


def menu(entries: Catalogue, folders: Sequence[Path]) -> Menu:
    """The catalogue as pages and commands offer it. Weights are hashed, nothing is loaded."""
    return Menu(
        generators={
            name: _generator_choice(entries, entry, folders)
            for name, entry in entries.generators.items()
        },
        classifiers={
            name: ClassifierChoice(
                name,
                entry.title,
                entry.provenance.source,
                entry.provenance.accuracy,
                **_availability(entry, folders),
            )
            for name, entry in entries.classifiers.items()
        },
        schedules={name: asdict(schedule) for name, schedule in SCHEDULES.items()},
        searches={search: _schedules_for(search) for search in SEARCHES},
    )


def _schedules_for(search: str) -> tuple[str, ...]:
    """A schedule of a search's name is that search's alone; the others are the relaxation's."""
    own = tuple(name for name in SCHEDULES if name == search)
    return own or tuple(name for name in SCHEDULES if name not in SEARCHES)


def _generator_choice(
    entries: Catalogue, entry: GeneratorEntry, folders: Sequence[Path]
) -> GeneratorChoice:
    with torch.device("meta"):  # shapes only: no memory, no initialisation
        module = entry.build()
    return GeneratorChoice(
        name=entry.name,
        title=entry.title,
        points=tuple(PointChoice(point.name, tuple(point.shape)) for point in module.points),
        presets=dict(entry.presets),
        schedule=entry.schedule,
        labels=tuple(entry.labels.names),
        phrases=tuple(entry.labels.phrases),
        classifiers=tuple(entries.fitting_classifiers(entry.name)),
        image_shape=tuple(module.image_shape),
        **_availability(entry, folders),
    )


def _availability(
    entry: GeneratorEntry | ClassifierEntry, folders: Sequence[Path]
) -> dict[str, str | None]:
    """The checksum of the entry's weights, or the problem with them."""
    weights = entry.weights
    for folder in folders:
        file = folder / weights.filename
        if file.is_file():
            return {"checksum": sha256(file.read_bytes()).hexdigest(), "problem": None}
    problem = f"The weights of {entry.name} are missing ({weights.filename}). {weights.repair}"
    return {"checksum": None, "problem": problem}
