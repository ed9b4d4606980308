"""`python -m app models`: which models there are, where their weights are, how good they are."""

from __future__ import annotations

import argparse
import json
import os
import re
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from app.commands.terminal import ProgressLine, print_object, say
from app.runner.interruption import Interrupted, interruption
from app.runner.request import RequestError
from data.home import Home, bundled, home

if TYPE_CHECKING:
    from app.runner.models import Models
    from engine.entries import ClassifierEntry, Entry

HELP = """List the models, show one, fetch or import its weights, check its accuracy, measure its σ.

list: every model, and whether its weights are here. show NAME: everything that is known about one.
fetch NAME: get its weights now rather than on first use; a download that broke off goes on. import
NAME PATH: take them from a file, or a folder with one checkpoint in it; nothing in a file is ever
run, the robustness library's checkpoints with pickled code included. check NAME PATH: how often a
classifier is right on a folder of labelled photos (<class>_….jpg, or a folder a class). scales
NAME: measure σ of a generator over 10 000 samples; stopped, it goes on from there. add NAME [PATH]:
offer any torchvision or timm classifier in the app, with its published weights or those of a file.

NAME is one of the list, or torchvision:ARCHITECTURE or timm:ARCHITECTURE. docs/models.md tells how
to bring a model of your own.

  python -m app models list
  python -m app models import resnet50-l2-3 ~/Downloads/imagenet_l2_3_0.pt
  python -m app models check torchvision:squeezenet1_1 ~/photos
  python -m app models add torchvision:resnet18 ~/trained/checkpoint.pth --classes ~/classes.txt"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command's options."""
    parser.add_argument("action", choices=list(ACTIONS), help="what to do")
    parser.add_argument("name", nargs="?", metavar="NAME", help="which model (not for list)")
    parser.add_argument(
        "path", nargs="?", type=Path, metavar="PATH", help="of import, check and add: see above"
    )
    parser.add_argument(
        "--checkpoint",
        type=Path,
        metavar="FILE",
        help="check: weights of this file in the named architecture",
    )
    parser.add_argument(
        "--classes",
        type=Path,
        metavar="FILE",
        help="check, add: the names of the checkpoint's classes, one a line (default: ImageNet's)",
    )
    parser.add_argument(
        "--truncation", type=float, default=1.0, help="scales: the generator's (default: 1.0)"
    )
    parser.add_argument("--device", default="cpu", help="cpu, cuda, cuda:1, … (default: cpu)")
    parser.add_argument("--threads", type=int, metavar="N", help="processor threads (default: all)")
    parser.add_argument(
        "--json", action="store_true", help="print JSON Lines on standard output, nothing else"
    )


def run(arguments: argparse.Namespace) -> int:
    """Do what is asked for."""
    action, given = ACTIONS[arguments.action], (arguments.name, arguments.path)
    needed = action.needs.split()
    for word, value in zip(("NAME", "PATH"), given, strict=True):
        if value is None and word in needed:
            raise RequestError(f"Write: python -m app models {arguments.action} {action.needs}")
    import torch

    from app.runner.models import Models

    torch.set_num_threads(arguments.threads or len(os.sched_getaffinity(0)))
    place = home(arguments.home)
    models = Models(place, arguments.device, lenient=True)
    for problem in models.problems:
        say(problem)
    action.run(models, place, arguments)
    return 0


def _list(models: Models, place: Home, arguments: argparse.Namespace) -> None:
    offered = models.menu()
    rows = [
        {
            "name": one.name,
            "kind": kind,
            "title": one.title,
            "checksum": one.checksum,
            "remark": one.remark,
            "problem": one.problem,
        }
        for kind, choices in (
            ("generator", offered.generators),
            ("classifier", offered.classifiers),
        )
        for one in choices.values()
    ]
    if arguments.json:
        for row in rows:
            print_object(row)
        return
    widths = [max(len(row[key]) for row in rows) for key in ("name", "kind", "title")]
    for row in rows:
        state = row["problem"] or row["remark"] or "ready"
        state = state.removeprefix(f"The weights of {row['name']} are ")
        cells = [row[key].ljust(width) for key, width in zip(row, widths, strict=False)]
        print("  ".join([*cells, state]))


