"""`python -m app study`: studies from a terminal, and judgements out and in."""

from __future__ import annotations

import argparse
import getpass
import sys
from collections import Counter
from contextlib import closing
from dataclasses import replace
from pathlib import Path

from app.commands.terminal import print_object, say
from app.runner.request import RequestError
from data.counted import counted

HELP = """List studies, make one, or take judgements out and in.

With `new` the pictures that one or several experiments have found become a study. With `images` a
folder and a CSV table of pairs and labels do, judged by the same protocol; the table has the
columns source, perturbed, phrase, and may have label, search, gloss, answer (for images of known
answer) and condition. --options names a TOML file that says everything that the form on the Studies
page does: docs/studies.md has every option. Exported judgements have a row each, timing included; a
codebook says what each column holds. An import stores a whole table or nothing.

  python -m app study list
  python -m app study new 3f9a0c21de --name "First" --overlap 3 --options mine.toml
  python -m app study images ~/blurred ~/blurred/pairs.csv --name "Blur" --options mine.toml
  python -m app study export 4be0c1d2aa judgements.parquet
  python -m app study import judgements.csv"""

ACTIONS = ("list", "new", "images", "export", "import", "codebook")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command's options."""
    parser.add_argument("action", choices=ACTIONS, help="what to do")
    parser.add_argument("what", nargs="*", metavar="WHAT", help="ids, files or folders: see above")
    parser.add_argument("--name", metavar="NAME", help="of the study that is made")
    parser.add_argument(
        "--options", type=Path, metavar="FILE", help="of the study that is made, as TOML"
    )
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
            of = counted(progress.items, "item")
            print(f"{study.id}  {study.name}: {progress.judged} of {of} judged")
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
    meaning = f"what they mean in {target.stem}.codebook.md"
    say(f"{counted(len(table), 'judgement')} in {target}, {meaning}.")
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


def _new(arguments, place, database) -> int:
    from app.runner.label_text import label_texts
    from app.runner.menu import read_menu
    from app.runner.submit import ensure_worker, submit_strengths
    from app.runner.table import find_experiment
    from labelling.studies import create_study

    if not arguments.what:
        raise RequestError("Usage: python -m app study new EXPERIMENT …")
    chosen = [find_experiment(database, one) for one in arguments.what]
    options = _options(arguments)
    if options.gold_share or options.practice_items:
        raise RequestError(
            "gold_share and practice_items need images of known answer: mark them in the form on"
            " the Studies page, or leave both 0."
        )
    study_id = create_study(
        database,
        [one.id for one in chosen],
        arguments.name or ", ".join(one.name for one in chosen),
        label_text=label_texts(read_menu(place) or _catalogued(place), place),
        created_by=getpass.getuser(),
        options=options,
    )
    if options.strength_items:
        submit_strengths(database, study_id, owner=getpass.getuser())
        ensure_worker(place)
        say("The worker renders the pictures at randomised strengths: wait for that.")
    _made(arguments, database, study_id)
    return 0


def _catalogued(place):
    """The choices of a home in which no worker has been yet."""
    from app.runner.models import Models

    return Models(place, lenient=True).menu()


def _images(arguments, place, database) -> int:
    from labelling.outside import create_outside_study, read_table

    folder, table = _expect(arguments, 2, "images FOLDER CSV")
    study_id = create_outside_study(
        database,
        place,
        read_table(Path(folder), Path(table)),
        arguments.name or Path(table).stem,
        options=_options(arguments),
        created_by=getpass.getuser(),
    )
    _made(arguments, database, study_id)
    return 0


def _options(arguments):
    """What --options says, and --overlap above it."""
    from labelling.options import StudyOptions
    from labelling.options_file import read_options

    options = StudyOptions() if arguments.options is None else read_options(arguments.options)
    return options if arguments.overlap is None else replace(options, overlap=arguments.overlap)


def _made(arguments, database, study_id: str) -> None:
    from data.studies import items

    kinds = Counter(item.kind for item in items(database, study_id))
    if arguments.json:
        print_object({"study": study_id, "items": dict(kinds)})
    listed = ", ".join(f"{count} {kind}" for kind, count in kinds.items())
    say(f"Study {study_id} has these items: {listed}. Invite people on the Studies page.")


def _codebook(arguments, place, database) -> int:
    from labelling.exchange import codebook

    _expect(arguments, 0, "codebook")
    sys.stdout.write(codebook())
    return 0


_ACTIONS = {
    "list": _list,
    "new": _new,
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
