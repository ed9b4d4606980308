"""The models of one home, loaded once and kept."""

from __future__ import annotations

import copy
import logging
from collections.abc import Sequence
from dataclasses import replace

from app.runner import offer
from app.runner.course import Course
from app.runner.fetching import fetching
from app.runner.menu import Menu
from app.runner.scale_files import measured_samples, measuring, scales_file, wanted_samples
from data.home import Home, bundled
from engine.catalogue import (
    Catalogue,
    LoadedClassifier,
    LoadedGenerator,
    catalogue,
    is_there,
    load_classifier,
    load_generator,
)
from engine.devices import require_device
from engine.scales import FULL, load_scales

log = logging.getLogger(__name__)


class Models:
    """Generators and classifiers on one device, each loaded on first use. Raises ModelError.

    `lenient`: go on without those of the user's own entries that cannot be read, and say so in the
    menu; a worker must not fail everybody for one file.
    """

    def __init__(self, home: Home, device: str = "cpu", *, lenient: bool = False) -> None:
        self.device = device
        self.folders = (bundled(), home.weights)
        self._home = home
        self._generators: dict[tuple[str, float], LoadedGenerator] = {}
        self._classifiers: dict[str, LoadedClassifier] = {}
        self.problems: list[str] = []
        self.catalogue: Catalogue = catalogue(
            home.models, (lambda error: self.problems.append(str(error))) if lenient else None
        )
        for problem in self.problems:
            log.warning("Some of the user's own models are left out: %s", problem)

    def menu(self) -> Menu:
        """What can be asked for, weights hashed as they are now."""
        return offer.menu(self.catalogue, self._home, list(self.problems))

    def preparation(
        self,
        generator: str,
        truncation: float = 1.0,
        classifiers: Sequence[str] = (),
        *,
        full_scales: bool = False,
    ) -> Course:
        """Fetch weights that are not there, load, and measure σ: what may take minutes.

        Progress has `preparing`, a sentence. `full_scales`: a preview of σ will not do. Stopped,
        it goes on from there the next time. Raises ModelError.
        """
        require_device(self.device)  # before anything is fetched in vain
        entry = self.catalogue.generator(generator)
        for one in (entry, *(self.catalogue.classifier(name) for name in classifiers)):
            if one.origin is not None and not is_there(one, self.folders):
                yield from fetching(one, self.folders)
        loaded = self._loaded(generator, truncation)
        best = measured_samples(self._home, loaded.checksum, truncation)
        if loaded.scales is None or (full_scales and loaded.scales_samples < FULL):
            wanted = wanted_samples(loaded, full=full_scales)
            if best is None or best < wanted:
                yield from measuring(self._home, loaded, wanted, self.device)

    def generator(
        self, name: str, truncation: float = 1.0, *, condition_follows_z: bool = True
    ) -> LoadedGenerator:
        """The generator with the best σ there is; measured now, as a preview, where it never was.

        Weights are fetched where they are not there: `preparation` does the same step by step.
        """
        for _ in self.preparation(name, truncation):
            pass
        loaded = self._loaded(name, truncation)
        best = measured_samples(self._home, loaded.checksum, truncation)
        if (
            loaded.entry.scales is None
            and best
            and (loaded.scales is None or loaded.scales_samples < best)
        ):
            file = scales_file(self._home, loaded.checksum, truncation, best)
            scales = load_scales(file, loaded.module)
            loaded = replace(loaded, scales=scales, scales_samples=best)
            self._generators[name, truncation] = loaded
        if loaded.module.condition_follows_z != condition_follows_z:
            module = copy.copy(loaded.module)  # the same weights
            module.condition_follows_z = condition_follows_z
            loaded = replace(loaded, module=module)
        return loaded

    def classifier(self, name: str) -> LoadedClassifier:
        """The classifier, its weights verified, and fetched where they are not there."""
        if name not in self._classifiers:
            require_device(self.device)
            self._classifiers[name] = load_classifier(
                self.catalogue.classifier(name), self.folders, self.device
            )
        return self._classifiers[name]

    def at_hand(self, generator: str) -> list[str]:
        """The classifiers of a generator's labels whose weights are there: nothing is fetched."""
        fitting = self.catalogue.fitting_classifiers(generator)
        return [one for one in fitting if is_there(self.catalogue.classifier(one), self.folders)]

    def _loaded(self, name: str, truncation: float) -> LoadedGenerator:
        key = (name, truncation)
        if key not in self._generators:
            entry = self.catalogue.generator(name)
            self._generators[key] = load_generator(entry, self.folders, self.device, truncation)
        return self._generators[key]
