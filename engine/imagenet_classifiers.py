"""The four ImageNet classifiers of Dunn et al. 2020, table 3, as catalogue entries.

The paper prints ε = 0.3 for Engstrom's; the model it names is the robustness library's ε = 3.0.
"""

from __future__ import annotations

from torch import nn

from engine.classifiers.imagenet import IMAGENET, MEAN, STD
from engine.classifiers.photos import Framing
from engine.entries import ClassifierEntry, Origin, Provenance, Weights

_REPAIR = (
    "Run `python -m app models fetch {0}`, or `python -m app models import {0} FILE` with a file"
    " that you have."
)


def _resnet50() -> nn.Module:
    from torchvision.models import resnet50  # here: a second to import, needless for digits

    return resnet50()


def _efficientnet_b4() -> nn.Module:
    import timm  # here: half a second to import, needless for digits

    return timm.create_model("tf_efficientnet_b4.ns_jft_in1k")


def _resnet50_entry(
    name: str,
    title: str,
    provenance: Provenance,
    origin: Origin,
    *,
    size: int = 224,
    resize: int | None = 256,
) -> ClassifierEntry:
    return ClassifierEntry(
        name=name,
        title=title,
        build=_resnet50,
        weights=Weights(f"{name}.safetensors", repair=_REPAIR.format(name)),
        labels=IMAGENET,
        image_shape=(3, size, size),
        provenance=provenance,
        mean=MEAN,
        std=STD,
        size=size,
        origin=origin,
        framing=Framing(size, resize),
    )


IMAGENET_CLASSIFIERS: tuple[ClassifierEntry, ...] = (
    _resnet50_entry(
        "resnet50",
        "ResNet50, standard training",
        Provenance(
            "torchvision, ResNet50_Weights.IMAGENET1K_V1",
            "BSD-3-Clause; trained on ImageNet (research use)",
            "76.15 / 92.87 % (first / in the first five)",
        ),
        Origin(
            urls=("https://download.pytorch.org/models/resnet50-0676ba61.pth",),
            sha256="0676ba61b6795bbe1773cffd859882e5e297624d384b6993f7c9e683e722fb8a",
            megabytes=102.5,
        ),
    ),
    ClassifierEntry(
        name="efficientnet-b4-ns",
        title="EfficientNet-B4, Noisy Student",
        build=_efficientnet_b4,
        weights=Weights(
            "efficientnet-b4-ns.safetensors", repair=_REPAIR.format("efficientnet-b4-ns")
        ),
        labels=IMAGENET,
        image_shape=(3, 380, 380),
        provenance=Provenance(
            "timm, tf_efficientnet_b4.ns_jft_in1k (Xie et al. 2020)",
            "Apache-2.0; trained on ImageNet and JFT-300M",
            "85.16 / 97.47 % (first / in the first five)",
        ),
        mean=MEAN,
        std=STD,
        size=380,
        origin=Origin(
            urls=(
                "https://github.com/rwightman/pytorch-image-models/releases/download/v0.1-weights/"
                "tf_efficientnet_b4_ns-d6313a46.pth",
            ),
            sha256="d6313a46",
            megabytes=77.9,
        ),
        framing=Framing(380, 412, "bicubic"),
        interpolation="bicubic",
    ),
    _resnet50_entry(
        "resnet50-l2-3",
        "ResNet50, adversarially trained (ℓ2, ε = 3.0)",
        Provenance(
            "robustness library, imagenet_l2_3_0.pt (Engstrom et al. 2019)",
            "MIT; trained on ImageNet (research use)",
            "57.90 % (first); 35.16 % under PGD ℓ2 3.0",
        ),
        # Nobody publishes its checksum: the first file's is recorded. Its size is that of the
        # weights and of the optimiser's momentum.
        Origin(
            urls=("https://www.dropbox.com/s/knf4uimlqsi1yz8/imagenet_l2_3_0.pt?dl=1",),
            megabytes=205,
        ),
    ),
    _resnet50_entry(
        "resnet50-linf-4-fast",
        "ResNet50, fast adversarial training (ℓ∞, ε = 4/255)",
        Provenance(
            "fast_adversarial, imagenet_model_weights_4px.pth.tar (Wong et al. 2020)",
            "not stated by its makers; trained on ImageNet (research use)",
            "55.45 % (first)",
        ),
        # The copy that RobustBench hands out, since the makers' is in a Google Drive folder that
        # has no address of its own for the file. No published checksum.
        Origin(
            urls=(
                "https://drive.usercontent.google.com/download"
                "?id=1deM2ZNS5tf3S_-eRURJi-IlvUL8WJQ_w&export=download&confirm=t",
            ),
            megabytes=205,
        ),
        # Trained and evaluated at 288 pixels, cut from the photo as it is.
        size=288,
        resize=None,
    ),
)
