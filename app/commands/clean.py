"""`python -m app clean`: free what nothing refers to any more."""

from __future__ import annotations

import argparse
from contextlib import closing

from app.commands.terminal import print_object, say
from app.figures import bytes_in_words
from data.counted import counted

HELP = """Show, and free, what nothing refers to: pictures, tensors, live files of runs, caches.

With --dry-run nothing is changed. Experiments, studies and judgements are never touched; searches
of Explore that nobody saved or judged go with --searches. What is younger than an hour stays, and
nothing is freed while an experiment or a search is at work.

  python -m app clean --dry-run
  python -m app clean --searches 30"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command's options."""
    parser.add_argument("--dry-run", action="store_true", help="only show it")
    parser.add_argument(
        "--searches",
        type=float,
        metavar="DAYS",
        help="searches of Explore too that are older than so many days, that nobody saved, judged"
        " or made a study of",
    )
    parser.add_argument("--files", action="store_true", help="list every file")
    parser.add_argument(
        "--json", action="store_true", help="print one JSON object a kind, nothing else"
    )


def run(arguments: argparse.Namespace) -> int:
    """Show or free."""
    from app.runner.cleaning import clean
    from data.database import open_database
    from data.home import home

    place = home(arguments.home)
    with closing(open_database(place)) as database:
        found = clean(database, place, dry_run=arguments.dry_run, searches_days=arguments.searches)
    for one in found:
        if arguments.json:
            print_object(
                {"kind": one.kind, "rows": one.rows, "files": len(one.files), "bytes": one.bytes}
            )
            continue
        if one.rows or one.files:
            files = f", {counted(len(one.files), 'file')} of {bytes_in_words(one.bytes)}"
            rows = f": {counted(one.rows, 'row')}" if one.rows else ""
            print(f"{one.kind}{rows}{files if one.files else ''}")
        if arguments.files:
            for file in one.files:
                print(f"  {file}")
    if not arguments.json:
        total = bytes_in_words(sum(one.bytes for one in found))
        would = "would be freed: run it without --dry-run" if arguments.dry_run else "freed"
        nothing = not any(one.rows or one.files for one in found)
        say("Nothing is unreferenced." if nothing else f"{total} {would}.")
    return 0
