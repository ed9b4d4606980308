"""`python -m app backup`: the home's record in one file."""

from __future__ import annotations

import argparse
from pathlib import Path

from app.commands.terminal import ProgressLine, say
from app.runner.request import RequestError
from data.backup import BackupError, write_backup
from data.counted import counted
from data.home import home

HELP = """Write all that cannot be computed again into one file, while people label.

In it are the database as it is at one moment, every image that it names, your own catalogue entries
and the keys of invitations and sign-in: keep the file as you keep a password. Perturbation tensors,
caches, downloaded weights and logs are not in it.

  python -m app backup ~/plainview-2026-11-21.tar"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command's options."""
    parser.add_argument("file", metavar="FILE", help="the file to write, a tar archive")


def run(arguments: argparse.Namespace) -> int:
    """Write it."""
    target = Path(arguments.file).expanduser().absolute()
    line = ProgressLine()
    try:
        backup = write_backup(home(arguments.home), target, progress=line.show)
    except BackupError as error:
        raise RequestError(str(error)) from error
    finally:
        line.clear()
    held = f"{counted(backup.judgements, 'judgement')} and {counted(backup.images, 'image')}"
    say(f"{held} in {target}.")
    return 0
