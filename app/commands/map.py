"""`python -m app map`: semantic maps from a terminal, as on the Maps page."""

from __future__ import annotations

import argparse
import getpass
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlite_utils import Database

from app.commands.terminal import ProgressLine, print_object, say
from app.figures import figures
from app.runner.interruption import Interrupted, interruption
from app.runner.request import RequestError
from data.found_directions import found_direction, found_directions
from data.home import Home, home
from data.maps import StoredMap, add_map_file, map_content, stored_map, stored_maps

if TYPE_CHECKING:
    from app.runner.menu import GeneratorChoice, LabelSet, Menu
    from engine.spaces.description import Change, GeneratedSource, SpaceDescription

HELP = """Compute semantic maps, grow regions on them, bring maps in and out.

list: every map. found: perturbations that searches found, each with the number that plane wants.
plane, components, interpolate, transform, view: compute a map of that space. resume ID: go on with
one that was stopped. regions ID: grow regions on a map. import FILE: take in a downloaded map, or a
published archive of arrays called network_class_object. export ID FILE: write a map's file.

A map is stored as it is computed; Ctrl-C keeps what is known, and resume goes on from there.

  python -m app map plane --found 12 --classifiers mnist-standard mnist-robust
  python -m app map transform --label seven --seed 4 --changes rotation scale --points 60
  python -m app map view mug.ply --label "coffee mug" --classifiers torchvision:squeezenet1_1
  python -m app map regions 1f2e3d4c5b --method refined --start 0.5 0.5"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command's options."""
    parser.add_argument("action", choices=list(ACTIONS), help="what to do")
    parser.add_argument("what", nargs="?", metavar="ID|FILE", help="a map's id, a mesh or a file")
    parser.add_argument("file", nargs="?", type=Path, metavar="FILE", help="export: where to")
    parser.add_argument("--name", default="", help="what the map is called (default: its space)")
    parser.add_argument(
        "--generator",
        help="what draws the pictures (default: mnist-conv); not of view, nor of a photo",
    )
    parser.add_argument("--label", help="what the scores are of: a label's name or number")
    parser.add_argument("--seed", type=int, default=0, help="draws the source (default: 0)")
    parser.add_argument(
        "--classifiers", nargs="+", metavar="NAME", help="default: all of the labels that are here"
    )
    parser.add_argument(
        "--points", type=int, metavar="N", help="along an axis (default: 100 or 24, 200 for one)"
    )
    parser.add_argument(
        "--refine", type=float, metavar="D", help="coarse first, finer where scores differ by D"
    )
    parser.add_argument("--found", type=int, metavar="N", help="plane: the first perturbation")
    parser.add_argument(
        "--second",
        type=int,
        metavar="N",
        help="plane: the second one (default: a random orthogonal direction)",
    )
    parser.add_argument(
        "--noise", type=int, default=0, metavar="SEED", help="plane: of that direction (default: 0)"
    )
    parser.add_argument(
        "--range",
        nargs=2,
        type=float,
        default=(-0.5, 1.5),
        metavar=("LOW", "HIGH"),
        help="plane: in multiples of the perturbations (default: -0.5 1.5)",
    )
    parser.add_argument("--point", default="z", help="components: of which point (default: z)")
    parser.add_argument(
        "--numbers",
        nargs="+",
        type=int,
        default=[1, 2],
        metavar="K",
        help="components: one or two, 1 the largest (default: 1 2)",
    )
    parser.add_argument(
        "--to-label", help="interpolate: the second source's (default: the first's)"
    )
    parser.add_argument(
        "--to-seed", type=int, default=1, help="interpolate: the second source's (default: 1)"
    )
    parser.add_argument(
        "--changes",
        nargs="+",
        default=["rotation", "scale"],
        metavar="NAME",
        help="transform: one or two of rotation, scale, shift x, shift y, brightness, blur",
    )
    parser.add_argument("--photo", type=Path, help="transform: of this photo, not of a source")
    parser.add_argument(
        "--method", default="refined", help="regions: naive, oir_b, oir_w or refined"
    )
    parser.add_argument("--steps", type=int, default=800, help="regions: T (default: 800)")
    parser.add_argument(
        "--start",
        nargs="+",
        type=float,
        action="append",
        metavar="U",
        help="regions: where to start; may be given again (default: the middle)",
    )
    parser.add_argument("--device", default="cpu", help="cpu, cuda, cuda:1, … (default: cpu)")
    parser.add_argument("--threads", type=int, metavar="N", help="processor threads (default: all)")
    parser.add_argument(
        "--json", action="store_true", help="print JSON Lines on standard output, nothing else"
    )


