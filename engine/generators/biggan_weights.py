"""BigGAN-deep's published weights: fetched or imported, checked, and kept as safetensors."""

from __future__ import annotations

import json
import os
from functools import partial
from pathlib import Path

import torch
from pytorch_pretrained_biggan import BigGAN, BigGANConfig
from pytorch_pretrained_biggan.model import (
    CONFIG_NAME,
    PRETRAINED_MODEL_ARCHIVE_MAP,
    WEIGHTS_NAME,
)
from safetensors.torch import save

from engine.classifiers.checkpoints import CheckpointError, read_checkpoint
from engine.downloads import Progress, fetch, write_card
from engine.generators.biggan_points import configuration

#: Generator names and the package's own addresses.
URLS: dict[str, str] = dict(PRETRAINED_MODEL_ARCHIVE_MAP)

#: Published checksums; the others are recorded at first use. This one is in the catalogue of
#: another project (Uncanny Lab), whose checksum of the same model's configuration is right too.
SHA256 = {
    "biggan-deep-256": "5900ef4065047e3aa0d1b66197b7f2664dceb59b27080e414ad57e203c485bc5",
}


def fetch_weights(
    name: str,
    weights_folder: Path,
    *,
    urls: tuple[str, ...] | None = None,
    config: BigGANConfig | None = None,
    on_progress: Progress = lambda done, total: None,
) -> Path:
    """NAME.safetensors in `weights_folder`, from the package's address unless it is there.

    Raises DownloadError, and CheckpointError for a name that is not in URLS. `urls` and `config`
    are for mirrors and for reduced copies.
    """
    published = published_configuration(name)
    return fetch(
        urls or (URLS[name],),
        weights_folder / f"{name}.safetensors",
        sha256=None if config else SHA256.get(name),
        convert=partial(convert, config=config or published),
        on_progress=on_progress,
        advice=f"Or bring the file: `python -m app models import {name} FILE_OR_FOLDER`.",
    )


def import_weights(
    name: str, path: Path, weights_folder: Path, *, config: BigGANConfig | None = None
) -> Path:
    """NAME.safetensors in `weights_folder`, from a file or folder on this machine.

    A file is a torch checkpoint or safetensors, whatever its name; a folder holds one, and
    perhaps the package's config.json, which must then be this model's. Raises CheckpointError.
    """
    config = config or published_configuration(name)
    source = _weights_in(path, config) if path.is_dir() else path
    if not source.is_file():
        raise CheckpointError(f"{path} is neither a file nor a folder: give the weights of {name}.")
    file = weights_folder / f"{name}.safetensors"
    try:
        weights_folder.mkdir(parents=True, exist_ok=True)
        convert(source, file, config)
        write_card(file, {"imported_from": str(source.resolve())})
    except OSError as error:
        raise CheckpointError(f"{file} cannot be written ({error.strerror}).") from error
    return file


def convert(source: Path, file: Path, config: BigGANConfig) -> None:
    """Write `file`, safetensors of the package's parameter names, from a checkpoint of any form.

    Raises CheckpointError where it is not a checkpoint, or one of another architecture.
    """
    state = read_checkpoint(source).state
    with torch.device("meta"):
        expected = BigGAN(config).state_dict()
    for key, parameter in expected.items():
        if key not in state:
            raise CheckpointError(f"{source} is not a BigGAN-deep: it has no {key}.")
        if state[key].shape != parameter.shape:
            found, wanted = tuple(state[key].shape), tuple(parameter.shape)
            raise CheckpointError(
                f"{source} is not the BigGAN-deep of {config.output_dim} pixels: its {key} is"
                f" {found}, not {wanted}."
            )
        if not state[key].isfinite().all():
            raise CheckpointError(f"{source} is damaged: its {key} has values that are not finite.")
    if surplus := state.keys() - expected:
        raise CheckpointError(
            f"{source} is not the BigGAN-deep of {config.output_dim} pixels: it has"
            f" {min(surplus)} besides."
        )
    # Not save_file: its error for a full disk does not say what it is.
    content = save({key: state[key].float().contiguous() for key in expected})
    new = file.with_name(file.name + ".new")
    with new.open("wb") as stream:
        stream.write(content)
        stream.flush()
        os.fsync(stream.fileno())
    new.replace(file)


def published_configuration(name: str) -> BigGANConfig:
    """That of `biggan-deep-128`, `-256` or `-512`. Raises CheckpointError for another name."""
    if name not in URLS:
        raise CheckpointError(f"There is no BigGAN “{name}”; there are {', '.join(URLS)}.")
    return configuration(int(name.rpartition("-")[2]))


def _weights_in(folder: Path, config: BigGANConfig) -> Path:
    """The one checkpoint in a folder. Its config.json, if there is one, must agree."""
    settings = folder / CONFIG_NAME
    if settings.is_file():
        try:
            found = BigGANConfig.from_json_file(settings).to_json_string()
        except ValueError as error:
            raise CheckpointError(f"{settings} is not JSON ({error}).") from error
        if json.loads(found) != json.loads(config.to_json_string()):
            raise CheckpointError(
                f"{settings} is of another model than the BigGAN-deep of {config.output_dim}"
                " pixels: import it under its own name."
            )
    named = folder / WEIGHTS_NAME
    candidates = [named] if named.is_file() else sorted(folder.glob("*.safetensors"))
    if len(candidates) != 1:
        raise CheckpointError(
            f"{folder} holds {'more than one' if candidates else 'no'} checkpoint: give the file"
            f" itself ({WEIGHTS_NAME} or a .safetensors)."
        )
    return candidates[0]
