"""How far rounding an image to 8 bits moves a margin, in units of what independent errors would.

    python -m benchmarks.rounding_reach [--trials 40] [--weights FILE] [--photos FOLDER]
        [--json FILE]

The search makes its second pass, that of the 8-bit image, only where rounding may turn the outcome:
within `ROUNDING_REACH` deviations of independent rounding errors, to first order, below a margin of
0 (`engine.search.margin`). Here every step of relaxation searches on MNIST makes it, all / first /
last points with both shipped classifiers; and SqueezeNet 1.1 sees real photographs resized without
rounding, each with twenty targets. Printed is the largest shift met, how many images fooled only
once rounded, how many of these the rule would have missed, and the share of passes that it makes.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import torch
from torch import Tensor, nn
from torchvision.io import ImageReadMode, decode_image
from torchvision.transforms.functional import center_crop, resize

from benchmarks.meshes import WEIGHTS, squeezenet
from benchmarks.model_pairs import BUNDLED, mnist
from benchmarks.plain_loop import plain_search
from benchmarks.record import FOLDER, line, markdown, read_rows, write_rows
from engine.catalogue import catalogue, load_classifier
from engine.experiment import Schedule, Trial, progression
from engine.search.margin import ROUNDING_DEVIATION, in_reach_of_rounding, margins
from engine.search.perturbed_pass import to_8_bit

PHOTOS = Path(__file__).parents[2] / "shared" / "data" / "photos"
RESULTS = FOLDER / "rounding_reach.json"
HEADINGS = (
    "images",
    "number",
    "largest shift, deviations",
    "fool only rounded",
    "missed",
    "tested",
)
TARGETS = 20
SCHEDULE = Schedule(0.03, 0.1, 1.03, 0.0, budget=150)


@dataclass(frozen=True)
class Shift:
    """One image: its margin unrounded and rounded, the deviation expected, whether it is tested."""

    margin: float
    rounded: float
    deviation: float
    tested: bool


def shifts(
    classifier: nn.Module, images: Tensor, labels: Tensor, targets: Tensor
) -> Iterator[Shift]:
    """What rounding does to each of `images` (B, C, H, W)."""
    images = images.detach().requires_grad_()
    with torch.enable_grad():
        margin = margins(classifier(images), labels, targets)
        [slope] = torch.autograd.grad(margin.sum(), images)
    with torch.no_grad():
        rounded = margins(classifier(to_8_bit(images)), labels, targets)
        deviation = ROUNDING_DEVIATION * slope.flatten(1).norm(dim=1)
        tested = in_reach_of_rounding(margin, slope)
    columns = (margin, rounded, deviation, tested)
    for row in zip(*(column.tolist() for column in columns), strict=True):
        yield Shift(*row)


class Watched(nn.Module):
    """A classifier that notes what rounding would do to every image it gives a gradient for."""

    def __init__(self, classifier: nn.Module, trial: Trial) -> None:
        super().__init__()
        self._classifier, self.seen = classifier, []
        self._labels, self._targets = torch.tensor([trial.label]), torch.tensor([trial.target])

    def forward(self, images: Tensor) -> Tensor:
        if images.requires_grad and torch.is_grad_enabled():
            self.seen += shifts(self._classifier, images, self._labels, self._targets)
        return self._classifier(images)


def on_mnist(classifier_name: str, subset: str, trials: int) -> list[Shift]:
    """Every step of plain relaxation searches, on to the end of their budget."""
    pair = mnist()
    entry = catalogue().classifier(classifier_name)
    classifier = load_classifier(entry, [BUNDLED], "cpu").module
    seen: list[Shift] = []
    for trial in islice(progression(0, 10**6, 10), trials):
        watched = Watched(classifier, trial)
        settings = {"layer_weights": pair.weights(subset), "schedule": SCHEDULE}
        plain_search(trial, pair.plain_generator, watched, pair.scales, **settings)
        seen += watched.seen
    return seen


def on_photos(weights: Path, folder: Path) -> list[Shift]:
    """Photographs at 128 px, the likeliest label and its next twenty as targets."""
    classifier, seen = squeezenet(weights), []
    for path in sorted(folder.glob("*.JPEG")):
        photo = decode_image(str(path), ImageReadMode.RGB).float() / 255
        image = center_crop(resize(photo, 128, antialias=True), 128).clamp(0, 1)
        ranking = classifier(image[None])[0].argsort(descending=True)[: TARGETS + 1]
        images = image.expand(TARGETS, -1, -1, -1)
        seen += shifts(classifier, images, ranking[:1].expand(TARGETS), ranking[1:])
    return seen


@dataclass(frozen=True)
class Row:
    """A set of images: how many, and what the module's docstring says is printed of them."""

    images: str
    number: int
    largest_shift: float
    fool_only_rounded: int
    missed: int
    tested: float


def summary(name: str, seen: list[Shift]) -> Row:
    """What rounding did to a set of images."""
    worst = max(abs(s.rounded - s.margin) / s.deviation for s in seen if s.deviation > 0)
    turned = [s for s in seen if s.margin <= 0 < s.rounded]
    missed = sum(not s.tested for s in turned)
    tested = sum(s.tested for s in seen) / len(seen)
    return Row(name, len(seen), worst, len(turned), missed, tested)


def table(rows: list[Row]) -> str:
    """In Markdown, as the document has it."""
    return markdown(HEADINGS, map(_cells, rows))


def _cells(row: Row) -> tuple[object, ...]:
    turned = row.fool_only_rounded, row.missed
    return row.images, row.number, f"{row.largest_shift:.1f}", *turned, f"{row.tested:.1%}"


def recorded() -> list[Row]:
    """What was measured last."""
    return read_rows(RESULTS, Row)


def main() -> None:
    """Print a line a set."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--trials", type=int, default=40)
    parser.add_argument("--weights", type=Path, default=WEIGHTS)
    parser.add_argument("--photos", type=Path, default=PHOTOS)
    parser.add_argument("--json", type=Path, help="also write the figures here")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    print(table([]))
    rows: list[Row] = []

    def add(name: str, seen: list[Shift]) -> None:
        rows.append(summary(name, seen))
        print(line(_cells(rows[-1])), flush=True)

    for name in ("mnist-standard", "mnist-robust"):
        for subset in ("all", "first", "last"):
            add(f"{name}, {subset}", on_mnist(name, subset, arguments.trials))
    if arguments.weights.is_file() and arguments.photos.is_dir():
        add("SqueezeNet, photographs", on_photos(arguments.weights, arguments.photos))
    if arguments.json:
        write_rows(arguments.json, rows)


if __name__ == "__main__":
    main()