def run(arguments: argparse.Namespace) -> int:
    """Do what is asked for."""
    from data.database import open_database

    place = home(arguments.home)
    with closing(open_database(place)) as database:
        ACTIONS[arguments.action](arguments, place, database)
    return 0


def _list(arguments: argparse.Namespace, place: Home, database: Database) -> None:
    for one in stored_maps(database):
        told = _told(one)
        if arguments.json:
            print_object(told)
        else:
            print(f"{one.id}  {told['state']:>12}  {one.name}")


def _found(arguments: argparse.Namespace, place: Home, database: Database) -> None:
    for one in found_directions(database):
        told = {
            "found": one.result_id,
            "generator": one.generator,
            "label": one.label,
            "seed": one.seed,
            "target": one.target,
            "classifier": one.classifier,
            "search": one.search,
            "magnitude": one.magnitude,
            "kept": one.perturbation is not None,
        }
        if arguments.json:
            print_object(told)
        else:
            print(
                f"{one.result_id:>6}  {one.generator}, label {one.label}, seed {one.seed}:"
                f" {one.classifier}, {one.search}, magnitude {figures(one.magnitude)}"
            )


def _compute(arguments: argparse.Namespace, place: Home, database: Database) -> None:
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
        labels = _generator(menu, arguments.generator or "mnist-conv")
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


def _resume(arguments: argparse.Namespace, place: Home, database: Database) -> None:
    from app.runner.models import Models

    one = _named(database, arguments)
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
        print_object(_told(done))
    else:
        print(f"Map {done.id}: {done.name}, {done.measured} of {done.points} points asked.")


def _regions(arguments: argparse.Namespace, place: Home, database: Database) -> None:
    from engine.maps import from_bytes
    from engine.regions import METHODS, adversarial, grow_regions

    one = _named(database, arguments)
    content = map_content(database, one.id)
    if content is None or not one.complete:
        raise RequestError(f"Map {one.id} is not complete: python -m app map resume {one.id}")
    if arguments.method not in METHODS:
        raise RequestError(f"There is no method {arguments.method}: {', '.join(METHODS)}.")
    found = from_bytes(content)
    lower = [float(axis[0]) for axis in found.coordinates]
    upper = [float(axis[-1]) for axis in found.coordinates]
    middle = [(low + high) / 2 for low, high in zip(lower, upper, strict=True)]
    starts = arguments.start or [middle]
    for number, network in enumerate(found.description.classifiers):
        score = found.score(number)
        for kind, grown_on in (("robust", score), ("adversarial", adversarial(score))):
            try:
                regions = grow_regions(
                    grown_on,
                    starts,
                    lower=lower,
                    upper=upper,
                    method=arguments.method,
                    steps=arguments.steps,
                )
            except ValueError as error:
                raise RequestError(str(error)) from error
            for region in regions:
                told = {
                    "map": one.id,
                    "classifier": network.name,
                    "kind": kind,
                    "method": region.method,
                    "steps": region.steps,
                    "start": region.start.tolist(),
                    "lower": region.lower.tolist(),
                    "upper": region.upper.tolist(),
                    "volume_share": region.volume_share,
                    "mean": region.mean,
                    "variance": region.variance,
                    "feasible": region.feasible,
                    "evaluations": region.evaluations,
                }
                if arguments.json:
                    print_object(told)
                else:
                    box = ", ".join(
                        f"{low:.4g} to {high:.4g}"
                        for low, high in zip(region.lower, region.upper, strict=True)
                    )
                    print(
                        f"{network.name}, {kind}: {box}; {figures(100 * region.volume_share)} % of"
                        f" the space, mean {figures(region.mean)},"
                        f" {'feasible' if region.feasible else 'not feasible'}"
                    )


