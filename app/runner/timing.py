"""Time a few real steps of every condition of a definition, and tell what all of it will cost.

Speeds are kept in the home's caches for a day, by everything that decides them, so that the cost of
a like experiment is known at once.
"""

from __future__ import annotations

import hashlib
import json
import os
import platform
from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import asdict
from itertools import count
from pathlib import Path
from time import perf_counter, time
from typing import Any

import torch
from sqlite_utils import Database

from app.runner.chunk import Chunk, Loaded, run_chunk
from app.runner.cost import Cost, Share, Speed, cost, speed_of
from app.runner.course import Course, Progress
from app.runner.models import Models
from data.experiments import ConditionRow
from data.home import Home
from data.images import encode
from data.results import earlier_trials
from engine.catalogue import LoadedGenerator
from engine.experiment import progression_trial
from engine.search.perturbed_pass import to_pixels
from engine.search.run import LOOK_EVERY

#: The first step warms up; of so many others the fastest counts.
TIMED_STEPS = 3
#: On a processor, where a step of all slots would take longer, one row is timed and multiplied:
#: large models gain nothing from company.
LONG_SECONDS = 3.0
KEPT_SECONDS = 24 * 3600.0


def cost_course(
    database: Database,
    home: Home,
    models: Models,
    definition: Mapping[str, Any],
    *,
    missing: Sequence[int] | None = None,
    tell: Callable[[Cost], None],
) -> Course:
    """Time what is not known yet, then `tell` the cost.

    `missing`: how many trials of each condition have no result; None means all. Weights are fetched
    and a preview of σ is measured where they are not there.
    """
    cells = [ConditionRow(classifier_checksum="", **one) for one in definition["conditions"]]
    left = list(missing) if missing is not None else [definition["trials"]] * len(cells)
    wanted = [cell for cell, trials in zip(cells, left, strict=True) if trials]
    names = list(dict.fromkeys(cell.classifier for cell in wanted))
    shares = []
    if wanted:
        yield from models.preparation(definition["generator"], definition["truncation"], names)
        generator = models.generator(
            definition["generator"],
            definition["truncation"],
            condition_follows_z=definition["condition_follows_z"],
        )
        for cell, trials in zip(cells, left, strict=True):
            if not trials:
                continue
            loaded = models.classifier(cell.classifier)
            speed = _known(home, models.device, definition, generator, loaded.checksum, cell)
            if speed is None:
                yield {"phase": "timing", "preparing": _told(cell)}
                speed = yield from _timed(definition, generator, loaded.module, cell, models.device)
                _keep(home, models.device, definition, generator, loaded.checksum, cell, speed)
            points = zip(generator.module.points, cell.layer_weights, strict=True)
            shares.append(
                Share(
                    trials=trials,
                    role=cell.role,
                    budget=cell.schedule["budget"],
                    scalars=sum(point.size for point, weight in points if weight),
                    speed=speed,
                    pilot=earlier_trials(
                        database, generator.checksum, loaded.checksum, cell, definition["targeted"]
                    ),
                )
            )
    tell(
        cost(
            shares,
            slots=definition["slots"],
            sources=max(left, default=0),
            device=models.device,
            tensors=definition["keep_perturbations"],
        )
    )


def _told(cell: ConditionRow) -> str:
    return f"Timing a few steps of {cell.classifier}, {cell.subset}"


def _timed(
    definition: Mapping[str, Any],
    generator: LoadedGenerator,
    classifier: torch.nn.Module,
    cell: ConditionRow,
    device: str,
) -> Generator[Progress, None, Speed]:
    """The time of a step of all slots, on trials of the experiment itself."""
    loaded = Loaded(generator.module, classifier, generator.scales, device)
    slots = definition["slots"]
    alone, picture_bytes = yield from _step_seconds(definition, loaded, cell, 1)
    if slots == 1 or (device == "cpu" and alone * slots > LONG_SECONDS):
        return Speed(alone * slots, picture_bytes)
    together, _ = yield from _step_seconds(definition, loaded, cell, slots)
    return Speed(together, picture_bytes)


def _step_seconds(
    definition: Mapping[str, Any], loaded: Loaded, cell: ConditionRow, slots: int
) -> Generator[Progress, None, tuple[float, int]]:
    """Seconds of a step of so many slots, and the bytes of a source picture."""
    search = {**asdict(cell), "role": "search"}
    search["schedule"] = {**cell.schedule, "budget": 10**6}  # a slot is not to run empty
    trials = (
        progression_trial(
            definition["seed"],
            index,
            loaded.generator.label_count,
            targeted=definition["targeted"],
        )
        for index in count()
    )
    steps = run_chunk(Chunk(ConditionRow(**search), trials), loaded, {**definition, "slots": slots})
    seconds = []
    for _ in range(1 + TIMED_STEPS):
        began = perf_counter()
        next(steps)
        seconds.append(perf_counter() - began)
        yield {"phase": "timing", "preparing": _told(cell)}
    steps.close()
    return min(seconds[1:]) / LOOK_EVERY[torch.device(loaded.device).type], _picture_bytes(
        definition, loaded
    )


@torch.no_grad()
def _picture_bytes(definition: Mapping[str, Any], loaded: Loaded) -> int:
    """Bytes of the PNG file of the first trial's source."""
    generator = loaded.generator
    trial = progression_trial(definition["seed"], 0, generator.label_count)
    z = generator.latent(trial.seed).to(loaded.device).unsqueeze(0)
    labels = torch.tensor([trial.label], device=loaded.device)
    [pixels] = to_pixels(generator(z, labels).clamp(0, 1)).cpu().numpy()
    return len(encode(pixels))


def _known(home: Home, *identity: Any) -> Speed | None:
    record = _book(home).get(_key(*identity))
    if record is None or time() - record["at"] > KEPT_SECONDS:
        return None
    return speed_of(record)


def _keep(home: Home, *identity_and_speed: Any) -> None:
    *identity, speed = identity_and_speed
    book = {
        key: record for key, record in _book(home).items() if time() - record["at"] < KEPT_SECONDS
    }
    book[_key(*identity)] = {**asdict(speed), "at": time()}
    partial = _file(home).with_suffix(f".{os.getpid()}.partial")
    partial.write_text(json.dumps(book))
    partial.replace(_file(home))


def _key(
    device: str,
    definition: Mapping[str, Any],
    generator: LoadedGenerator,
    classifier_checksum: str,
    cell: ConditionRow,
) -> str:
    decides = (
        *(platform.node(), device, torch.get_num_threads(), torch.__version__),
        *(generator.checksum, classifier_checksum, definition["truncation"]),
        *(definition["slots"], definition["precision"], cell.search),
        [weight > 0 for weight in cell.layer_weights],
    )
    return hashlib.sha256(json.dumps(decides).encode()).hexdigest()


def _book(home: Home) -> dict[str, dict[str, float]]:
    try:
        return json.loads(_file(home).read_text())
    except (FileNotFoundError, ValueError):
        return {}


def _file(home: Home) -> Path:
    return home.caches / "speeds.json"
