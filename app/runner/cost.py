"""What an experiment will cost: time on a device, from timed steps, and space on the disk."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from app.figures import bytes_in_words, duration
from data.results import EarlierTrials
from data.tensors import QUOTA

#: A file takes whole blocks of the disk, and a result so much of the database (measured: 1.6 kB).
BLOCK_BYTES = 4096
ROW_BYTES = 2000


@dataclass(frozen=True)
class Speed:
    """Timed steps of one condition: `seconds` of a step of all slots, `picture_bytes` of a PNG."""

    seconds: float
    picture_bytes: int


@dataclass(frozen=True)
class Share:
    """One condition's part: `trials` that have no result yet, of so many perturbed scalars each."""

    trials: int
    role: str
    budget: int
    scalars: int
    speed: Speed
    pilot: EarlierTrials | None = None


@dataclass(frozen=True)
class Cost:
    """Seconds at most (every search spends its budget) and, where earlier trials tell, about.

    Bytes are at most: every search finds something. `like` is how many earlier trials told.
    """

    results: int
    device: str
    seconds_most: float
    seconds_about: float | None
    like: int
    picture_bytes: int
    tensor_bytes: int


def cost(shares: Sequence[Share], *, slots: int, sources: int, device: str, tensors: bool) -> Cost:
    """The sum of what the conditions cost; `sources` are pictures that all of them share.

    A step takes as long however many of its slots are in use.
    """
    most, about = 0.0, 0.0
    for share in shares:
        blocks = math.ceil(share.trials / slots)
        drawing = blocks * share.speed.seconds
        if share.role == "random-direction":  # each is one pass
            most, about = most + drawing, about + drawing
            continue
        most += drawing + blocks * (share.budget + 1) * share.speed.seconds
        if share.pilot is not None:
            steps = max(share.trials * share.pilot.mean_steps / slots, share.pilot.most_steps)
            about += drawing + min(steps, blocks * share.budget) * share.speed.seconds
    searched = [share for share in shares if share.role != "random-direction" and share.trials]
    known = bool(searched) and all(share.pilot is not None for share in searched)
    results = sum(share.trials for share in shares)
    picture = max((share.speed.picture_bytes for share in shares), default=0)
    on_disk = math.ceil(picture / BLOCK_BYTES) * BLOCK_BYTES
    return Cost(
        results=results,
        device=device,
        seconds_most=most,
        seconds_about=about if known else None,
        like=min((share.pilot.trials for share in searched), default=0) if known else 0,
        picture_bytes=(results + sources) * on_disk + results * ROW_BYTES,
        tensor_bytes=min(QUOTA, sum(share.trials * share.scalars * 2 for share in searched))
        if tensors
        else 0,
    )


def in_words(cost: Cost) -> str:
    """The cost as one sentence."""
    if not cost.results:
        return "Everything is computed already: it costs nothing."
    about = (
        ""
        if cost.seconds_about is None
        else f"about {duration(cost.seconds_about)} if the searches go as {cost.like} earlier"
        " trials of each condition did, and "
    )
    tensors = f", and of tensors {bytes_in_words(cost.tensor_bytes)}" if cost.tensor_bytes else ""
    return (
        f"{cost.results:,} results on {cost.device}: {about}at most"
        f" {duration(cost.seconds_most)}, if every search spends its budget. Disk: at most"
        f" {bytes_in_words(cost.picture_bytes)} of pictures and results{tensors}."
    )


def speed_of(record: Mapping[str, Any]) -> Speed:
    """The inverse of `asdict`, for what was stored as JSON."""
    return Speed(float(record["seconds"]), int(record["picture_bytes"]))
