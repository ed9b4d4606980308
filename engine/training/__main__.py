"""`python -m engine.training`: train the models that ship, measure them, write their cards."""

from __future__ import annotations

import argparse
import shlex
import sys
import time
from dataclasses import replace
from pathlib import Path

import torch
from safetensors.torch import load_file
from torch import nn
from tqdm import tqdm

from engine.classifiers.mnist import LeNet5
from engine.scales import measure_scales, save_scales
from engine.training.card import (
    Card,
    checksum,
    read_card,
    save_model,
    training_facts,
    write_card,
)
from engine.training.contact_sheet import write_contact_sheet
from engine.training.digits import Digits, load
from engine.training.figures import (
    ON_THE_PAPER,
    SAMPLES,
    SEED,
    attacked_figures,
    clean_figures,
    generator_figures,
)
from engine.training.shipped import (
    GENERATOR,
    JUDGE,
    ROBUST,
    SHIPPED,
    STANDARD,
    Shipped,
    with_epochs,
)

CHECKOUT = Path(__file__).resolve().parents[2]


def main(arguments: list[str] | None = None) -> int:
    """Run one command; 2 with one sentence on standard error where something is missing."""
    options = parser().parse_args(arguments)
    torch.set_num_threads(options.threads)
    try:
        run(options)
    except (FileNotFoundError, ValueError) as error:
        print(error, file=sys.stderr)
        return 2
    return 0


def parser() -> argparse.ArgumentParser:
    """The command line; every option has a default."""
    made = argparse.ArgumentParser(prog="python -m engine.training", description=__doc__)
    made.add_argument(
        "command",
        choices=[*SHIPPED, "scales", "measure", "all"],
        help="which model to train; scales: σ of the generator again; measure: the figures of "
        "all the cards again; all: every model, in order",
    )
    made.add_argument(
        "--data",
        type=Path,
        default=CHECKOUT / "var" / "mnist",
        help="folder of MNIST's four files, downloaded there if missing (default: %(default)s)",
    )
    made.add_argument(
        "--out",
        type=Path,
        default=CHECKOUT / "data" / "bundled",
        help="folder for weights and cards (default: %(default)s)",
    )
    made.add_argument(
        "--seed", type=int, help="of the training, or of scales (default: as shipped)"
    )
    made.add_argument(
        "--epochs", type=_positive, help="passes over the digits (default: as shipped)"
    )
    made.add_argument("--threads", type=_positive, default=2, help="of torch (default: 2)")
    made.add_argument(
        "--digits", type=_positive, help="only the first N of each split, for a trial"
    )
    made.add_argument(
        "--samples",
        type=_positive,
        default=SAMPLES,
        help="to measure the generator (default: 10000)",
    )
    made.add_argument(
        "--reference",
        type=Path,
        help="safetensors of AdverTorch's LeNet-5, whose agreement goes in the generator's card",
    )
    return made


def run(options: argparse.Namespace) -> None:
    """Do what the options say."""
    if options.command == "scales":
        write_scales(options)
        return
    train, test = load(options.data)
    if options.digits:
        train, test = train.first(options.digits), test.first(options.digits)
    if options.command == "measure":
        for model in SHIPPED.values():
            measure(model, test, options)
        return
    if options.command == "generator":
        read_card(JUDGE.name, options.out)  # says what is missing before the long training
    names = list(SHIPPED) if options.command == "all" else [options.command]
    for name in names:
        train_and_save(name, train, options)
        if name == "generator":
            write_scales(options)
        measure(SHIPPED[name], test, options)


def train_and_save(command: str, digits: Digits, options: argparse.Namespace) -> None:
    """Train one model and write its weights and a card without figures yet."""
    model = SHIPPED[command]
    recipe = with_epochs(model.recipe, options.epochs) if options.epochs else model.recipe
    seed = model.seed if options.seed is None else options.seed
    start = time.monotonic()
    with Bar(model.name) as bar:
        module = model.train(digits, seed, recipe, bar)
    facts = training_facts(
        repeating_command(command, seed, options), seed, recipe, time.monotonic() - start
    )
    save_model(module, model.name, model.title, model.description, facts, options.out)


