"""`python -m app experiment`: classifiers × subsets × schedules over a progression of trials."""

from __future__ import annotations

import argparse
import getpass
import sys
from collections import Counter
from contextlib import closing
from pathlib import Path
from typing import Any

from app.commands.options import add_generator_options, add_precision, add_running
from app.commands.terminal import ProgressLine, print_object, say
from app.figures import duration
from app.runner import plan
from app.runner.cost import in_words
from app.runner.experiment_file import located, read_experiment_file, write_experiment_file
from app.runner.interruption import Interrupted, interruption
from app.runner.request import ExperimentRequest, RequestError, point_weights
from app.runner.submit import extend_stored
from app.runner.table import find_experiment
from data.database import open_database
from data.home import home

HELP = """Run every combination of classifiers, layer subsets and schedules over the same trials.

Trial k is the same label, target and latent for every condition, on every machine, and whether 240
or 1000 trials are asked for. Results are stored as they end: after Ctrl-C, or a power cut, the same
command goes on where it was. Asked again when it is complete, it prints what is stored. With
--resume and --trials an experiment is extended: only what is new is computed.

The definition is given by flags or by a small TOML file (docs/experiments.md), which --save writes.
Before anything is run, its cost on this device is said, and on a terminal it is asked whether to
start.

  python -m app experiment --generator mnist-conv --classifiers mnist-standard mnist-robust \\
      --subsets first last --trials 240 --json > results.jsonl
  python -m app experiment run mine.toml --yes
  python -m app experiment --resume 3f9a0c21de --trials 1000"""