def _show(models: Models, place: Home, arguments: argparse.Namespace) -> None:
    from app.runner.model_facts import model_facts

    facts = model_facts(models, place, _entry(models, arguments.name))
    if arguments.json:
        print_object(facts)
        return
    for key, value in facts.items():
        if isinstance(value, dict):
            print(f"{key}:")
            for name, one in value.items():
                print(f"  {name}: {_plain(one)}")
        elif value not in (None, ""):
            print(f"{key}: {_plain(value)}")


def _fetch(models: Models, place: Home, arguments: argparse.Namespace) -> None:
    from engine.catalogue import is_there
    from engine.published import obtain_weights

    entry = _entry(models, arguments.name)
    if is_there(entry, models.folders):
        say(f"The weights of {entry.name} are here already.")
    else:
        _interruptibly(
            lambda follow: obtain_weights(entry, place.weights, on_progress=follow),
            lambda done, total: f"{entry.name}: {_megabytes(done, total)}",
            "What has come is kept: the same command goes on from there.",
        )
        say(f"The weights of {entry.name} are here.")
    _tell_weights(models, entry, place, arguments)


def _import(models: Models, place: Home, arguments: argparse.Namespace) -> None:
    from engine.published import import_weights

    entry = _entry(models, arguments.name)
    if (bundled() / entry.weights.filename).is_file():
        raise RequestError(f"{entry.name} comes with Plainview: there is nothing to import.")
    import_weights(entry, arguments.path.expanduser(), place.weights)
    say(f"The weights of {entry.name} are here.")
    _tell_weights(models, entry, place, arguments)


def _tell_weights(models: Models, entry: Entry, place: Home, arguments: argparse.Namespace) -> None:
    from app.runner.model_facts import model_facts

    facts = model_facts(models, place, entry)
    if arguments.json:
        print_object({key: facts[key] for key in ("name", "weights", "sha256")})
    else:
        print(facts["weights"])


def _check(models: Models, place: Home, arguments: argparse.Namespace) -> None:
    from engine.catalogue import load_classifier
    from engine.classifiers.accuracy import Accuracy, accuracy
    from engine.classifiers.photos import PhotoError
    from labelling.intervals import wilson

    entry = _classifier(models, arguments, arguments.checkpoint)
    loaded = _interruptibly(
        lambda follow: load_classifier(entry, models.folders, models.device, follow),
        lambda done, total: f"Fetching {entry.name}: {_megabytes(done, total)}",
        "What has come is kept: the same command goes on from there.",
    )
    try:
        measured: Accuracy = _interruptibly(
            lambda follow: accuracy(loaded, arguments.path.expanduser(), on_progress=follow),
            lambda done, total: f"{done} of {total} photos",
            "Nothing was recorded.",
        )
    except PhotoError as error:
        raise RequestError(str(error)) from error
    count = len(measured.predictions)
    shares = {}
    for key, share in (("top1", measured.top1), ("top5", measured.top5)):
        low, high = (float(bound) for bound in wilson(share, count))
        shares[key] = {"right": round(share * count), "share": share, "low": low, "high": high}
    if arguments.json:
        print_object({"name": entry.name, "photos": count, **shares})
        return
    print(f"{entry.name} on {count} photos, with 95 % intervals (Wilson):")
    for key, words in (("top1", "right first"), ("top5", "in the first five")):
        one = shares[key]
        print(
            f"  {words}: {one['right']} ({100 * one['share']:.1f} %,"
            f" {100 * one['low']:.1f} to {100 * one['high']:.1f} %)"
        )
    if entry.provenance.accuracy:
        print(f"  its makers' figure: {entry.provenance.accuracy}")


