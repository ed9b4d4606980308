"""What can be asked for: the catalogue as plain values, readable without importing torch.

A page only offers choices; loading torch into the web server's process would cost it seconds and
threads. The worker, which has torch anyway, writes this menu to the home folder.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from data.home import Home

MENU = "menu.json"
#: σ over fewer samples is a preview; `engine.scales` has the same number, and torch.
FULL_SAMPLES = 10_000


@dataclass(frozen=True)
class PointChoice:
    """A point of a generator: its name and the shape of one sample's activation there."""

    name: str
    shape: tuple[int, ...]


@dataclass(frozen=True)
class GeneratorChoice:
    """A generator as the picker shows it. `classifiers` names those that know its labels.

    `checksum` is that of its weights. Where they are not there it is None: either `remark` is a
    sentence that says how they will be had, or `problem` one that says why it cannot be used.
    `searches` is what an image search is given for each label; `glosses` says what is meant, where
    names could be misread. `scales_samples` is how many samples σ at truncation 1 is measured over
    (256: a preview), None where it is not measured yet. `options` names the recorded options that
    it has: "truncation", "condition_follows_z".
    """

    name: str
    title: str
    points: tuple[PointChoice, ...]
    presets: dict[str, tuple[str, ...]]
    schedule: str
    labels: tuple[str, ...]
    phrases: tuple[str, ...]
    searches: tuple[str, ...]
    glosses: tuple[str | None, ...]
    classifiers: tuple[str, ...]
    image_shape: tuple[int, int, int]
    options: tuple[str, ...]
    scales_samples: int | None
    checksum: str | None
    remark: str | None
    problem: str | None


@dataclass(frozen=True)
class ClassifierChoice:
    """A classifier as the picker shows it; the last three fields as in GeneratorChoice.

    `image_shape` is (channels, height, width) of the pictures that it was made for.
    """

    name: str
    title: str
    source: str
    accuracy: str
    image_shape: tuple[int, int, int]
    checksum: str | None
    remark: str | None
    problem: str | None


@dataclass(frozen=True)
class LabelSet:
    """Labels, and every classifier that tells apart these very ones, generator or none."""

    labels: tuple[str, ...]
    phrases: tuple[str, ...]
    classifiers: tuple[str, ...]


@dataclass(frozen=True)
class Menu:
    """Every choice there is.

    `schedules` gives each schedule's values by field; `searches` names, for each search, the
    schedules that are made for it. `problem` is a sentence about the user's own entries, where
    they could not be read and are left out.
    """

    generators: dict[str, GeneratorChoice]
    classifiers: dict[str, ClassifierChoice]
    schedules: dict[str, dict[str, float]]
    searches: dict[str, tuple[str, ...]]
    label_sets: tuple[LabelSet, ...] = ()
    problem: str | None = None


def write_menu(home: Home, menu: Menu) -> None:
    """Put the menu where pages find it, complete or not at all."""
    file = _file(home)
    partial = file.with_suffix(".partial")
    partial.write_text(json.dumps(asdict(menu)))
    partial.rename(file)


def read_menu(home: Home) -> Menu | None:
    """The menu as a worker last wrote it, or None before the first one of this version has."""
    try:
        return _menu(json.loads(_file(home).read_text()))
    except (FileNotFoundError, KeyError, TypeError):
        return None


def _file(home: Home) -> Path:
    return home.caches / MENU


def _menu(record: dict[str, Any]) -> Menu:
    return Menu(
        generators={name: _generator(entry) for name, entry in record["generators"].items()},
        classifiers={
            name: ClassifierChoice(**entry | {"image_shape": tuple(entry["image_shape"])})
            for name, entry in record["classifiers"].items()
        },
        schedules=record["schedules"],
        searches={name: tuple(schedules) for name, schedules in record["searches"].items()},
        label_sets=tuple(
            LabelSet(**{key: tuple(value) for key, value in labels.items()})
            for labels in record["label_sets"]
        ),
        problem=record["problem"],
    )


def _generator(record: dict[str, Any]) -> GeneratorChoice:
    plain = {
        key: tuple(value) if isinstance(value, list) else value for key, value in record.items()
    }
    plain["points"] = tuple(
        PointChoice(point["name"], tuple(point["shape"])) for point in record["points"]
    )
    plain["presets"] = {name: tuple(points) for name, points in record["presets"].items()}
    return GeneratorChoice(**plain)
