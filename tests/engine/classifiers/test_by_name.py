"""Any torchvision or timm classifier by name: built, framed and labelled as its library does it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import timm
import torch
import torchvision.models as library
from PIL import Image
from timm.data import create_transform, resolve_data_config
from torch import Tensor, nn
from torchvision.models._api import WeightsEnum

from engine.catalogue import ClassifierEntry, Labels, ModelError, load_classifier
from engine.classifiers.by_name import classifier_by_name
from engine.classifiers.imagenet import IMAGENET
from engine.classifiers.interface import Classifier
from engine.published import obtain_weights

NAMES = library.list_models(module=library)

WEIGHTS = [
    (name, weights)
    for name in NAMES
    for weights in library.get_model_weights(name)
    if weights.meta["categories"]
]


def described(network: nn.Module) -> tuple[object, ...]:
    """Layers, shapes, and whether the network changes its input."""
    shapes = {key: value.shape for key, value in network.state_dict().items()}
    return repr(network), shapes, getattr(network, "transform_input", None)


@pytest.fixture
def as_torchvision_loads(monkeypatch):
    """What torchvision builds for published weights, at the moment it would load them."""
    seen: list[tuple[object, ...]] = []
    monkeypatch.setattr(WeightsEnum, "get_state_dict", lambda self, **options: {})

    def build(name: str, weights: WeightsEnum) -> tuple[object, ...]:
        with monkeypatch.context() as patch:
            patch.setattr(
                nn.Module, "load_state_dict", lambda self, *_, **__: seen.append(described(self))
            )
            library.get_model(name, weights=weights)
        return seen[-1]

    return build


def test_every_torchvision_classifier_has_an_entry_for_each_of_its_weights() -> None:
    for name, weights in WEIGHTS:
        entry = classifier_by_name(f"torchvision:{name}.{weights.name}")
        assert entry.origin.urls == (weights.url,)
        assert entry.labels is IMAGENET
        assert [entry.size] == weights.transforms().crop_size


def test_every_torchvision_classifier_is_built_as_torchvision_builds_it(
    as_torchvision_loads,
) -> None:
    """Once an architecture, and once a size of image for vision transformers.

    RegNets work out their widths from tensors, which a device without memory has not: two of
    them, built with memory, stand for all.
    """
    for name, weights in WEIGHTS:
        default = weights == library.get_model_weights(name).DEFAULT
        if not (default or name.startswith("vit")):
            continue
        if name.startswith("regnet") and not name.endswith("400mf"):
            continue
        entry = classifier_by_name(f"torchvision:{name}.{weights.name}")
        with torch.device("cpu" if name.startswith("regnet") else "meta"):
            assert described(entry.build()) == as_torchvision_loads(name, weights), weights


def photo(seed: int = 0) -> Image.Image:
    noise = np.random.default_rng(seed).integers(0, 256, (90, 130, 3), dtype=np.uint8)
    return Image.fromarray(noise).resize((520, 360))


def seen_by_the_network(entry: ClassifierEntry, picture: Image.Image) -> Tensor:
    """What is left of a photo after the framing and the classifier's own preprocessing."""
    pixels = entry.framing(picture).unsqueeze(0).float() / 255
    assert pixels.shape[1:] == entry.image_shape
    return Classifier(nn.Identity(), mean=entry.mean, std=entry.std, size=entry.size)(pixels)


@pytest.mark.parametrize(
    "name",
    ["resnet18", "resnet50.IMAGENET1K_V2", "efficientnet_b0", "inception_v3", "vit_b_16", "swin_t"],
)
def test_photos_are_framed_by_torchvisions_own_transforms(name) -> None:
    entry = classifier_by_name(f"torchvision:{name}")
    architecture, _, tag = name.partition(".")
    choices = library.get_model_weights(architecture)
    expected = (choices[tag] if tag else choices.DEFAULT).transforms()(photo()).unsqueeze(0)
    torch.testing.assert_close(seen_by_the_network(entry, photo()), expected)


@pytest.mark.parametrize(
    "name",
    [
        "resnet18.a1_in1k",
        "resnet18.tv_in1k",
        "tf_efficientnet_b4.ns_jft_in1k",
        "convnext_small.fb_in22k_ft_in1k_384",
        "mobilenetv3_small_100.lamb_in1k",
    ],
)
def test_photos_are_framed_by_timms_own_transforms(name) -> None:
    entry = classifier_by_name(f"timm:{name}")
    config = timm.get_pretrained_cfg(name).to_dict()
    expected = create_transform(**resolve_data_config(pretrained_cfg=config))(photo())
    torch.testing.assert_close(seen_by_the_network(entry, photo()), expected.unsqueeze(0))


