"""Check what is stored against what can be computed again."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby, islice

import numpy as np
import torch
from sqlite_utils import Database

from app.runner.models import Models
from data.experiments import StoredCondition, conditions, experiments
from data.home import Home
from data.images import ImageError, read_image
from data.results import Source, StoredResult, results, source
from engine.catalogue import ModelError
from engine.search.margin import UNTARGETED, margins
from engine.search.perturbed_pass import to_pixels

#: Logits of one image may differ by so much between devices, batch sizes and versions of torch.
NOISE = 1e-3
#: A recomputed source may differ by so many of the 255 levels: float noise near a rounding edge.
LEVELS = 1
BATCH = 128


@dataclass(frozen=True)
class Difference:
    """Something stored that is not what it should be. `kind` is image, prediction or source."""

    kind: str
    experiment: str
    index: int
    sentence: str


@dataclass(frozen=True)
class Case:
    """A stored result with the condition it belongs to."""

    generator: str
    truncation: float
    condition: StoredCondition
    result: StoredResult


OnChecked = Callable[[int, int], None]


def cases(database: Database, experiment_ids: Sequence[str]) -> list[Case]:
    """The results with a picture, of these experiments or of all."""
    return [
        Case(one.generator, float(one.definition["truncation"]), condition, result)
        for one in experiments(database, archived=True)
        if not experiment_ids or one.id in experiment_ids
        for condition in conditions(database, one.id)
        for result in results(database, condition.id)
        if result.source_id is not None
    ]


def sample(everything: list[Case], count: int, seed: int) -> list[Case]:
    """`count` cases at random, in their stored order."""
    chosen = random.Random(seed).sample(range(len(everything)), min(count, len(everything)))
    return [everything[index] for index in sorted(chosen)]


def verify(
    database: Database,
    home: Home,
    models: Models,
    chosen: Iterable[Case],
    *,
    noise: float = NOISE,
    on_checked: OnChecked = lambda done, total: None,
) -> Iterator[Difference]:
    """Every difference found: a damaged file, a changed prediction, another source image.

    Predictions: the stored 8-bit picture is classified again, and a changed verdict counts where
    the stored margin exceeds `noise` (in logits). Sources: drawn again from their seeds, every
    pixel within one level.
    """
    listed = sorted(chosen, key=lambda case: case.condition.id)
    checked_sources: set[str] = set()
    done = 0
    for _, group in groupby(listed, key=lambda case: case.condition.id):
        for batch in _batches(group):
            yield from _predictions(home, models, batch, noise)
            fresh = {
                case.result.source_id: case
                for case in batch
                if case.result.source_id not in checked_sources
            }
            yield from _sources(database, home, models, list(fresh.values()))
            checked_sources |= fresh.keys()
            done += len(batch)
            on_checked(done, len(listed))


def _batches(group: Iterator[Case]) -> Iterator[list[Case]]:
    while batch := list(islice(group, BATCH)):
        yield batch


def _predictions(
    home: Home, models: Models, batch: Sequence[Case], noise: float
) -> Iterator[Difference]:
    condition = batch[0].condition
    readable: list[tuple[Case, np.ndarray]] = []
    for case in batch:
        if case.result.stimulus is None:
            continue
        try:
            readable.append((case, read_image(home, case.result.stimulus)))
        except ImageError as error:
            yield _difference("image", case, str(error))
    if not readable:
        return
    try:
        classifier = models.classifier(condition.classifier)
    except ModelError as error:
        yield _difference("prediction", readable[0][0], str(error))
        return
    if classifier.checksum != condition.classifier_checksum:
        yield _difference(
            "prediction",
            readable[0][0],
            f"The weights of {condition.classifier} are not those that were searched, so its"
            " pictures cannot be checked.",
        )
        return
    found = [case.result for case, _ in readable]
    with torch.no_grad():
        logits = classifier.module(_images([pixels for _, pixels in readable], models.device))
        now = margins(
            logits,
            torch.tensor([result.label for result in found], device=models.device),
            torch.tensor(
                [UNTARGETED if result.target is None else result.target for result in found],
                device=models.device,
            ),
        ).tolist()
    for (case, _), margin in zip(readable, now, strict=True):
        before = case.result.margin
        if before is not None and before > noise and not margin > 0:
            yield _difference(
                "prediction",
                case,
                f"{condition.classifier} is no longer fooled: its margin is {margin:.3g}, and was"
                f" {before:.3g}.",
            )


def _sources(
    database: Database, home: Home, models: Models, batch: Sequence[Case]
) -> Iterator[Difference]:
    readable: list[tuple[Case, Source, np.ndarray]] = []
    for case in batch:
        origin = source(database, case.result.source_id or "")
        assert origin is not None, "the database has a foreign key for this"
        try:
            readable.append((case, origin, read_image(home, origin.stimulus)))
        except ImageError as error:
            yield _difference("image", case, str(error))
    if not readable:
        return
    first = readable[0][0]
    try:
        generator = models.generator(first.generator, first.truncation)
    except ModelError as error:
        yield _difference("source", first, str(error))
        return
    if generator.checksum != readable[0][1].generator_checksum:
        yield _difference(
            "source",
            first,
            f"The weights of {first.generator} are not those that drew these pictures, so they"
            " cannot be drawn again.",
        )
        return
    with torch.no_grad():
        latents = torch.stack([generator.module.latent(origin.seed) for _, origin, _ in readable])
        labels = torch.tensor([origin.label for _, origin, _ in readable])
        images = generator.module(latents.to(models.device), labels.to(models.device)).clamp(0, 1)
    for (case, _, stored), again in zip(readable, to_pixels(images).cpu().numpy(), strict=True):
        levels = int(np.abs(stored.astype(int) - again.astype(int)).max())
        if levels > LEVELS:
            yield _difference(
                "source", case, f"The source drawn again differs by up to {levels} of 255 levels."
            )


def _images(pixels: Sequence[np.ndarray], device: str) -> torch.Tensor:
    """uint8 (H, W, C) arrays as the classifier's input (B, C, H, W) in [0, 1]."""
    return torch.from_numpy(np.stack(pixels)).to(device).movedim(-1, 1).float() / 255


def _difference(kind: str, case: Case, sentence: str) -> Difference:
    return Difference(kind, case.condition.experiment_id, case.result.trial_index, sentence)
