"""Whoever scores a map's pictures knows the label, and takes as many channels as they have."""

from __future__ import annotations

from dataclasses import replace

import pytest

from app import api
from app.runner.map_classifiers import coloured_labels
from app.runner.map_request import describe, generated, viewpoint
from app.runner.menu import Menu
from app.runner.request import RequestError
from engine.spaces.description import Change, PhotoSource, SpaceDescription, Transformations

PHOTO = Transformations(PhotoSource("mug.png", "0" * 64, 224), (Change("rotation", -10, 10),))
VIEWS = viewpoint("mug.ply", "0" * 64)


@pytest.fixture(scope="module")
def bare(tmp_path_factory: pytest.TempPathFactory) -> Menu:
    """What a fresh machine offers: digits, and ImageNet's classifiers without weights."""
    return api.menu(tmp_path_factory.mktemp("menu") / "home")


@pytest.fixture(scope="module")
def menu(bare: Menu) -> Menu:
    """As if the weights of resnet50 had been fetched."""
    fetched = replace(bare.classifiers["resnet50"], checksum="1" * 64)
    return replace(bare, classifiers=dict(bare.classifiers) | {"resnet50": fetched})


def test_a_fresh_machine_is_told_how_to_get_a_classifier(bare: Menu) -> None:
    with pytest.raises(RequestError, match=r"app models add torchvision:squeezenet1_1"):
        coloured_labels(bare)


def test_no_generator_is_needed_for_the_labels_of_photos(menu: Menu) -> None:
    [imagenet] = coloured_labels(menu)
    assert imagenet.classifiers == ("resnet50",)
    assert imagenet.labels[504] == "coffee mug"


@pytest.mark.parametrize("space", [VIEWS, PHOTO], ids=["views", "a photo"])
@pytest.mark.parametrize(
    ("label", "name", "classifier", "sentence"),
    [
        (7, "seven", "mnist-standard", "it takes pictures of 1 channel"),
        (504, "coffee mug", "mnist-standard", r"3 channels. Choose of resnet50\.$"),
        (7, "seven", "resnet50", "it has no label 7 called seven"),
        (504, "coffee mug", "resnet50", None),
    ],
)
def test_coloured_pictures_are_not_for_classifiers_of_digits(
    menu: Menu,
    space: SpaceDescription,
    label: int,
    name: str,
    classifier: str,
    sentence: str | None,
) -> None:
    def asked() -> str:
        described = describe(
            menu, space, label=label, label_name=name, classifiers=[classifier], resolution=3
        )
        return described.label_name

    if sentence is None:
        assert asked() == name
    else:
        with pytest.raises(RequestError, match=sentence):
            asked()


def test_digits_are_not_for_classifiers_of_photos(menu: Menu) -> None:
    space = Transformations(generated(menu.generators["mnist-conv"], 7, 4), PHOTO.changes)
    with pytest.raises(RequestError, match="Choose of mnist-standard, mnist-robust"):
        describe(menu, space, label=7, label_name="seven", classifiers=["resnet50"], resolution=3)
