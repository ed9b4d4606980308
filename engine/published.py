"""Models whose weights other people publish: fetched, checked, and kept as safetensors.

A published file comes in many forms (engine/classifiers/checkpoints.py). It is read once, loaded
into its architecture, and kept in the weights folder under the entry's own file name, in the
architecture's own layout, with a card that holds both checksums. From then on the catalogue loads
it like any other model.
"""

from __future__ import annotations

import json
import os
import shutil
from functools import partial
from pathlib import Path

from safetensors.torch import save
from torch import nn

from engine.classifiers.checkpoints import Checkpoint, CheckpointError, read_checkpoint
from engine.downloads import DownloadError, Progress, checksum, fetch, write_card
from engine.entries import ClassifierEntry, Entry, ModelError, Origin, built

#: What the weights' file in a folder may be called, the surest first.
CHECKPOINTS = ("pytorch_model.bin", ".safetensors", ".pth.tar", ".pth", ".pt", ".bin")


def obtain_weights(
    entry: Entry,
    folder: Path,
    *,
    on_progress: Progress = lambda done, total: None,
) -> Path:
    """The entry's weights in `folder`, fetched and converted when they are not there yet.

    Raises ModelError: no network, no address, or not what is expected.
    """
    target, origin = folder / entry.weights.filename, entry.origin or Origin()
    if target.is_file():
        return target
    if origin.file is not None:
        return import_weights(entry, origin.file, folder)
    if not origin.urls:
        raise ModelError(f"{entry.name} has no address to fetch from. {entry.weights.repair}")
    pinned = origin.sha256 if origin.sha256 and len(origin.sha256) == 64 else None
    try:
        return fetch(
            origin.urls,
            target,
            sha256=entry.weights.sha256 or pinned,
            convert=None if entry.weights.sha256 else partial(_convert_or_discard, entry),
            on_progress=on_progress,
            advice=entry.weights.repair,
        )
    except DownloadError as error:
        raise ModelError(str(error)) from error


def import_weights(entry: Entry, path: Path, folder: Path) -> Path:
    """The entry's weights in `folder`, converted from a file on this machine; a card beside them.

    `path` is the file, or a folder that holds one checkpoint. Raises ModelError: not there, not the
    published file, not readable, or of another architecture.
    """
    file = _checkpoint_in(path) if path.is_dir() else path
    target = folder / entry.weights.filename
    recorded = _recorded(target)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if entry.weights.sha256:
            _copy(entry, file, target)
        else:
            convert(entry, file, target, expected=recorded)
        card = {"imported_from": str(file.resolve()), "download_sha256": checksum(file)}
        write_card(target, card)
    except OSError as error:
        raise ModelError(f"{target} cannot be written ({error.strerror}).") from error
    return target


def convert(entry: Entry, source: Path, target: Path, *, expected: str | None = None) -> None:
    """Write `target`, safetensors in the architecture's layout, from a published file.

    `expected` is the source's sha256 where the entry's origin has none. Raises ModelError.
    """
    origin = entry.origin or Origin()
    found = _checksum_of(source)
    expected = origin.sha256 or expected
    if expected and not found.startswith(expected):
        raise ModelError(
            f"{source} is not the published file of {entry.name}: its sha256 begins"
            f" {found[:8]}, where {expected[:8]} is expected. {entry.weights.repair}"
        )
    try:
        saved = read_checkpoint(source)
    except CheckpointError as error:
        raise ModelError(str(error)) from error
    network = _loaded(entry, origin, saved, source)
    state = {key: value.detach().contiguous() for key, value in network.state_dict().items()}
    new = target.with_name(f"{target.name}.new")
    with new.open("wb") as stream:  # save_file's error for a full disk does not say what it is
        stream.write(save(state))
        stream.flush()
        os.fsync(stream.fileno())
    new.replace(target)


def _copy(entry: Entry, source: Path, target: Path) -> None:
    """The entry says which file it must be, so that it is kept as it is."""
    found = _checksum_of(source)
    if found != entry.weights.sha256:
        raise ModelError(
            f"{source} is not the file that the entry of {entry.name} asks for: its sha256 begins"
            f" {found[:8]}, where {entry.weights.sha256[:8]} is expected."
        )
    new = target.with_name(f"{target.name}.new")
    shutil.copyfile(source, new)
    new.replace(target)


def _checksum_of(source: Path) -> str:
    """The SHA-256 of a user's file. Raises ModelError where it cannot be read."""
    try:
        return checksum(source)
    except OSError as error:
        raise ModelError(f"{source} cannot be read ({error.strerror}).") from error


def _convert_or_discard(entry: Entry, fetched: Path, target: Path) -> None:
    """Nothing of a wrong file is kept: the next call would only convert it again."""
    try:
        convert(entry, fetched, target)
    except ModelError:
        fetched.unlink()
        raise


def _loaded(entry: Entry, origin: Origin, checkpoint: Checkpoint, file: Path) -> nn.Module:
    network, state = built(entry), checkpoint.state
    for key, values in state.items():
        if not values.isfinite().all():
            raise ModelError(f"{file} is damaged: its {key} has values that are not finite.")
    try:
        network.load_state_dict(origin.adapt(state) if origin.adapt else state)
    except (RuntimeError, KeyError, ValueError) as error:
        difference = _first_difference(error)
        if origin.file is not None and "size mismatch" in difference:
            difference += " If its classes are its own, give their names: --classes FILE."
        raise ModelError(
            f"{file} does not hold the weights of {entry.name}, {len(entry.labels.names)} classes:"
            f" {difference}"
        ) from error
    normalised = (entry.mean, entry.std) if isinstance(entry, ClassifierEntry) else (None, None)
    for saved, own in zip((checkpoint.mean, checkpoint.std), normalised, strict=True):
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


def _checkpoint_in(folder: Path) -> Path:
    """The one checkpoint in a folder, whatever lies beside it."""
    for ending in CHECKPOINTS:
        found = sorted(folder.glob(f"*{ending}"))
        if len(found) == 1:
            return found[0]
        if found:
            raise ModelError(f"{folder} holds {len(found)} files *{ending}: give the file itself.")
    raise ModelError(f"{folder} holds no checkpoint ({', '.join(CHECKPOINTS)}): give the file.")


def _recorded(target: Path) -> str | None:
    """The published file's checksum as the card has it from the first time."""
    try:
        return json.loads(target.with_suffix(".json").read_text())["download_sha256"]
    except (OSError, ValueError, KeyError):
        return None
