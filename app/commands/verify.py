"""`python -m app verify`: is what is stored still what can be computed?"""

from __future__ import annotations

import argparse
from contextlib import closing
from dataclasses import asdict
from itertools import chain

from app.commands.terminal import ProgressLine, print_object, say
from app.runner.interruption import Interrupted, interruption
from app.runner.request import RequestError

HELP = """Check stored results: re-read the pictures, classify them and draw their sources again.

Files must match their hashes exactly. A changed prediction counts where the stored margin exceeds
--noise, and a source drawn again may differ by one of 255 levels: float noise between devices.
Other classifiers that were tested on these pictures are asked again, too. Exit status 1 when
anything differs.

  python -m app verify --sample 500
  python -m app verify 3f9a0c21de --all"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command's options."""
    parser.add_argument("experiments", nargs="*", metavar="ID", help="which (default: all)")
    how_many = parser.add_mutually_exclusive_group()
    how_many.add_argument(
        "--sample", type=int, default=200, metavar="N", help="results at random (default: 200)"
    )
    how_many.add_argument("--all", action="store_true", help="every result")
    parser.add_argument("--seed", type=int, default=0, help="draws the sample (default: 0)")
    parser.add_argument(
        "--noise",
        type=float,
        default=1e-3,
        metavar="LOGITS",
        help="float noise of a margin (default: 0.001)",
    )
    parser.add_argument("--device", default="cpu", help="cpu, cuda, cuda:1, … (default: cpu)")
    parser.add_argument(
        "--json", action="store_true", help="print one JSON object a difference, nothing else"
    )


def run(arguments: argparse.Namespace) -> int:
    """Check, print what differs."""
    from app.runner import verification
    from app.runner.models import Models
    from app.runner.table import find_experiment
    from app.runner.transfer_check import check_transfers
    from data.database import open_database
    from data.home import home

    place = home(arguments.home)
    line, differences = ProgressLine(), 0
    with closing(open_database(place)) as database, interruption() as asked:
        for experiment_id in arguments.experiments:
            find_experiment(database, experiment_id)
        stored = verification.cases(database, arguments.experiments)
        if not stored:
            raise RequestError("Nothing is stored yet: run a search or an experiment first.")
        chosen = (
            stored
            if arguments.all
            else verification.sample(stored, arguments.sample, arguments.seed)
        )

        def follow(done: int, total: int) -> None:
            if asked():
                line.clear()
                raise Interrupted(f"Stopped after {done} of {total} results.")
            line.show(f"{done} of {total} results checked")

        models, noise = Models(place, arguments.device), arguments.noise
        for difference in chain(
            verification.verify(database, place, models, chosen, noise=noise, on_checked=follow),
            check_transfers(database, place, models, chosen, noise=noise),
        ):
            differences += 1
            line.clear()
            if arguments.json:
                print_object(asdict(difference))
            else:
                print(f"{difference.experiment} trial {difference.index}: {difference.sentence}")
    line.clear()
    say(
        f"{len(chosen)} of {len(stored)} results checked: "
        + (f"{differences} differences." if differences else "nothing differs.")
    )
    return 1 if differences else 0
