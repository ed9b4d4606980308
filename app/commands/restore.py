"""`python -m app restore`: a backup back in its place."""

from __future__ import annotations

import argparse
from pathlib import Path

from app.commands.terminal import ProgressLine, say
from app.runner.request import RequestError
from data.backup import BackupError
from data.counted import counted
from data.home import home
from data.restore import restore_backup

HELP = """Make the home what a backup holds, after checking all of it.

Every file is compared with its checksum, the database with SQLite's own checks, and a backup of an
earlier version is brought up to date. A home that is there stays as it is without --force; with it,
it is put aside under a new name, and nothing of it is deleted. End the app and its workers first.

  python -m app restore ~/plainview-2026-11-21.tar --home ~/plainview"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command's options."""
    parser.add_argument("file", metavar="FILE", help="what `backup` wrote")
    parser.add_argument("--force", action="store_true", help="put a home that is there aside")


def run(arguments: argparse.Namespace) -> int:
    """Restore it."""
    source = Path(arguments.file).expanduser().absolute()
    place = home(arguments.home)
    line = ProgressLine()
    try:
        backup, aside = restore_backup(source, place, force=arguments.force, progress=line.show)
    except BackupError as error:
        raise RequestError(str(error)) from error
    finally:
        line.clear()
    say(
        f"{counted(backup.judgements, 'judgement')} and {counted(backup.images, 'image')}, as of"
        f" {backup.created_at}, are in {place.root}."
    )
    if aside is not None:
        say(f"What was there is in {aside}; delete it when you no longer need it.")
    return 0
