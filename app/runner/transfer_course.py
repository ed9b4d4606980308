"""The course of a transfer: every classifier at hand answers the pictures that fooled another."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import torch
from sqlite_utils import Database
from torch import nn

from app.runner.course import Course
from app.runner.models import Models
from data.experiments import Experiment
from data.home import Home
from data.images import read_image
from data.transfers import (
    Pair,
    TransferRow,
    add_transfers,
    forget_transfers,
    untested_count,
    untested_pairs,
)

#: Pixels tested at once; every picture is read from its file, which is what people see.
PIXELS_AT_ONCE = 4_000_000
MOST_AT_ONCE = 64


def transfer_course(
    database: Database, home: Home, models: Models, experiment: Experiment
) -> Course:
    """Test all that is not tested yet, batch by batch: cut off, it goes on from what is stored.

    Asked are the classifiers of the generator's labels whose weights are there; nothing is fetched.
    Answers of one whose weights have changed meanwhile are replaced.
    """
    names = models.at_hand(experiment.generator)
    loaded = {}
    for name in names:
        yield {"preparing": f"Loading {name}"}
        loaded[name] = models.classifier(name)
        forget_transfers(database, experiment.id, name, loaded[name].checksum)
    total = untested_count(database, experiment.id, names)
    done = 0
    for name, classifier in loaded.items():
        for pairs in _batches(home, untested_pairs(database, experiment.id, name)):
            answers = _answers(home, classifier.module, models.device, pairs)
            add_transfers(
                database,
                [
                    TransferRow(pair.result_id, name, classifier.checksum, before, after)
                    for pair, (before, after) in zip(pairs, answers, strict=True)
                ],
            )
            done += len(pairs)
            yield {"done": done, "total": total, "classifier": name}


def _batches(home: Home, pairs: Sequence[Pair]) -> Iterator[Sequence[Pair]]:
    if pairs:
        pixels = read_image(home, pairs[0].source).shape[:2]
        fitting = PIXELS_AT_ONCE // (2 * pixels[0] * pixels[1])
        count = min(max(fitting, 1), MOST_AT_ONCE)
        for start in range(0, len(pairs), count):
            yield pairs[start : start + count]


def _answers(
    home: Home, classifier: nn.Module, device: str, pairs: Sequence[Pair]
) -> list[tuple[int, int]]:
    """The likeliest label of each pair's source and perturbed picture."""
    pixels = np.stack([read_image(home, name) for one in pairs for name in _names(one)])
    images = torch.from_numpy(pixels).movedim(-1, 1).to(device, torch.float32) / 255
    with torch.no_grad():
        answers = classifier(images).argmax(1).reshape(-1, 2).tolist()
    return [(before, after) for before, after in answers]


def _names(pair: Pair) -> tuple[str, str]:
    return pair.source, pair.perturbed
