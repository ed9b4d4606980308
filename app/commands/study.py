"""`python -m app study`: studies from a terminal, and judgements out and in."""

from __future__ import annotations

import argparse
import getpass
import sys
from contextlib import closing
from pathlib import Path

from app.commands.terminal import print_object, say
from app.runner.request import RequestError

HELP = """List studies, export or import judgements, or make a study of images made elsewhere.

With `images` a folder and a CSV table of pairs and labels become a study that is judged by the same
protocol; the table has the columns source, perturbed, phrase, and may have label, search, gloss,
answer (for images of known answer) and condition. Exported judgements have a row each, timing
included; a codebook says what each column holds. An import stores a whole table or nothing.

  python -m app study list
  python -m app study images ~/blurred ~/blurred/pairs.csv --name "Blur"
  python -m app study export 4be0c1d2aa judgements.parquet
  python -m app study import judgements.csv"""

ACTIONS = ("list", "export", "import", "images", "codebook")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command's options."""
    parser.add_argument("action", choices=ACTIONS, help="what to do")
    parser.add_argument(
        "what", nargs="*", metavar="WHAT", help="a study's id, files or folders: see above"
    )
    parser.add_argument("--name", metavar="NAME", help="of a study that `images` makes")
    parser.add_argument(
        "--overlap", type=int, metavar="K", help="by how many people each item is judged"
    )
    parser.add_argument(
        "--json", action="store_true", help="print one JSON object a study, nothing else"
    )


def run(arguments: argparse.Namespace) -> int:
    """Do it."""
    from data.database import open_database
    from data.home import home
    from labelling.options import StudyError

    place = home(arguments.home)
    with closing(open_database(place, durable=True)) as database:
        try:
            return _ACTIONS[arguments.action](arguments, place, database)
        except StudyError as error:
            raise RequestError(str(error)) from error


def _list(arguments, place, database) -> int:
    from data.studies import studies
    from labelling.progress import study_progress

    _expect(arguments, 0, "list")
    for study in studies(database):
        progress = study_progress(database, study.id)
        if arguments.json:
            print_object(
                {
                    "study": study.id,
                    "name": study.name,
                    "items": progress.items,
                    "judged": progress.judged,
                    "labellers": len(progress.labellers),
                    "closed": study.closed_at is not None,
                }
            )
        else:
            print(f"{study.id}  {study.name}: {progress.judged} of {progress.items} items judged")
    return 0


def _export(arguments, place, database) -> int:
    from data.studies import study
    from labelling.exchange import codebook, judgement_table, write_table

    study_id, file = _expect(arguments, 2, "export STUDY FILE")
    if study(database, study_id) is None:
        raise RequestError(f"There is no study {study_id}: `python -m app study list` has them.")
    target = Path(file)
    table = judgement_table(database, [study_id])
    content = write_table(table, _format(target))
    try:
        target.write_bytes(content)
        target.with_suffix(".codebook.md").write_text(codebook(), encoding="utf-8")
    except OSError as error:
        raise RequestError(f"{target} cannot be written: {error.strerror}.") from error
    say(f"{len(table)} judgements in {target}, what they mean in {target.stem}.codebook.md.")
    return 0


def _import(arguments, place, database) -> int:
    from labelling.importing import import_file

    (file,) = _expect(arguments, 1, "import FILE")
    source = Path(file)
    try:
        content = source.read_bytes()
    except OSError as error:
        raise RequestError(f"{source} cannot be read: {error.strerror}.") from error
    ids = import_file(database, content, _format(source), created_by=getpass.getuser())
    say(f"Imported as {', '.join(ids)}.")
    return 0


def _images(arguments, place, database) -> int:
    from labelling.options import StudyOptions
    from labelling.outside import create_outside_study, read_table

    folder, table = _expect(arguments, 2, "images FOLDER CSV")
    rows = read_table(Path(folder), Path(table))
    study_id = create_outside_study(
        database,
        place,
        rows,
        arguments.name or Path(table).stem,
        options=StudyOptions(
            overlap=arguments.overlap, information_sheet=True, instruction_page=True
        ),
        created_by=getpass.getuser(),
    )
    say(f"Study {study_id} has {len(rows)} rows of {table}; invite people on the Studies page.")
    return 0


def _codebook(arguments, place, database) -> int:
    from labelling.exchange import codebook

    _expect(arguments, 0, "codebook")
    sys.stdout.write(codebook())
    return 0


_ACTIONS = {
    "list": _list,
    "export": _export,
    "import": _import,
    "images": _images,
    "codebook": _codebook,
}


def _expect(arguments: argparse.Namespace, count: int, usage: str) -> list[str]:
    if len(arguments.what) != count:
        raise RequestError(f"Usage: python -m app study {usage}")
    return arguments.what


def _format(file: Path) -> str:
    from labelling.exchange import FORMATS

    format = file.suffix.lstrip(".").lower()
    if format not in FORMATS:
        raise RequestError(
            f"{file.name} ends in none of {', '.join(f'.{one}' for one in FORMATS)}: its ending"
            " says the format."
        )
    return format
