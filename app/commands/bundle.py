"""`python -m app bundle`: an experiment with everything it rests on, as one file, out and in."""

from __future__ import annotations

import argparse
from contextlib import closing
from pathlib import Path

from app.commands.terminal import print_object, say
from app.figures import bytes_in_words
from app.runner.request import RequestError
from data.counted import counted

HELP = """Write everything that an experiment's results rest on into one archive, or take one in.

The archive is a zip file of text and PNG files: the definition and any frozen analysis plan, every
result and what other classifiers say of it, every picture, the studies in which its pictures were
judged with every answer, the semantic maps that start from its sources with what people say of
them, the version of the code, and a checksum of each file. Labellers' names are replaced by
numbers, and what they wrote in words stays out. The same experiment makes the same file, to the
bit.

With --import a bundle is taken in, all of it or nothing, and twice the same as once. A file that
was damaged or changed is refused, with its name. Then `python -m app verify ID --all` computes
again what can be.

  python -m app bundle 3f9a0c21de mine.plainview.zip
  python -m app bundle --import mine.plainview.zip"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command's options."""
    parser.add_argument("experiment", nargs="?", metavar="ID", help="which to write")
    parser.add_argument("file", nargs="?", type=Path, metavar="FILE", help="where to write it")
    parser.add_argument(
        "--import", dest="source", type=Path, metavar="FILE", help="take this bundle in instead"
    )
    parser.add_argument(
        "--force", action="store_true", help="write over a file that is there already"
    )
    parser.add_argument(
        "--json", action="store_true", help="print one JSON object of what was done, nothing else"
    )


def run(arguments: argparse.Namespace) -> int:
    """Write or take in."""
    from data.bundle_archive import BundleError

    if (arguments.source is None) == (arguments.experiment is None):
        raise RequestError(
            "Usage: python -m app bundle ID FILE, or python -m app bundle --import FILE"
        )
    try:
        return _write(arguments) if arguments.source is None else _import(arguments)
    except BundleError as error:
        raise RequestError(str(error)) from error


def _write(arguments: argparse.Namespace) -> int:
    from app.runner.table import find_experiment
    from data.bundle import write_bundle
    from data.database import open_database
    from data.home import home

    if arguments.file is None:
        raise RequestError(f"Say where to: python -m app bundle {arguments.experiment} FILE")
    if arguments.file.exists() and not arguments.force:
        raise RequestError(f"{arguments.file} is there already: choose another name, or --force.")
    place = home(arguments.home)
    with closing(open_database(place)) as database:
        chosen = find_experiment(database, arguments.experiment)
        written = write_bundle(database, place, chosen.id, arguments.file)
    if arguments.json:
        print_object({**vars(written), "file": str(written.file)})
        return 0
    say(
        f"{written.file}, {bytes_in_words(written.file.stat().st_size)}:"
        f" {counted(written.results, 'result')},"
        f" {counted(written.transfers, 'answer')} of other classifiers,"
        f" {counted(written.images, 'picture')},"
        f" {counted(written.studies, 'study', 'studies')} with"
        f" {counted(written.judgements, 'judgement')}, {counted(written.maps, 'map')}."
        " Its checksum:"
    )
    print(written.checksum)
    return 0


def _import(arguments: argparse.Namespace) -> int:
    from app.runner.bundled_maps import check_map
    from data.bundle_import import import_bundle
    from data.database import open_database
    from data.home import home
    from labelling.options import StudyOptions

    place = home(arguments.home)
    with closing(open_database(place, durable=True)) as database:
        done = import_bundle(
            database,
            place,
            arguments.source,
            check_map=check_map,
            check_options=StudyOptions.of,
        )
    if arguments.json:
        print_object(vars(done))
        return 0
    if not done.anything:
        say(f"Everything of this bundle ({done.checksum[:12]}…) is here already.")
        return 0
    say(
        f"Taken in: experiment {done.experiment}{'' if done.new else ' (it was here)'},"
        f" {counted(done.transfers, 'answer')} of other classifiers,"
        f" {counted(done.studies, 'study', 'studies')}, {counted(done.maps, 'map')},"
        f" {counted(done.images, 'new picture')}. Check it with"
        f" python -m app verify {done.experiment} --all"
    )
    return 0
