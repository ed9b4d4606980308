"""The menu made from the catalogue: what can be asked for, and what stands in the way."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict

import torch

from app.runner.checksums import remembered_checksum
from app.runner.menu import ClassifierChoice, GeneratorChoice, LabelSet, Menu, PointChoice
from app.runner.scale_files import measured_samples
from data.home import Home, bundled
from engine.catalogue import Catalogue, ClassifierEntry, GeneratorEntry
from engine.entries import ModelError, built
from engine.experiment import SCHEDULES
from engine.scales import FULL
from engine.search.run import SEARCHES


def menu(entries: Catalogue, home: Home, problems: list[str]) -> Menu:
    """The catalogue as pages and commands offer it. Weights are hashed, nothing is loaded.

    A generator that cannot be built is left out, and `problems` told.
    """
    generators: dict[str, GeneratorChoice] = {}
    for name, entry in entries.generators.items():
        try:
            generators[name] = generator_choice(entries, entry, home)
        except ModelError as error:
            problems.append(str(error))
    return Menu(
        generators=generators,
        classifiers={
            name: ClassifierChoice(
                name,
                entry.title,
                entry.provenance.source,
                entry.provenance.accuracy,
                tuple(entry.image_shape),
                **availability(entry, home),
            )
            for name, entry in entries.classifiers.items()
        },
        schedules={name: asdict(schedule) for name, schedule in SCHEDULES.items()},
        searches={search: _schedules_for(search) for search in SEARCHES},
        label_sets=tuple(_label_sets(entries)),
        problem=" ".join(problems) or None,
    )


def _label_sets(entries: Catalogue) -> Iterator[LabelSet]:
    """The classifiers by their labels' names, in the catalogue's order."""
    by_names: dict[tuple[str, ...], list[ClassifierEntry]] = {}
    for entry in entries.classifiers.values():
        by_names.setdefault(tuple(entry.labels.names), []).append(entry)
    for names, alike in by_names.items():
        yield LabelSet(names, tuple(alike[0].labels.phrases), tuple(one.name for one in alike))


def _schedules_for(search: str) -> tuple[str, ...]:
    """A schedule of a search's name is that search's alone; the others are the relaxation's."""
    own = tuple(name for name in SCHEDULES if name == search)
    return own or tuple(name for name in SCHEDULES if name not in SEARCHES)


def generator_choice(entries: Catalogue, entry: GeneratorEntry, home: Home) -> GeneratorChoice:
    """What the picker shows of a generator. Raises ModelError where it cannot be built."""
    points, image_shape = entry.points, entry.image_shape
    if not points or image_shape is None:
        with torch.device("meta"):  # shapes only: no memory, no initialisation
            module = built(entry)
        points, image_shape = module.points, module.image_shape
    found = availability(entry, home)
    labels = entry.labels
    return GeneratorChoice(
        name=entry.name,
        title=entry.title,
        points=tuple(PointChoice(point.name, tuple(point.shape)) for point in points),
        presets={name: tuple(subset) for name, subset in entry.presets.items()},
        schedule=entry.schedule,
        labels=tuple(labels.names),
        phrases=tuple(labels.phrases),
        searches=tuple(labels.search(index) for index in range(len(labels.names))),
        glosses=tuple(labels.glosses.get(index) for index in range(len(labels.names))),
        classifiers=tuple(entries.fitting_classifiers(entry.name)),
        image_shape=tuple(image_shape),
        options=tuple(entry.options),
        scales_samples=_scales_samples(entry, home, found["checksum"]),
        **found,
    )


def _scales_samples(entry: GeneratorEntry, home: Home, checksum: str | None) -> int | None:
    if entry.scales is not None:
        return FULL
    return None if checksum is None else measured_samples(home, checksum)


def availability(entry: GeneratorEntry | ClassifierEntry, home: Home) -> dict[str, str | None]:
    """The checksum of the entry's weights, how they will be had, or the problem with them."""
    weights, origin = entry.weights, entry.origin
    for folder in (bundled(), home.weights):
        file = folder / weights.filename
        if file.is_file():
            checksum = remembered_checksum(file, home.caches)
            return {"checksum": checksum, "remark": None, "problem": None}
    if origin is not None and origin.urls:
        size = f" ({origin.megabytes:,.0f} MB)" if origin.megabytes else ""
        remark = f"The weights of {entry.name} are fetched on first use{size}."
        return {"checksum": None, "remark": remark, "problem": None}
    if origin is not None and origin.file is not None and origin.file.is_file():
        remark = f"The weights of {entry.name} are read from {origin.file} on first use."
        return {"checksum": None, "remark": remark, "problem": None}
    problem = f"The weights of {entry.name} are missing ({weights.filename}). {weights.repair}"
    return {"checksum": None, "remark": None, "problem": problem}
