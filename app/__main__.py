"""Plainview's command line: `python -m app COMMAND`; every command has --help."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence

# Before torch is imported: its threads then sleep while they wait for each other. By default they
# spin, which costs dearly beside other programs (benchmarks.processor_settings).
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
# And before NumPy is: its systems of a few hundred unknowns are slower with threads that wait for
# each other (regions are grown side by side instead). Torch has threads of its own.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

from app.commands import COMMANDS
from app.runner.explain import foreseen
from app.runner.interruption import Interrupted
from engine.allocator import keep_freed_memory

WRONG = 2
INTERRUPTED = 130


def parser() -> argparse.ArgumentParser:
    """The parser of all commands."""
    made = argparse.ArgumentParser(
        prog="python -m app",
        description="How far can a picture's meaning shift before a classifier is fooled, and"
        " would a person still call it by the same name?",
        epilog="Everything is kept in one home folder: --home, else PLAINVIEW_HOME, else var/ in"
        " the checkout.",
    )
    commands = made.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for name, command in COMMANDS.items():
        summary, *_ = command.HELP.split("\n\n")
        own = commands.add_parser(
            name,
            help=summary,
            description=command.HELP,
            formatter_class=_Formatter,
        )
        command.add_arguments(own)
        own.add_argument(
            "--home", metavar="FOLDER", help="the home folder (default: PLAINVIEW_HOME, else var/)"
        )
        own.set_defaults(run=command.run)
    return made


class _Formatter(argparse.RawDescriptionHelpFormatter):
    """Keeps the lines of a description: they hold examples."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; the process's exit status: 0 done, 2 for a request that cannot be met."""
    chosen = parser().parse_args(arguments)
    keep_freed_memory()
    try:
        return chosen.run(chosen)
    except Interrupted as interrupted:
        print(interrupted, file=sys.stderr)
        return INTERRUPTED
    except BrokenPipeError:  # whoever read our output has enough
        sys.stderr.close()
        return WRONG
    except foreseen() as error:
        print(error, file=sys.stderr)
        return WRONG


if __name__ == "__main__":
    sys.exit(main())