def published_file(folder: Path, network: nn.Module) -> Path:
    file = folder / "published.pth"
    torch.save(network.state_dict(), file)
    return file


@pytest.mark.parametrize(
    ("name", "build"),
    [
        ("torchvision:resnet18", library.resnet18),
        ("torchvision:mnasnet0_5", library.mnasnet0_5),
        ("timm:resnet18.tv_in1k", library.resnet18),
        ("timm:mobilenetv3_small_050", lambda: timm.create_model("mobilenetv3_small_050")),
    ],
)
def test_a_checkpoint_with_an_architecture_name_runs_as_the_network_did(
    tmp_path, name, build
) -> None:
    network = build().eval()
    entry = classifier_by_name(name, checkpoint=published_file(tmp_path, network))
    assert entry.name == f"{name}@published"
    obtain_weights(entry, tmp_path)
    loaded = load_classifier(entry, [tmp_path])
    images = torch.rand(2, *entry.image_shape)
    mean, std = (torch.tensor(values).view(-1, 1, 1) for values in (entry.mean, entry.std))
    with torch.no_grad():
        expected = network((images - mean) / std)
        torch.testing.assert_close(loaded.module(images), expected, rtol=1e-3, atol=1e-4)


def test_densenets_published_names_are_older_than_its_layers() -> None:
    """torchvision's file has `denselayer1.norm.1.weight` for `denselayer1.norm1.weight`."""
    with torch.device("meta"):
        own = library.densenet121().state_dict()
    older = {
        key.replace(".norm1.", ".norm.1.").replace(".conv2.", ".conv.2."): value
        for key, value in own.items()
    }
    assert set(older) != set(own)
    entry = classifier_by_name("torchvision:densenet121")
    assert set(entry.origin.adapt(older)) == set(own)


def test_a_checkpoint_brings_its_own_labels_and_normalisation(tmp_path) -> None:
    labels = Labels(names=("cat", "dog", "eel"), phrases=("a cat", "a dog", "an eel"))
    network = library.squeezenet1_1(num_classes=3)
    state = {f"model.{key}": value for key, value in network.state_dict().items()}
    state |= {"normalize.mean": torch.full((3,), 0.5), "normalize.std": torch.full((3,), 0.25)}
    torch.save({"state_dict": state}, tmp_path / "pets.pt")
    entry = classifier_by_name(
        "torchvision:squeezenet1_1", checkpoint=tmp_path / "pets.pt", labels=labels
    )
    assert entry.mean == (0.5, 0.5, 0.5)
    assert entry.labels.names == ("cat", "dog", "eel")
    obtain_weights(entry, tmp_path)
    assert load_classifier(entry, [tmp_path]).module(torch.rand(1, 3, 224, 224)).shape == (1, 3)
    without_labels = classifier_by_name(
        "torchvision:squeezenet1_1", checkpoint=tmp_path / "pets.pt"
    )
    with pytest.raises(ModelError, match="1000 classes: size mismatch for classifier"):
        obtain_weights(without_labels, tmp_path / "elsewhere")


def test_timm_names_the_classes_of_larger_imagenets() -> None:
    labels = classifier_by_name("timm:vit_base_patch16_224.augreg_in21k").labels
    assert len(labels.names) == 21843
    assert labels.phrases[0] == "an organism"


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("resnet18", "write torchvision:NAME or timm:NAME"),
        ("keras:resnet18", "write torchvision:NAME or timm:NAME"),
        ("torchvision:resnet19", "has no resnet19; the nearest names are resnet18"),
        ("torchvision:resnet50.V9", "resnet50 has IMAGENET1K_V1, IMAGENET1K_V2"),
        ("torchvision:fcn_resnet50", "torchvision has no fcn_resnet50"),
        ("timm:resnet18.nope", "nearest names are resnet18"),
        ("timm:nothing", "timm has no nothing"),
        ("torchvision:qqqq", "no qqqq nor anything like it; of its .* names some are alexnet"),
        ("timm:vit_base_patch16_clip_224.openai", "no known classes"),
    ],
)
def test_a_wrong_name_gets_the_nearest_ones(name, message) -> None:
    with pytest.raises(ModelError, match=message):
        classifier_by_name(name)


def test_labels_alone_are_refused() -> None:
    with pytest.raises(ModelError, match="give a checkpoint"):
        classifier_by_name("torchvision:resnet18", labels=replace(IMAGENET, glosses={}))
