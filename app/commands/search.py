"""`python -m app search`: one search, as on the Explore page."""

from __future__ import annotations

import argparse
import getpass
from pathlib import Path
from typing import Any

from app.commands.options import add_generator_options, add_precision, add_running
from app.commands.terminal import ProgressLine, print_object, say
from app.figures import figures
from app.runner.interruption import Interrupted, interruption
from app.runner.request import SearchRequest, point_weights
from data.counted import counted

HELP = """Search for the perturbation that fools a classifier on one picture.

The picture is what the generator makes of --label and --seed. Without --target any wrong label
will do. What was searched and found is stored, as a search of the Explore page is.

  python -m app search --label seven --target nine --subset first --seed 4
  python -m app search --label seven --weights z=1 conv-1=0.5 --schedule imagenet --json"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command's options."""
    parser.add_argument(
        "--generator", default="mnist-conv", help="what draws the pictures (default: mnist-conv)"
    )
    parser.add_argument(
        "--classifier", default="mnist-standard", help="what to fool (default: mnist-standard)"
    )
    parser.add_argument(
        "--label", required=True, help="what the picture shows: a label's name or number"
    )
    parser.add_argument(
        "--target", help="what the classifier is to say instead (default: any other label)"
    )
    parser.add_argument("--seed", type=int, default=0, help="draws the latent z (default: 0)")
    which = parser.add_mutually_exclusive_group()
    which.add_argument(
        "--subset", default="all", help="a preset of the generator's points (default: all)"
    )
    which.add_argument(
        "--weights",
        nargs="+",
        metavar="POINT=W",
        help="layer weights of your own; points that are not named get 0",
    )
    parser.add_argument(
        "--search",
        default="relaxation",
        help="relaxation (the paper's) or minimum-norm (default: relaxation)",
    )
    parser.add_argument(
        "--schedule", help="imagenet or mnist, of the relaxation (default: the generator's own)"
    )
    parser.add_argument(
        "--budget", type=int, metavar="STEPS", help="steps at most (default: the schedule's)"
    )
    parser.add_argument(
        "--save", type=Path, metavar="FOLDER", help="also write source.png and perturbed.png there"
    )
    add_precision(parser)
    add_generator_options(parser)
    add_running(parser, threads="1")


def run(arguments: argparse.Namespace) -> int:
    """Search, tell the course, print the result."""
    from app import api

    line = ProgressLine()
    with interruption() as asked:

        def follow(progress: dict[str, Any]) -> None:
            if asked():
                line.clear()
                raise Interrupted("Stopped. A search that is begun again takes the same course.")
            line.show(
                progress.get("preparing") or f"{progress['phase']}, step {progress.get('step', 0)}"
            )

        result = api.search(
            SearchRequest(
                generator=arguments.generator,
                classifier=arguments.classifier,
                label=arguments.label,
                target=arguments.target,
                seed=arguments.seed,
                subset=arguments.subset,
                weights=arguments.weights and point_weights(arguments.weights),
                search=arguments.search,
                schedule=arguments.schedule,
                budget=arguments.budget,
                truncation=arguments.truncation,
                condition_follows_z=not arguments.keep_condition,
                precision=arguments.precision or "float32",
                owner=getpass.getuser(),
            ),
            arguments.home,
            device=arguments.device or "cpu",
            threads=arguments.threads or 1,
            on_progress=follow,
        )
    line.clear()
    if arguments.save:
        _save(result, arguments.home, arguments.save)
    if arguments.json:
        print_object(result)
    else:
        print(_sentence(result))
    return 0


def _sentence(result: dict[str, Any]) -> str:
    steps, classifier = counted(result["steps"], "step"), result["classifier"]
    match result["outcome"]:
        case "found":
            return (
                f"{classifier} is fooled: magnitude {figures(result['magnitude'])} suffices for"
                f" this search ({steps}, {figures(result['seconds'])} s)."
            )
        case "exhausted":
            return (
                f"{classifier} is not fooled within {steps}, that is up to magnitude"
                f" {figures(result['bound'])}."
            )
        case "skipped":
            return (
                f"{classifier} does not give this picture its label even unperturbed: nothing to"
                " search. Choose another --seed."
            )
    return f"The search failed: {result['reason']}"


def _save(result: dict[str, Any], folder_of_home: str | None, folder: Path) -> None:
    from data.home import home
    from data.images import image_file

    place = home(folder_of_home)
    folder.mkdir(parents=True, exist_ok=True)
    for key, name in (("source", "source.png"), ("stimulus", "perturbed.png")):
        if result[key]:
            (folder / name).write_bytes(image_file(place, result[key]).read_bytes())
            say(f"Written: {folder / name}")
