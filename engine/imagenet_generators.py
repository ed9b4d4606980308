"""BigGAN-deep at its three resolutions, as catalogue entries whose weights are fetched."""

from __future__ import annotations

from functools import partial

from engine.classifiers.imagenet import IMAGENET
from engine.entries import GeneratorEntry, Origin, Provenance, Weights
from engine.generators.biggan_points import LAYERS, configuration, presets, published_points
from engine.generators.interface import Generator

#: The addresses of `pytorch-pretrained-biggan` 0.1.1.
_URL = "https://s3.amazonaws.com/models.huggingface.co/biggan/biggan-deep-{}-pytorch_model.bin"

#: Published checksums; the others are recorded at first use. This one is in the catalogue of
#: another project (Uncanny Lab), whose checksum of the same model's configuration is right too.
_SHA256 = {256: "5900ef4065047e3aa0d1b66197b7f2664dceb59b27080e414ad57e203c485bc5"}

#: Four bytes for each number in the published file.
_MEGABYTES = {128: 211, 256: 234, 512: 236}

_REPAIR = (
    "Run `python -m app models fetch {0}`, or `python -m app models import {0} FILE_OR_FOLDER` with"
    " weights that you have."
)


def _entry(resolution: int) -> GeneratorEntry:
    name = f"biggan-deep-{resolution}"
    return GeneratorEntry(
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
        origin=Origin(
            urls=(_URL.format(resolution),),
            sha256=_SHA256.get(resolution),
            megabytes=_MEGABYTES[resolution],
        ),
        points=published_points(resolution),
        image_shape=(3, resolution, resolution),
        options=("truncation", "condition_follows_z"),
    )


def _build(resolution: int) -> Generator:
    from engine.generators.biggan import BigGanDeep  # here: a second to import

    return BigGanDeep(configuration(resolution))


IMAGENET_GENERATORS: tuple[GeneratorEntry, ...] = tuple(_entry(size) for size in LAYERS)
