"""`python -m app report`: an experiment's summary as one HTML file."""

from __future__ import annotations

import argparse
from contextlib import closing
from pathlib import Path

from app.commands.judging import add_judging, judging_rule
from app.commands.terminal import ProgressLine, say
from app.figures import bytes_in_words
from app.runner.request import RequestError

HELP = """Write one HTML file with an experiment's figures, tables, definition and caveats.

Everything is in the file: it opens without a network, can be printed, and its charts answer to the
mouse. Judging rule and M_max are those of the frozen analysis plan unless you say otherwise, and
the report says whether it follows the plan.

  python -m app report 3f9a0c21de report.html"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command's options."""
    parser.add_argument("experiment", metavar="ID", help="which experiment")
    parser.add_argument(
        "file", nargs="?", type=Path, metavar="FILE", help="where to (default: report-ID.html)"
    )
    add_judging(parser, default="the frozen plan's, else majority")
    parser.add_argument(
        "--limit",
        type=float,
        metavar="M_MAX",
        help="up to which magnitude means go (default: the frozen plan's, else as far as all"
        " conditions were tested and any was fooled)",
    )


def run(arguments: argparse.Namespace) -> int:
    """Write it."""
    from app.report import report
    from app.runner.table import find_experiment
    from app.widgets.banner import MARKER
    from data.database import open_database
    from data.home import home

    if arguments.limit is not None and not 0 < arguments.limit < float("inf"):
        raise RequestError("M_max must be a number above 0.")
    place = home(arguments.home)
    with closing(open_database(place)) as database:
        chosen = find_experiment(database, arguments.experiment)
        line = ProgressLine()
        text = report(
            database,
            place,
            chosen,
            rule=judging_rule(database, chosen.id, arguments),
            limit=arguments.limit,
            synthetic=(place.root / MARKER).exists(),
            on_part=lambda part: line.show(f"Report: {part} …", at_once=True),
        )
        line.clear()
    file = arguments.file or Path(f"report-{chosen.id}.html")
    try:
        file.write_text(text, encoding="utf-8")
    except OSError as error:
        raise RequestError(f"{file} cannot be written: {error.strerror}.") from error
    say(f"{file}, {bytes_in_words(file.stat().st_size)}")
    return 0