def repeating_command(command: str, seed: int, options: argparse.Namespace) -> str:
    """The command that trains this model so again, thread count too, as it moves float sums."""
    words = ["python", "-m", "engine.training", command, "--data", str(options.data)]
    words += ["--seed", str(seed)]
    for name in ("epochs", "digits", "threads"):
        if getattr(options, name) is not None:
            words += [f"--{name}", str(getattr(options, name))]
    return shlex.join(words)


def measure(model: Shipped, test: Digits, options: argparse.Namespace) -> None:
    """Measure a trained model's figures and write them into its card."""
    card = read_card(model.name, options.out)
    module = trained(model, options.out)
    if model is GENERATOR:
        card = measure_generator(card, module, test, options)
    else:
        card = card.with_figures(clean_figures(module, test))
    if model in (STANDARD, ROBUST):
        with Bar(f"{model.name} under attack") as bar:
            card = card.with_figures(attacked_figures(module, test, bar))
    if model is ROBUST:
        card = replace(card, remarks=(ON_THE_PAPER,))
    write_card(card, options.out)
    for figure in card.figures.values():
        print(f"{card.name}: {figure.meaning}: {figure.value:.4f} (n = {figure.count})")


def measure_generator(
    card: Card, module: nn.Module, test: Digits, options: argparse.Namespace
) -> Card:
    """Agreement with the judge and whatever else is there, and the contact sheet."""
    classifiers = {JUDGE.name: trained(JUDGE, options.out)}
    for model in (STANDARD, ROBUST):
        if (options.out / f"{model.name}.safetensors").is_file():
            classifiers[model.name] = trained(model, options.out)
    if options.reference:
        reference = LeNet5()
        reference.load_state_dict(load_file(options.reference))
        classifiers[options.reference.stem] = reference.eval()
    sheet = f"{GENERATOR.name}.png"
    write_contact_sheet(module, options.out / sheet, SEED)
    figures = generator_figures(module, classifiers, test, options.samples)
    what = f"a hundred unchosen samples, a row for each label, seed {SEED}"
    return replace(
        card.with_figures(figures),
        remarks=(f"![{what}]({sheet})",),
        files=card.files | {sheet: {"what": what}},
    )


def write_scales(options: argparse.Namespace) -> None:
    """Measure σ at every point of the trained generator; note how in its card."""
    card = read_card(GENERATOR.name, options.out)
    seed = options.seed or 0
    with Bar("σ") as bar:
        scales = measure_scales(
            trained(GENERATOR, options.out),
            options.samples,
            seed,
            on_progress=lambda done, total: bar(done, total, ""),
        )
    file = options.out / f"{GENERATOR.name}.scales.safetensors"
    save_scales(scales, file)
    facts = {
        "what": f"σ per neuron of every point over {options.samples} samples, seed {seed}",
        "sha256": checksum(file),
        "samples": options.samples,
        "seed": seed,
        "generator": card.sha256,
    }
    write_card(replace(card, files=card.files | {file.name: facts}), options.out)


def trained(model: Shipped, folder: Path) -> nn.Module:
    """A trained model in eval mode, without weight gradients."""
    file = folder / f"{model.name}.safetensors"
    if checksum(file) != read_card(model.name, folder).sha256:
        raise ValueError(f"{file} is not the file its card describes: train {model.name} again.")
    module = model.build()
    module.load_state_dict(load_file(file))
    # channels_last is the fast layout of small convolutions on a CPU.
    return module.to(memory_format=torch.channels_last).eval().requires_grad_(False)


class Bar:
    """A progress bar that learns its length from the first call."""

    def __init__(self, title: str) -> None:
        self._bar = tqdm(desc=title, leave=True, dynamic_ncols=True)

    def __enter__(self) -> Bar:
        return self

    def __exit__(self, *_: object) -> None:
        self._bar.close()

    def __call__(self, done: int, total: int, note: str) -> None:
        """`done` of `total`, with a remark behind it."""
        self._bar.total = total
        self._bar.set_postfix_str(note, refresh=False)
        self._bar.update(done - self._bar.n)


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"{text} is not a positive whole number")
    return number


if __name__ == "__main__":
    sys.exit(main())
