"""`python -m app map plane`, `components`, …: a map of a space, computed here as it is stored."""

from __future__ import annotations

import argparse
import getpass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlite_utils import Database

from app.commands.map_named import given, named, read_bytes, told
from app.commands.terminal import ProgressLine, print_object
from app.runner.choices import choice_of, label_index
from app.runner.interruption import Interrupted, interruption
from app.runner.map_photo import photo_problem
from app.runner.request import RequestError
from data.found_directions import found_direction
from data.home import Home
from data.maps import add_map_file, stored_map

if TYPE_CHECKING:
    from app.runner.menu import GeneratorChoice, LabelSet, Menu
    from engine.spaces.description import Change, GeneratedSource, SpaceDescription


def compute(arguments: argparse.Namespace, place: Home, database: Database) -> None:
    """Store the map that is asked for, and compute it."""
    import torch

    from app.runner import map_request
    from app.runner.models import Models

    torch.set_num_threads(arguments.threads or torch.get_num_threads())
    models = Models(place, arguments.device)
    menu = models.menu()
    labels: GeneratorChoice | LabelSet
    if arguments.action == "plane":
        space, label, labels = _plane(arguments, database, menu)
        there, small = models.at_hand(labels.name), labels.image_shape[1] < 64
    elif arguments.action == "view" or arguments.photo is not None:
        labels = _coloured(menu, arguments.classifiers, arguments.label)
        label, there, small = _label(labels, arguments.label), labels.classifiers, False
        space = _seen(arguments, database)
    else:
        labels = choice_of(menu.generators, arguments.generator or "mnist-conv", "generator")
        label = _label(labels, arguments.label)
        space = _drawn(arguments, labels, label)
        there, small = models.at_hand(labels.name), labels.image_shape[1] < 64
    usual = 200 if len(space.axes) == 1 else 100 if small else 24
    description = map_request.describe(
        menu,
        space,
        label=label,
        label_name=labels.labels[label],
        classifiers=arguments.classifiers or there,
        resolution=arguments.points or usual,
        tolerance=arguments.refine,
    )
    map_id = map_request.store_map(
        database, description, name=arguments.name, owner=getpass.getuser()
    )
    _work(arguments, place, database, models, map_id)


def resume(arguments: argparse.Namespace, place: Home, database: Database) -> None:
    """Go on with a map that was stopped."""
    from app.runner.models import Models

    one = named(database, *given(arguments, "ID"))
    _work(arguments, place, database, Models(place, arguments.device), one.id)


def _work(
    arguments: argparse.Namespace, place: Home, database: Database, models: Any, map_id: str
) -> None:
    """Compute what the map lacks, here."""
    from app.runner.course import advance, stop
    from app.runner.map_course import map_course
    from app.runner.map_spaces import SpaceBuilder

    stored = stored_map(database, map_id)
    assert stored is not None
    course = map_course(database, place, SpaceBuilder(database, place, models), stored, {})
    line, over = ProgressLine(), False
    with interruption() as asked:
        while not over:
            progress, over = advance(course, 0.3)
            if asked():
                stop(course)
                line.clear()
                raise Interrupted(f"Stopped; go on with: python -m app map resume {map_id}")
            if "points" in progress:
                line.show(f"{progress['points']} of {progress['of']} points")
            elif "preparing" in progress:
                line.show(progress["preparing"])
    line.clear()
    done = stored_map(database, map_id)
    assert done is not None
    if arguments.json:
        print_object(told(done))
    else:
        print(f"Map {done.id}: {done.name}, {done.measured} of {done.points} points asked.")


def _plane(
    arguments: argparse.Namespace, database: Database, menu: Menu
) -> tuple[SpaceDescription, int, GeneratorChoice]:
    from app.runner import map_request

    pair = []
    for number in (arguments.found, arguments.second):
        one = None if number is None else found_direction(database, number)
        if number is not None and one is None:
            raise RequestError(
                f"No search found perturbation {number}: python -m app map found lists them."
            )
        pair.append(one)
    first, second = pair
    if first is None:
        raise RequestError("Say which perturbation: --found N, of python -m app map found.")
    low, high = arguments.range
    space = map_request.plane(
        first, second, seed=arguments.noise, lower=(low, low), upper=(high, high)
    )
    return space, first.label, choice_of(menu.generators, first.generator, "generator")


def _seen(arguments: argparse.Namespace, database: Database) -> SpaceDescription:
    """Views of a mesh, or a photo that is changed."""
    from app.runner import map_request
    from engine.spaces.description import PhotoSource, Transformations

    if arguments.action == "view":
        mesh = Path(*given(arguments, "MESH"))
        return map_request.viewpoint(mesh.name, add_map_file(database, mesh.name, read_bytes(mesh)))
    changes = _changes(arguments)
    photo, content = arguments.photo, read_bytes(arguments.photo)
    if problem := photo_problem(photo.name, content):
        raise RequestError(problem)
    sha256 = add_map_file(database, photo.name, content)
    return Transformations(PhotoSource(photo.name, sha256, 224), changes)


def _drawn(
    arguments: argparse.Namespace, generator: GeneratorChoice, label: int
) -> SpaceDescription:
    """What a generator draws."""
    from app.runner import map_request
    from engine.spaces.description import Transformations

    def source(of: int = label, seed: int = arguments.seed) -> GeneratedSource:
        return map_request.generated(generator, of, seed)

    if arguments.action == "components":
        return map_request.components(generator, source(), arguments.point, arguments.numbers)
    if arguments.action == "interpolate":
        other = label if arguments.to_label is None else _label(generator, arguments.to_label)
        return map_request.interpolation(source(), source(other, arguments.to_seed))
    return Transformations(source(), _changes(arguments))


def _changes(arguments: argparse.Namespace) -> tuple[Change, ...]:
    from engine.spaces.changes import TRANSFORMATIONS
    from engine.spaces.description import Change

    offered = {name: choice_of(TRANSFORMATIONS, name, "change") for name in arguments.changes}
    return tuple(Change(name, one.lower, one.upper) for name, one in offered.items())


def _coloured(menu: Menu, classifiers: list[str] | None, label: str | None) -> LabelSet:
    """The labels that are meant: those of the named classifiers, else those that have the label."""
    from app.runner.map_classifiers import coloured_labels

    sets = coloured_labels(menu)
    named = [one for one in sets if set(classifiers or ()) <= set(one.classifiers)]
    if not named:
        here = ", ".join(name for one in sets for name in one.classifiers)
        raise RequestError(
            f"{', '.join(classifiers or ())} cannot score coloured pictures of the same labels"
            f" here: choose of {here}."
        )
    having = (one for one in named if label in one.labels or label in one.phrases)
    return next(having, named[0])


def _label(labels: GeneratorChoice | LabelSet, text: str | None) -> int:
    if text is None:
        raise RequestError("Say what the scores are of: --label, a label's name or number.")
    return label_index(labels, text)
