"""BigGAN-deep at its three resolutions, as catalogue entries whose weights are fetched."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from pathlib import Path

from engine.catalogue import GeneratorEntry, ModelError, Provenance, Weights
from engine.classifiers.checkpoints import CheckpointError
from engine.classifiers.imagenet import IMAGENET
from engine.classifiers.origin import Origin
from engine.downloads import DownloadError, Progress
from engine.generators.biggan import BigGanDeep
from engine.generators.biggan_points import LAYERS, configuration, presets
from engine.generators.biggan_weights import SHA256, URLS, fetch_weights, import_weights

_REPAIR = (
    "Run `python -m app models fetch {0}`, or `python -m app models import {0} FILE_OR_FOLDER` with"
    " a file that you have."
)


@dataclass(frozen=True)
class PublishedGenerator(GeneratorEntry):
    """A catalogue entry with the origin of its weights."""

    origin: Origin | None = None


def obtain_generator_weights(
    entry: PublishedGenerator, folder: Path, *, on_progress: Progress = lambda done, total: None
) -> Path:
    """The entry's weights in `folder`, fetched and converted where they are not. ModelError."""
    try:
        return fetch_weights(entry.name, folder, on_progress=on_progress)
    except (DownloadError, CheckpointError) as error:
        raise ModelError(str(error)) from error


def import_generator_weights(entry: PublishedGenerator, path: Path, folder: Path) -> Path:
    """The entry's weights in `folder`, from a file or folder on this machine. ModelError."""
    try:
        return import_weights(entry.name, path, folder)
    except CheckpointError as error:
        raise ModelError(str(error)) from error


def _entry(resolution: int) -> PublishedGenerator:
    name = f"biggan-deep-{resolution}"
    return PublishedGenerator(
        name=name,
        title=f"BigGAN-deep, ImageNet, {resolution} × {resolution} pixels",
        build=partial(_build, resolution),
        weights=Weights(f"{name}.safetensors", repair=_REPAIR.format(name)),
        labels=IMAGENET,
        presets=presets(resolution),
        schedule="imagenet",
        provenance=Provenance(
            "Brock et al. 2019; DeepMind's TF Hub module as converted by Hugging Face"
            " (pytorch-pretrained-biggan 0.1.1)",
            "Apache-2.0 (the package); trained on ImageNet (research use)",
        ),
        origin=Origin(urls=(URLS[name],), sha256=SHA256.get(name)),
    )


def _build(resolution: int) -> BigGanDeep:
    return BigGanDeep(configuration(resolution))


IMAGENET_GENERATORS: tuple[PublishedGenerator, ...] = tuple(_entry(size) for size in LAYERS)
