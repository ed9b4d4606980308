"""Classifiers whose weights other people publish: fetched, checked, and kept as safetensors.

A published file comes in many forms (engine/classifiers/checkpoints.py). It is read once, loaded
into its architecture, and kept in the weights folder under the entry's own file name, in the
architecture's own layout, with a card that holds both checksums. From then on the catalogue loads
it like any other model.
"""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from safetensors.torch import save_file
from torch import nn

from engine.catalogue import ClassifierEntry, ModelError
from engine.classifiers.checkpoints import Checkpoint, CheckpointError, read_checkpoint
from engine.classifiers.origin import Origin
from engine.classifiers.photos import Framing

Progress = Callable[[int, int | None], None]


@dataclass(frozen=True)
class PublishedClassifier(ClassifierEntry):
    """A catalogue entry with the origin of its weights and the framing of its accuracy.

    `interpolation` is how images of another size are brought to `size`.
    """

    origin: Origin | None = None
    framing: Framing | None = None
    interpolation: str = "bilinear"


def obtain_weights(
    entry: PublishedClassifier,
    folder: Path,
    *,
    on_progress: Progress = lambda done, total: None,
) -> Path:
    """The entry's weights in `folder`, fetched and converted when they are not there yet.

    Raises ModelError, or what engine/downloads.py raises.
    """
    target = folder / entry.weights.filename
    if target.is_file():
        return target
    origin = entry.origin or Origin()
    if origin.file is not None:
        return import_weights(entry, origin.file, folder)
    if not origin.urls:
        raise ModelError(f"{entry.name} has no address to fetch from. {entry.weights.repair}")
    from engine.downloads import fetch  # here, so that importing a local file needs no network code

    published = folder / f"{target.stem}.published"
    pinned = origin.sha256 if origin.sha256 and len(origin.sha256) == 64 else None
    fetch(origin.urls, published, sha256=pinned, on_progress=on_progress)
    try:
        import_weights(entry, published, folder)
    except ModelError:  # a wrong file; after any other error it need not be fetched again
        published.unlink(missing_ok=True)
        if not target.is_file():  # unless another process was quicker
            raise
    published.unlink(missing_ok=True)
    return target


def import_weights(entry: PublishedClassifier, file: Path, folder: Path) -> Path:
    """Check `file` against the entry, convert it into `folder`, write the card beside it.

    Raises ModelError: not the published file, not readable, or of another architecture.
    """
    target = folder / entry.weights.filename
    try:
        checkpoint = read_checkpoint(file)
    except CheckpointError as error:
        raise ModelError(str(error)) from error
    published = _checksum(file)
    origin = entry.origin or Origin()
    expected = origin.sha256 or _recorded(target)
    if expected and not published.startswith(expected):
        raise ModelError(
            f"{file} is not the published file of {entry.name}: its sha256 begins"
            f" {published[:8]}, where {expected[:8]} is expected; fetch it again."
        )
    network = _loaded(entry, origin, checkpoint, file)
    folder.mkdir(parents=True, exist_ok=True)
    with _beside(target) as converted, _beside(target) as card:
        save_file({k: v.detach().clone() for k, v in network.state_dict().items()}, converted)
        facts = {
            "name": entry.name,
            "source": entry.provenance.source,
            "licence": entry.provenance.licence,
            "accuracy": entry.provenance.accuracy,
            "published_sha256": published,
            "sha256": _checksum(converted),
        }
        card.write_text(json.dumps(facts, indent=2, ensure_ascii=False))
        card.replace(target.with_suffix(".json"))  # first: weights are never without their card
        converted.replace(target)
    return target


def _loaded(
    entry: PublishedClassifier, origin: Origin, checkpoint: Checkpoint, file: Path
) -> nn.Module:
    network = entry.build()
    try:
        state = checkpoint.state
        network.load_state_dict(origin.adapt(state) if origin.adapt else state)
    except (RuntimeError, KeyError, ValueError) as error:
        raise ModelError(
            f"{file} does not hold the weights of {entry.name}, {len(entry.labels.names)} classes:"
            f" {_first_difference(error)}"
        ) from error
    for saved, own in ((checkpoint.mean, entry.mean), (checkpoint.std, entry.std)):
        if saved is not None and not _close(saved, own):
            raise ModelError(f"{file} normalises by {saved}, but {entry.name} by {own}.")
    return network


def _first_difference(error: Exception) -> str:
    lines = [line.strip() for line in str(error).splitlines()]
    return lines[min(1, len(lines) - 1)][:200]


def _close(saved: tuple[float, ...], own: tuple[float, ...] | None) -> bool:
    return own is not None and all(
        abs(left - right) < 1e-4 for left, right in zip(saved, own, strict=True)
    )


def _recorded(target: Path) -> str | None:
    """The published file's checksum as the card has it from the first time."""
    try:
        return json.loads(target.with_suffix(".json").read_text())["published_sha256"]
    except (OSError, ValueError, KeyError):
        return None


def _checksum(file: Path) -> str:
    with file.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()


@contextmanager
def _beside(target: Path) -> Iterator[Path]:
    """A new file in the target's folder, to be renamed when it is whole; else removed."""
    handle, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
    os.close(handle)
    os.chmod(name, 0o644)
    try:
        yield Path(name)
    finally:
        Path(name).unlink(missing_ok=True)
