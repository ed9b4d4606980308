"""`check`: accuracy on labelled photos, against a classifier whose answers are known by hand."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from PIL import Image
from torch import Tensor, nn

from engine.catalogue import ClassifierEntry, Labels, LoadedClassifier, Provenance, Weights
from engine.classifiers.accuracy import accuracy, class_names, default_framing
from engine.classifiers.imagenet import IMAGENET
from engine.classifiers.interface import Classifier
from engine.classifiers.photos import Framing, PhotoError
from engine.imagenet_classifiers import IMAGENET_CLASSIFIERS

COLOURS = Labels(
    names=("red", "green", "blue", "dark red", "cyan", "magenta"),
    phrases=("red", "green", "blue", "dark red", "cyan", "magenta"),
)
RGB = {"red": (255, 0, 0), "green": (0, 255, 0), "blue": (0, 0, 255), "dark red": (90, 0, 0)}


class NearestColour(nn.Module):
    """Logits are minus the squared distances of the mean colour to the six."""

    def __init__(self) -> None:
        super().__init__()
        six = [*RGB.values(), (0, 255, 255), (255, 0, 255)]
        self.colours = nn.Parameter(torch.tensor(six) / 255)

    def forward(self, images: Tensor) -> Tensor:
        return -(images.mean((2, 3))[:, None] - self.colours).square().sum(2)


def colours(size: int | None = 8) -> LoadedClassifier:
    entry = ClassifierEntry(
        name="colours",
        title="Nearest colour",
        build=NearestColour,
        weights=Weights("none.safetensors"),
        labels=COLOURS,
        image_shape=(3, 8, 8),
        provenance=Provenance("this test", "none"),
        size=size,
    )
    return LoadedClassifier(entry, Classifier(entry.build(), size=size).eval(), "")


def paint(file: Path, colour: str, size: tuple[int, int] = (30, 20)) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", size, RGB[colour]).save(file)


def test_shares_and_every_prediction(tmp_path) -> None:
    paint(tmp_path / "red_1.png", "red")
    paint(tmp_path / "green_1.png", "green")
    paint(tmp_path / "blue_1.png", "red")  # named blue, seen red: blue comes last but one
    paint(tmp_path / "cyan_1.png", "red")  # cyan is the farthest of six from red
    seen: list[tuple[int, int]] = []
    measured = accuracy(
        colours(), tmp_path, batch=3, on_progress=lambda done, total: seen.append((done, total))
    )
    assert measured.top1 == 2 / 4
    assert measured.top5 == 3 / 4
    tops = {prediction.file.name: prediction.top for prediction in measured.predictions}
    assert tops["red_1.png"][:2] == (0, 3)
    assert [prediction.label for prediction in measured.predictions] == [2, 4, 1, 0]
    assert seen == [(3, 4), (4, 4)]


@pytest.mark.parametrize(
    "name",
    [
        "dark_red_7.png",
        "3_7.png",
        "n00000000_dark_red.png",
        "dark red.png",
        "dark red/7.png",
        "dark_red/more/red_7.png",
    ],
)
def test_a_photo_may_name_its_class_in_any_of_these_ways(tmp_path, name) -> None:
    paint(tmp_path / name, "dark red")
    assert accuracy(colours(), tmp_path).top1 == 1


def test_an_unknown_class_is_named_with_what_would_do(tmp_path) -> None:
    paint(tmp_path / "red_1.png", "red")
    paint(tmp_path / "violet_1.png", "blue")  # not class 1
    paint(tmp_path / "2.png", "blue")  # not class 2
    with pytest.raises(PhotoError, match=r"class of 2 photos is not known, 2\.png for one"):
        accuracy(colours(), tmp_path)
    (tmp_path / "empty").mkdir()
    with pytest.raises(PhotoError, match="no photos in"):
        accuracy(colours(), tmp_path / "empty")
    (tmp_path / "empty" / "red_1.jpg").write_bytes(b"not a photo")
    with pytest.raises(PhotoError, match=r"red_1\.jpg is not an image"):
        accuracy(colours(), tmp_path / "empty")


def test_imagenets_classes_go_by_identifier_or_name() -> None:
    names = class_names(IMAGENET)
    assert names["n01440764"] == names["tench"] == names["0"] == 0
    assert names["n02113186"] == names["Cardigan"] == 264
    assert names["n02963159"] == names["cardigan"] == 474


def test_the_centre_is_what_a_framing_keeps() -> None:
    """40×20: resized to 20×10, the middle 10×10 is kept; squashed, everything is."""
    photo = Image.new("RGB", (40, 20), RGB["red"])
    photo.paste(RGB["blue"], (10, 0, 30, 20))
    kept = Framing(crop=10, resize=10)(photo)
    assert kept.shape == (3, 10, 10)
    assert kept[:, :, 1:-1].float().mean((1, 2)).tolist() == [0, 0, 255]
    squashed = Framing(crop=10, resize=10, squash=True)(photo)
    assert squashed[0].float().mean().item() == pytest.approx(255 / 2, abs=8)
    uncut = Framing(crop=20)(photo)
    assert torch.equal(uncut[2], torch.full((20, 20), 255, dtype=torch.uint8))


def test_a_classifier_has_its_own_framing_or_the_usual_one() -> None:
    fast = IMAGENET_CLASSIFIERS[-1]
    assert default_framing(LoadedClassifier(fast, Classifier(nn.Identity()), "")) == Framing(288)
    assert default_framing(colours(size=224)) == Framing(224, 256)
    assert default_framing(colours(size=None)) == Framing(8, 8)


def test_digits_are_opened_in_grey(tmp_path) -> None:
    paint(tmp_path / "0_1.png", "red", size=(8, 8))
    entry = ClassifierEntry(
        name="grey",
        title="Grey",
        build=lambda: nn.Sequential(nn.Flatten(), nn.Linear(64, 3)),
        weights=Weights("none.safetensors"),
        labels=Labels(("a", "b", "c"), ("a", "b", "c")),
        image_shape=(1, 8, 8),
        provenance=Provenance("this test", "none"),
    )
    loaded = LoadedClassifier(entry, Classifier(entry.build()).eval(), "")
    assert len(accuracy(loaded, tmp_path).predictions[0].top) == 3