def _scales(models: Models, place: Home, arguments: argparse.Namespace) -> None:
    name, truncation = arguments.name, arguments.truncation
    if name not in models.catalogue.generators and name in models.catalogue.classifiers:
        raise RequestError(f"{name} is a classifier; σ is a generator's.")
    line = ProgressLine()
    with (
        interruption() as asked,
        closing(models.preparation(name, truncation, full_scales=True)) as course,
    ):
        for progress in course:
            if asked():
                line.clear()
                raise Interrupted("Stopped; what was drawn is kept: the same command goes on.")
            line.show(progress["preparing"])
    line.clear()
    loaded = models.generator(name, truncation)
    say(f"σ of {name} is measured over {loaded.scales_samples:,} samples.")
    if arguments.json:
        print_object(
            {
                "name": name,
                "truncation": truncation,
                "samples": loaded.scales_samples,
                "scales": loaded.scales_checksum,
            }
        )


def _add(models: Models, place: Home, arguments: argparse.Namespace) -> None:
    from engine.published import obtain_weights

    entry = _classifier(models, arguments, arguments.path)
    if entry.name in models.catalogue.classifiers:
        raise RequestError(f"{entry.name} is in the list already.")
    file = place.models / (re.sub(r"\W+", "-", entry.name).strip("-") + ".py")
    if file.exists():
        raise RequestError(f"{file} exists: rename or delete it first.")
    if arguments.path:  # what does not fit is told now, not by the first search
        obtain_weights(entry, place.weights)
    quoted = partial(json.dumps, ensure_ascii=False)
    imported, options = "classifier_by_name", ""
    if arguments.path:
        options += f", checkpoint={quoted(str(arguments.path.expanduser().resolve()))}"
    if arguments.classes:
        imported += ", labels_in"
        options += f", labels=labels_in({quoted(str(arguments.classes.expanduser().resolve()))})"
    lines = [
        f"from engine.classifiers.by_name import {imported}",
        "",
        f"ENTRIES = [classifier_by_name({quoted(arguments.name)}{options})]",
        "",
    ]
    file.write_text("\n".join(lines), encoding="utf-8")
    say(f"{entry.name} is in the list from now on: {file}")


def _entry(models: Models, name: str) -> Entry:
    known = models.catalogue
    if name in known.generators:
        return known.generators[name]
    if name in known.classifiers or ":" in name:
        return known.classifier(name)
    names = ", ".join([*known.generators, *known.classifiers])
    raise RequestError(f"There is no model “{name}”; there are {names}.")


def _classifier(
    models: Models, arguments: argparse.Namespace, checkpoint: Path | None
) -> ClassifierEntry:
    """The classifier that is named, with the weights and classes of the user's own files."""
    from engine.classifiers.by_name import classifier_by_name, labels_in

    name = arguments.name
    if name in models.catalogue.generators:
        raise RequestError(f"{name} is a generator: name a classifier.")
    if arguments.action == "check" and checkpoint is None and arguments.classes is None:
        return models.catalogue.classifier(name)
    labels = None if arguments.classes is None else labels_in(arguments.classes.expanduser())
    file = None if checkpoint is None else checkpoint.expanduser()
    return classifier_by_name(name, checkpoint=file, labels=labels)


def _interruptibly(
    work: Callable[[Callable[[int, int | None], None]], Any],
    words: Callable[[int, int | None], str],
    kept: str,
) -> Any:
    """Run `work` with a progress line, until it ends or Ctrl-C does."""
    line = ProgressLine()
    with interruption() as asked:

        def follow(done: int, total: int | None) -> None:
            if asked():
                line.clear()
                raise Interrupted(f"Stopped. {kept}")
            line.show(words(done, total))

        try:
            return work(follow)
        finally:
            line.clear()


def _megabytes(done: int, total: int | None) -> str:
    return f"{done / 1e6:,.1f}{f' of {total / 1e6:,.1f}' if total else ''} MB"


def _plain(value: Any) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)


@dataclass(frozen=True)
class _Action:
    needs: str
    run: Callable[[Models, Home, argparse.Namespace], None]


ACTIONS = {
    "list": _Action("", _list),
    "show": _Action("NAME", _show),
    "fetch": _Action("NAME", _fetch),
    "import": _Action("NAME PATH", _import),
    "check": _Action("NAME PATH", _check),
    "scales": _Action("NAME", _scales),
    "add": _Action("NAME", _add),
}
