"""`python -m app map`: semantic maps from a terminal, as on the Maps page."""

from __future__ import annotations

import argparse
import getpass
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

from sqlite_utils import Database

from app.commands.map_compute import compute, resume
from app.commands.map_grow import regions, srvr
from app.commands.map_named import given, named, told
from app.commands.terminal import print_object, say
from app.figures import figures
from app.runner.request import RequestError
from data.found_directions import found_directions
from data.home import Home, home
from data.maps import map_content, stored_maps

HELP = """Compute semantic maps, grow regions on them, bring maps in and out.

list: every map. found: perturbations that searches found, each with the number that plane wants.
plane, components, interpolate, transform, view: compute a map of that space. resume ID: go on with
one that was stopped. regions ID: grow regions on a map. srvr ID …: each classifier's semantic
robustness volume ratio over maps, with T, method and feasible share. import FILE: take in a
downloaded map, or a published archive of arrays called network_class_object. export ID FILE: write
a map's file.

A map is stored as it is computed; Ctrl-C keeps what is known, and resume goes on from there.

  python -m app map plane --found 12 --classifiers mnist-standard mnist-robust
  python -m app map transform --label seven --seed 4 --changes rotation scale --points 60
  python -m app map view mug.ply --label "coffee mug" --classifiers torchvision:squeezenet1_1
  python -m app map regions 1f2e3d4c5b --method refined --start 0.5 0.5
  python -m app map srvr 1f2e3d4c5b 6a7b8c9d0e --method average --starts 3"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command's options."""
    parser.add_argument("action", choices=list(ACTIONS), help="what to do")
    parser.add_argument(
        "what", nargs="*", metavar="ID|FILE", help="a map's id (srvr: several), a mesh or a file"
    )
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
        "--method",
        help="regions, srvr: naive, oir_b, oir_w or refined (default: refined), or for srvr the"
        " paper's average of its three (average, its default)",
    )
    parser.add_argument("--steps", type=int, default=800, help="regions, srvr: T (default: 800)")
    parser.add_argument(
        "--starts",
        type=int,
        metavar="N",
        help="regions, srvr: N starts along each axis (default: the middle; for srvr the paper's"
        " four of views, the source of a plane)",
    )
    parser.add_argument(
        "--start",
        nargs="+",
        type=float,
        action="append",
        metavar="U",
        help="regions, srvr: where to start; may be given again",
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
        facts = told(one)
        if arguments.json:
            print_object(facts)
        else:
            print(f"{one.id}  {facts['state']:>12}  {one.name}")


def _found(arguments: argparse.Namespace, place: Home, database: Database) -> None:
    for one in found_directions(database):
        facts = {
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
            print_object(facts)
        else:
            print(
                f"{one.result_id:>6}  {one.generator}, label {one.label}, seed {one.seed}:"
                f" {one.classifier}, {one.search}, magnitude {figures(one.magnitude)}"
            )


def _import(arguments: argparse.Namespace, place: Home, database: Database) -> None:
    from app.runner.map_files import keep_imported, read_maps
    from engine.maps import MapFileError

    file = Path(*given(arguments, "FILE"))
    try:
        maps = read_maps(file.read_bytes(), file.name)
    except OSError as error:
        raise RequestError(f"{file} cannot be read ({error.strerror}).") from error
    except MapFileError as error:
        raise RequestError(str(error)) from error
    for map_id in keep_imported(database, maps, owner=getpass.getuser()):
        one = named(database, map_id)
        print_object(told(one)) if arguments.json else print(f"{map_id}  {one.name}")


def _export(arguments: argparse.Namespace, place: Home, database: Database) -> None:
    map_id, name = given(arguments, "ID", "FILE")
    content, file = map_content(database, named(database, map_id).id), Path(name)
    if content is None:
        raise RequestError(f"Map {map_id} has no scores: python -m app map resume {map_id}")
    if file.exists():
        raise RequestError(f"{file} is there already: choose another name.")
    file.write_bytes(content)
    say(f"Written: {file}")


Action = Callable[[argparse.Namespace, Home, Database], None]
ACTIONS: dict[str, Action] = {
    "list": _list,
    "found": _found,
    "plane": compute,
    "components": compute,
    "interpolate": compute,
    "transform": compute,
    "view": compute,
    "resume": resume,
    "regions": regions,
    "srvr": srvr,
    "import": _import,
    "export": _export,
}