#: Flag → field of the request. They have no default here, so that it is known which were given.
DEFINITION = {
    "generator": "generator",
    "classifiers": "classifiers",
    "subsets": "subsets",
    "weights": "subsets",
    "trials": "trials",
    "seed": "seed",
    "untargeted": "targeted",
    "search": "searches",
    "schedule": "schedules",
    "budget": "budget",
    "slots": "slots",
    "precision": "precision",
    "random_directions": "random_directions",
    "repeats": "repeats",
    "keep_perturbations": "keep_perturbations",
    "truncation": "truncation",
    "keep_condition": "condition_follows_z",
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command's options."""
    parser.add_argument(
        "action", nargs="?", choices=["run"], metavar="run", help="run the definition in FILE"
    )
    parser.add_argument("file", nargs="?", type=Path, metavar="FILE", help="a TOML file, after run")
    asked = parser.add_argument_group("definition", argument_default=argparse.SUPPRESS)
    asked.add_argument("--generator", help="what draws the pictures (default: mnist-conv)")
    asked.add_argument(
        "--classifiers",
        nargs="+",
        metavar="NAME",
        help="classifiers that know the generator's labels (default: all that do)",
    )
    asked.add_argument(
        "--subsets",
        nargs="+",
        metavar="NAME",
        help="presets of the generator's points (default: all, unless --weights is given)",
    )
    asked.add_argument(
        "--weights",
        nargs="+",
        action="append",
        metavar="POINT=W",
        help="one more subset, of your own layer weights; points that are not named get 0; may be"
        " given several times",
    )
    asked.add_argument("--trials", type=int, metavar="N", help="how many (default: 240)")
    asked.add_argument("--seed", type=int, help="of the progression (default: 0)")
    asked.add_argument(
        "--untargeted", action="store_true", help="any wrong label will do (default: a drawn one)"
    )
    asked.add_argument(
        "--search",
        nargs="+",
        metavar="NAME",
        help="relaxation (the paper's), minimum-norm, or both (default: relaxation)",
    )
    asked.add_argument(
        "--schedule",
        nargs="+",
        metavar="NAME",
        help="imagenet, mnist, or both, of the relaxation (default: the generator's own)",
    )
    asked.add_argument(
        "--budget", type=int, metavar="STEPS", help="steps at most (default: the schedule's)"
    )
    asked.add_argument(
        "--slots",
        type=int,
        metavar="N",
        help="trials searched side by side; a part of the definition, since float noise depends"
        " on it (default: 128, or as many as there are)",
    )
    add_precision(asked)
    asked.add_argument(
        "--random-directions",
        type=int,
        metavar="N",
        help="controls: so many random directions of every magnitude that is found (default: 0)",
    )
    asked.add_argument(
        "--repeats", type=int, metavar="N", help="controls: run every trial so many times more"
    )
    asked.add_argument(
        "--keep-perturbations",
        action="store_true",
        help="keep the tensors of what is found, under the home's quota (default: do not)",
    )
    add_generator_options(asked)
    parser.add_argument("--name", default="", help="what to call it (default: made up)")
    parser.add_argument(
        "--new",
        action="store_true",
        help="run it anew where the home has the same experiment already",
    )
    parser.add_argument(
        "--resume",
        metavar="ID",
        help="go on with this experiment; its definition is the stored one, with more --trials if"
        " you say so",
    )
    parser.add_argument(
        "--save", type=Path, metavar="FILE", help="write the definition as TOML, and run nothing"
    )
    parser.add_argument(
        "--cluster",
        metavar="ADDRESS",
        help="run on this Ray cluster, each worker on one GPU (--device cuda) or on --threads cores"
        " (default: 1); needs requirements-cluster.txt",
    )
    parser.add_argument(
        "--yes", action="store_true", help="start without asking, on a terminal too"
    )
    add_running(parser, threads="all")


def run(arguments: argparse.Namespace) -> int:
    """Run what is missing; print every result, or a summary."""
    from app import api

    given = [flag for flag in DEFINITION if hasattr(arguments, flag)]
    if arguments.resume:
        experiment_id, device = _resumed(arguments, given)
    else:
        request, name = _asked(arguments, given)
        if arguments.save:
            arguments.save.write_text(write_experiment_file(request, name), encoding="utf-8")
            say(f"Written: {arguments.save}")
            return 0
        device = arguments.device or request.device
        if not _agreed(arguments, request, device):
            return 0
        experiment_id = api.define(request, arguments.home, name=name, new=arguments.new)
    if arguments.resume and not _agreed(arguments, experiment_id, device):
        return 0
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
            device=device or "cpu",
            threads=arguments.threads,
            cluster=arguments.cluster,
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


def _agreed(
    arguments: argparse.Namespace, what: ExperimentRequest | str, device: str | None
) -> bool:
    """Say what it will cost; on a terminal, whether it is to be started."""
    from app import api

    if arguments.cluster and (device or "cpu") != "cpu":
        say("What it costs is not known here: the cluster's devices are elsewhere.")
        return True
    line = ProgressLine()
    with interruption() as asked:

        def follow(progress: dict[str, Any]) -> None:
            if asked():
                line.clear()
                raise Interrupted("Stopped before anything was run.")
            line.show(progress["preparing"])

        estimate = api.cost(
            what,
            arguments.home,
            device=device or "cpu",
            threads=arguments.threads or (1 if arguments.cluster else None),
            new=arguments.new,
            on_progress=follow,
        )
    line.clear()
    shared = " The cluster's workers share the time of this one." if arguments.cluster else ""
    say(in_words(estimate) + shared)
    if arguments.yes or not estimate.results or not (sys.stdin.isatty() and sys.stderr.isatty()):
        return True
    say("Start? [Y/n] ")
    return input().strip().lower() in ("", "y", "yes")


def _resumed(arguments: argparse.Namespace, given: list[str]) -> tuple[str, str | None]:
    """The id of the stored experiment, extended if that was asked for, and its device."""
    others = [flag for flag in given if flag != "trials"] + ["FILE"] * bool(arguments.file)
    if others:
        raise RequestError(
            f"--resume goes on with the stored definition: leave out {_flag(others[0])}."
        )
    with closing(open_database(home(arguments.home))) as database:
        stored = find_experiment(database, arguments.resume)
        if "trials" in given and arguments.trials != stored.trials:
            extend_stored(database, stored.id, arguments.trials, owner=getpass.getuser())
    return stored.id, arguments.device or stored.definition.get("device")


def _asked(arguments: argparse.Namespace, given: list[str]) -> tuple[ExperimentRequest, str]:
    """The request of the file or of the flags, its names checked, and its name."""
    from app import api

    if not arguments.action:
        request = _request(arguments)
        plan.experiment(api.menu(arguments.home), request)
        return request, arguments.name
    if arguments.file is None:
        raise RequestError("Name the TOML file: python -m app experiment run FILE.")
    if given:
        raise RequestError(
            f"The definition is in {arguments.file}: change it there, and leave out"
            f" {_flag(given[0])}."
        )
    try:
        text = arguments.file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise RequestError(f"{arguments.file} cannot be read: {error}.") from error
    called = arguments.file.name
    request, name = read_experiment_file(text, owner=getpass.getuser(), called=called)
    try:
        plan.experiment(api.menu(arguments.home), request)
    except RequestError as error:
        raise located(error, text, called) from error
    return request, arguments.name or name


def _flag(name: str) -> str:
    return name if name.isupper() else f"--{name.replace('_', '-')}"


def _request(arguments: argparse.Namespace) -> ExperimentRequest:
    from app import api

    flags = vars(arguments)
    values = {field: flags[flag] for flag, field in DEFINITION.items() if flag in flags}
    values = {
        field: tuple(value) if isinstance(value, list) else value for field, value in values.items()
    }
    values["subsets"] = (
        *flags.get("subsets", ()),
        *(point_weights(pairs) for pairs in flags.get("weights", ())),
    )
    values["targeted"] = "untargeted" not in flags
    values["condition_follows_z"] = "keep_condition" not in flags
    generator = values.setdefault("generator", "mnist-conv")
    if "classifiers" not in values:
        choices = api.menu(arguments.home).generators
        # An unknown generator is answered, with the choices, by whoever plans the experiment.
        values["classifiers"] = choices[generator].classifiers if generator in choices else ("",)
    return ExperimentRequest(**values, device=arguments.device, owner=getpass.getuser())


def _line(progress: dict[str, Any]) -> str:
    """ "37 of 480 · mnist-robust, last, mnist · 12.1 trials/s · 36 s left"."""
    if not progress:
        return "loading"
    if "preparing" in progress:
        return progress["preparing"]
    left = progress["seconds_left"]
    role = {"random-direction": "random direction, ", "repeat": "repeat, "}
    return (
        f"{progress['done']} of {progress['total']} · {role.get(progress['role'], '')}"
        f"{progress['classifier']},"
        f" {progress['subset']}, {progress['schedule']} ·"
        f" {progress['trials_per_second']:.1f} trials/s ·"
        f" {'time left unknown' if left is None else duration(left) + ' left'}"
    )
