"""`python -m app experiment`: classifiers × subsets × schedules over a progression of trials."""

from __future__ import annotations

import argparse
import getpass
from collections import Counter
from contextlib import closing
from typing import Any

from app.commands.options import add_generator_options, add_running, point_weights
from app.commands.terminal import ProgressLine, print_object, say
from app.figures import duration
from app.runner.interruption import Interrupted, interruption
from app.runner.request import ExperimentRequest, RequestError
from app.runner.table import find_experiment
from data.database import open_database
from data.home import home

HELP = """Run every combination of classifiers, layer subsets and schedules over the same trials.

Trial k is the same label, target and latent for every condition, on every machine, and whether 240
or 1000 trials are asked for. Results are stored as they end: after Ctrl-C, or a power cut, the same
command goes on where it was. Asked again when it is complete, it prints what is stored.

  python -m app experiment --generator mnist-conv --classifiers mnist-standard mnist-robust \\
      --subsets first last --trials 240 --json > results.jsonl
  python -m app experiment --resume 3f9a0c21de"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command's options."""
    parser.add_argument(
        "--generator", default="mnist-conv", help="what draws the pictures (default: mnist-conv)"
    )
    parser.add_argument(
        "--classifiers",
        nargs="+",
        metavar="NAME",
        help="classifiers that know the generator's labels (default: all that do)",
    )
    parser.add_argument(
        "--subsets",
        nargs="+",
        default=[],
        metavar="NAME",
        help="presets of the generator's points (default: all, unless --weights is given)",
    )
    parser.add_argument(
        "--weights",
        nargs="+",
        metavar="POINT=W",
        help="one more subset, of your own layer weights; points that are not named get 0",
    )
    parser.add_argument(
        "--trials", type=int, default=240, metavar="N", help="how many (default: 240)"
    )
    parser.add_argument("--seed", type=int, default=0, help="of the progression (default: 0)")
    parser.add_argument(
        "--untargeted", action="store_true", help="any wrong label will do (default: a drawn one)"
    )
    parser.add_argument(
        "--search",
        nargs="+",
        default=["relaxation"],
        metavar="NAME",
        help="relaxation (the paper's), minimum-norm, or both (default: relaxation)",
    )
    parser.add_argument(
        "--schedule",
        nargs="+",
        default=[],
        metavar="NAME",
        help="imagenet, mnist, or both, of the relaxation (default: the generator's own)",
    )
    parser.add_argument(
        "--budget", type=int, metavar="STEPS", help="steps at most (default: the schedule's)"
    )
    parser.add_argument(
        "--slots",
        type=int,
        metavar="N",
        help="trials searched side by side; a part of the definition, since float noise depends"
        " on it (default: 128, or as many as there are)",
    )
    parser.add_argument("--name", default="", help="what to call it (default: made up)")
    parser.add_argument(
        "--new",
        action="store_true",
        help="run it anew where the home has the same experiment already",
    )
    parser.add_argument(
        "--resume",
        metavar="ID",
        help="go on with this experiment; its definition is the stored one",
    )
    add_generator_options(parser)
    add_running(parser, threads="all")


def run(arguments: argparse.Namespace) -> int:
    """Run what is missing; print every result, or a summary."""
    from app import api

    experiment_id = (
        _known(arguments.resume, arguments.home)
        if arguments.resume
        else api.define(_request(arguments), arguments.home, name=arguments.name, new=arguments.new)
    )
    say(f"Experiment {experiment_id}")
    line, outcomes = ProgressLine(), Counter[str]()
    with interruption() as asked:

        def follow(progress: dict[str, Any]) -> None:
            if asked():
                line.clear()
                raise Interrupted(
                    "Stopped; every result until now is stored. Go on with the same command, or:"
                    f" python -m app experiment --resume {experiment_id}"
                )
            line.show(_line(progress))

        for result in api.run(
            experiment_id,
            arguments.home,
            device=arguments.device,
            threads=arguments.threads,
            on_progress=follow,
        ):
            outcomes[result["outcome"]] += 1
            if arguments.json:
                line.clear()
                print_object(result)
    line.clear()
    counts = ", ".join(f"{count} {outcome}" for outcome, count in sorted(outcomes.items()))
    say(f"Experiment {experiment_id} is complete: {counts}.")
    if not arguments.json:
        from app.commands.results import print_table

        print_table(experiment_id, arguments.home)
    return 0


def _known(experiment_id: str, folder: str | None) -> str:
    """The id, if there is such an experiment."""
    with closing(open_database(home(folder))) as database:
        return find_experiment(database, experiment_id).id


def _request(arguments: argparse.Namespace) -> ExperimentRequest:
    from app import api

    choices = api.menu(arguments.home)
    if arguments.generator not in choices.generators:
        raise RequestError(
            f"There is no generator “{arguments.generator}”; choose from"
            f" {', '.join(choices.generators)}."
        )
    return ExperimentRequest(
        generator=arguments.generator,
        classifiers=tuple(
            arguments.classifiers or choices.generators[arguments.generator].classifiers
        ),
        subsets=tuple(arguments.subsets),
        weights=point_weights(arguments.weights),
        searches=tuple(arguments.search),
        schedules=tuple(arguments.schedule),
        budget=arguments.budget,
        truncation=arguments.truncation,
        condition_follows_z=not arguments.keep_condition,
        trials=arguments.trials,
        seed=arguments.seed,
        targeted=not arguments.untargeted,
        slots=arguments.slots,
        owner=getpass.getuser(),
    )


def _line(progress: dict[str, Any]) -> str:
    """ "37 of 480 · mnist-robust, last, mnist · 12.1 trials/s · 36 s left"."""
    if not progress:
        return "loading"
    if "preparing" in progress:
        return progress["preparing"]
    left = progress["seconds_left"]
    return (
        f"{progress['done']} of {progress['total']} · {progress['classifier']},"
        f" {progress['subset']}, {progress['schedule']} ·"
        f" {progress['trials_per_second']:.1f} trials/s ·"
        f" {'time left unknown' if left is None else duration(left) + ' left'}"
    )
