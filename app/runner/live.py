"""The live file of a search: what its page shows while it runs, and after.

One small JSON file a job, replaced whole (temporary name, then rename) several times a second, so
that a page reads a complete state at any moment without touching the database. It outlives the
worker: a page that is reloaded, or a server that is restarted, finds it again.
"""

from __future__ import annotations

import json
import os
from base64 import b64decode, b64encode
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np

from data.home import Home

LIVE = "live.json"
AFTER = "after.json"

Phase = Literal["loading", "searching", "sweeping", "done", "stopped", "failed"]


@dataclass(frozen=True)
class Guess:
    """One row of a top-5: a label's index and the classifier's confidence (softmax)."""

    label: int
    confidence: float


@dataclass(frozen=True)
class History:
    """The course of a search, one entry a recorded step; thinned evenly where it is long."""

    step: list[int] = field(default_factory=list)
    margin: list[float] = field(default_factory=list)
    magnitude: list[float] = field(default_factory=list)
    bound: list[float] = field(default_factory=list)


@dataclass(frozen=True)
class Live:
    """One search as it stands. Images are PNG files' bytes; None until there is one.

    `message` is a sentence for the user where the search failed, was skipped or stopped.
    `seconds` counts from the search's first step. `magnitudes` has one number a point.
    """

    phase: Phase
    budget: int
    step: int = 0
    seconds: float = 0.0
    outcome: str | None = None
    message: str | None = None
    bound: float | None = None
    magnitude: float | None = None
    margin: float | None = None
    magnitudes: tuple[float, ...] = ()
    source: bytes | None = None
    image: bytes | None = None
    before: tuple[Guess, ...] = ()
    after: tuple[Guess, ...] = ()
    history: History = field(default_factory=History)

    @property
    def ended(self) -> bool:
        """Whether nothing more will come."""
        return self.phase in ("done", "stopped", "failed")


@dataclass(frozen=True)
class Strength:
    """The picture at `strength`·p. `fooled_confidence` is that of the target label, or of the label
    that the search arrived at where any would do."""

    strength: float
    image: bytes
    top: tuple[Guess, ...]
    label_confidence: float
    fooled_confidence: float
    fooled: bool


@dataclass(frozen=True)
class View:
    """One picture and what a classifier says of it. `fooled`: it says the target label, or any
    other than the label where any would do."""

    image: bytes
    top: tuple[Guess, ...]
    fooled: bool


@dataclass(frozen=True)
class PointView:
    """A perturbed point: the picture without its part of the perturbation, and with it alone."""

    point: str
    without: View
    alone: View


@dataclass(frozen=True)
class Transfer:
    """What another classifier says of the source and of the picture that was found."""

    classifier: str
    before: tuple[Guess, ...]
    after: tuple[Guess, ...]
    fooled: bool


@dataclass(frozen=True)
class Frame:
    """One picture of the filmstrip."""

    step: int
    magnitude: float
    margin: float
    image: bytes


@dataclass(frozen=True)
class After:
    """What is known once a search has ended: sweep, filmstrip, points one by one, transfer.

    `transfers` has every classifier of the same labels whose weights are at hand.
    """

    strengths: tuple[Strength, ...]
    frames: tuple[Frame, ...]
    points: tuple[PointView, ...] = ()
    transfers: tuple[Transfer, ...] = ()


def top_guesses(logits: np.ndarray, count: int = 5) -> tuple[Guess, ...]:
    """The `count` most confident labels, most confident first."""
    confidences = softmax(logits)
    return tuple(
        Guess(int(label), float(confidences[label]))
        for label in np.argsort(-confidences, kind="stable")[:count]
    )


def softmax(logits: np.ndarray) -> np.ndarray:
    """Confidences in [0, 1] that add up to 1, from logits (classes,)."""
    shifted = np.exp(logits.astype(np.float64) - logits.max())
    return shifted / shifted.sum()


def write_live(home: Home, job_id: str, live: Live) -> None:
    """Replace the job's live file."""
    _write(home.runs / job_id / LIVE, live)


def read_live(home: Home, job_id: str) -> Live | None:
    """The job's newest state; None where it has not begun (or its file was dropped)."""
    record = _read(home, job_id, LIVE)
    if record is None:
        return None
    return Live(
        **{
            **record,
            "magnitudes": tuple(record["magnitudes"]),
            "source": _image(record["source"]),
            "image": _image(record["image"]),
            "before": _guesses(record["before"]),
            "after": _guesses(record["after"]),
            "history": History(**record["history"]),
        }
    )


def write_after(home: Home, job_id: str, after: After) -> None:
    """Store the strength sweep and the filmstrip."""
    _write(home.runs / job_id / AFTER, after)


def read_after(home: Home, job_id: str) -> After | None:
    """The strength sweep and the filmstrip; None until the search has ended."""
    record = _read(home, job_id, AFTER)
    if record is None:
        return None
    strengths = (
        Strength(**{**row, "image": _image(row["image"]), "top": _guesses(row["top"])})
        for row in record["strengths"]
    )
    frames = (Frame(**{**row, "image": _image(row["image"])}) for row in record["frames"])
    points = (
        PointView(row["point"], _view(row["without"]), _view(row["alone"]))
        for row in record.get("points", ())
    )
    transfers = (
        Transfer(**{**row, "before": _guesses(row["before"]), "after": _guesses(row["after"])})
        for row in record.get("transfers", ())
    )
    return After(tuple(strengths), tuple(frames), tuple(points), tuple(transfers))


def _write(file: Path, value: Live | After) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    partial = file.with_suffix(f".{os.getpid()}")
    partial.write_text(json.dumps(asdict(value), default=_text))
    partial.rename(file)


def _text(value: Any) -> str:
    if isinstance(value, bytes):
        return b64encode(value).decode("ascii")
    raise TypeError(f"A live file cannot hold a {type(value).__name__}.")


def _read(home: Home, job_id: str, name: str) -> dict[str, Any] | None:
    if not job_id.isalnum():  # it comes from the address bar, and may name no other file
        return None
    try:
        return json.loads((home.runs / job_id / name).read_text())
    except FileNotFoundError:
        return None


def _image(text: str | None) -> bytes | None:
    return None if text is None else b64decode(text)


def _view(row: dict[str, Any]) -> View:
    return View(_image(row["image"]) or b"", _guesses(row["top"]), row["fooled"])


def _guesses(rows: list[dict[str, Any]]) -> tuple[Guess, ...]:
    return tuple(Guess(**row) for row in rows)
