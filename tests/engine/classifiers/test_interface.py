"""The preprocessing every classifier carries inside."""

from __future__ import annotations

import pytest
import torch
from PIL import Image
from torch import nn
from torchvision.transforms.functional import InterpolationMode, pil_to_tensor, resize

from engine.catalogue import catalogue
from engine.classifiers.interface import Classifier


@pytest.mark.parametrize("interpolation", ["bilinear", "bicubic"])
@pytest.mark.parametrize("size", [24, 97])
def test_images_are_resized_as_photos_are(interpolation, size) -> None:
    """To within a level and a half: PIL rounds to 8 bits between its two passes.

    It clips there too, so the levels are such that bicubic does not overshoot the range.
    """
    torch.manual_seed(0)
    levels = torch.randint(80, 176, (3, 64, 64), dtype=torch.uint8)
    picture = Image.fromarray(levels.permute(1, 2, 0).numpy())
    photo = pil_to_tensor(resize(picture, [size, size], InterpolationMode(interpolation)))
    classifier = Classifier(nn.Identity(), size=size, interpolation=interpolation)
    image = classifier(levels.unsqueeze(0).float() / 255)
    torch.testing.assert_close(image[0] * 255, photo.float(), atol=1.5, rtol=0)


def test_bicubic_overshoots_and_is_clipped() -> None:
    image = torch.zeros(1, 1, 8, 8)
    image[..., 4:] = 1
    resized = Classifier(nn.Identity(), size=32, interpolation="bicubic")(image)
    assert resized.min().item() == pytest.approx(0, abs=1e-4)
    assert resized.max().item() == pytest.approx(1, abs=1e-4)
    assert not torch.allclose(resized, Classifier(nn.Identity(), size=32)(image), atol=0.01)


@pytest.mark.parametrize("interpolation", ["bilinear", "bicubic"])
def test_white_surfaces_have_gradients(interpolation) -> None:
    image = torch.ones(1, 3, 32, 32, requires_grad=True)
    Classifier(nn.Identity(), size=95, interpolation=interpolation)(image).sum().backward()
    assert (image.grad > 0).all()


def test_the_catalogue_knows_the_four_and_any_by_name() -> None:
    entries = catalogue()
    assert entries.classifier("efficientnet-b4-ns").interpolation == "bicubic"
    assert entries.classifier("timm:resnet18.a1_in1k").origin.urls
    labels = entries.classifier("resnet50").labels
    assert labels.search(134) == "crane bird"
    assert labels.search(0) == "tench"