def _import(arguments: argparse.Namespace, place: Home, database: Database) -> None:
    from app.runner.map_files import keep_imported, read_maps
    from engine.maps import MapFileError

    file = Path(_given(arguments, "FILE"))
    try:
        maps = read_maps(file.read_bytes(), file.name)
    except OSError as error:
        raise RequestError(f"{file} cannot be read ({error.strerror}).") from error
    except MapFileError as error:
        raise RequestError(str(error)) from error
    for map_id in keep_imported(database, maps, owner=getpass.getuser()):
        one = stored_map(database, map_id)
        assert one is not None
        print_object(_told(one)) if arguments.json else print(f"{map_id}  {one.name}")


def _export(arguments: argparse.Namespace, place: Home, database: Database) -> None:
    one = _named(database, arguments)
    content = map_content(database, one.id)
    if content is None or arguments.file is None:
        raise RequestError("Write: python -m app map export ID FILE, of a map that has scores.")
    if arguments.file.exists():
        raise RequestError(f"{arguments.file} is there already: choose another name.")
    arguments.file.write_bytes(content)
    say(f"Written: {arguments.file}")


Action = Callable[[argparse.Namespace, Home, Database], None]
ACTIONS: dict[str, Action] = {
    "list": _list,
    "found": _found,
    "plane": _compute,
    "components": _compute,
    "interpolate": _compute,
    "transform": _compute,
    "view": _compute,
    "resume": _resume,
    "regions": _regions,
    "import": _import,
    "export": _export,
}


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
    return space, first.label, _generator(menu, first.generator)


def _seen(arguments: argparse.Namespace, database: Database) -> SpaceDescription:
    """Views of a mesh, or a photo that is changed."""
    from app.runner import map_request
    from engine.spaces.description import PhotoSource, Transformations

    if arguments.action == "view":
        mesh = Path(_given(arguments, "MESH"))
        return map_request.viewpoint(mesh.name, add_map_file(database, mesh.name, _bytes(mesh)))
    changes = _changes(arguments)
    sha256 = add_map_file(database, arguments.photo.name, _bytes(arguments.photo))
    return Transformations(PhotoSource(arguments.photo.name, sha256, 224), changes)


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

    unknown = [name for name in arguments.changes if name not in TRANSFORMATIONS]
    if unknown:
        raise RequestError(f"There is no change {unknown[0]}: {', '.join(TRANSFORMATIONS)}.")
    return tuple(
        Change(name, TRANSFORMATIONS[name].lower, TRANSFORMATIONS[name].upper)
        for name in arguments.changes
    )


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


def _generator(menu: Menu, name: str) -> GeneratorChoice:
    if name not in menu.generators:
        raise RequestError(f"There is no generator {name}: {', '.join(menu.generators)}.")
    return menu.generators[name]


def _label(labels: GeneratorChoice | LabelSet, given: str | None) -> int:
    if given is None:
        raise RequestError("Say what the scores are of: --label, a label's name or number.")
    for names in (labels.labels, labels.phrases):
        if given in names:
            return names.index(given)
    if given.isdecimal() and int(given) < len(labels.labels):
        return int(given)
    raise RequestError(f"There is no label {given}: {', '.join(labels.labels[:10])}, …")


def _bytes(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError as error:
        raise RequestError(f"{file} cannot be read ({error.strerror}).") from error


def _given(arguments: argparse.Namespace, what: str) -> str:
    if arguments.what is None:
        raise RequestError(f"Write: python -m app map {arguments.action} {what}")
    return str(arguments.what)


def _named(database: Database, arguments: argparse.Namespace) -> StoredMap:
    map_id = _given(arguments, "ID")
    one = stored_map(database, map_id)
    if one is None:
        raise RequestError(f"There is no map {map_id}: python -m app map list has them all.")
    return one


def _told(one: StoredMap) -> dict[str, Any]:
    state = "complete" if one.complete else f"{one.measured} of {one.points}"
    return {
        "map": one.id,
        "name": one.name,
        "state": state,
        "origin": one.origin,
        "measured": one.measured,
        "points": one.points,
        "sha256": one.sha256,
        "description": one.description,
    }
