"""Four models that other people trained, added as a user adds them: files in a folder, no code."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from engine.catalogue import (
    LoadedClassifier,
    LoadedGenerator,
    catalogue,
    layer_weights,
    load_classifier,
    load_generator,
)
from engine.classifiers.accuracy import accuracy
from engine.experiment import SCHEDULES, progression
from engine.scales import measure_scales
from engine.search.run import search
from engine.training.digits import load

CHECKOUT = Path(__file__).parents[3]
MODELS = CHECKOUT / "tests" / "engine" / "user_models"
SHARED = CHECKOUT.parent / "shared" / "data"
CLASSIFIERS = ("advertorch-standard", "advertorch-robust", "squeezenet")

needs_weights = pytest.mark.skipif(
    not (SHARED / "models").is_dir(), reason="the models lie in ../shared, which is not here"
)


def test_the_catalogue_offers_them_beside_its_own() -> None:
    entries = catalogue(MODELS)
    assert set(CLASSIFIERS) <= set(entries.classifiers)
    fitting = entries.fitting_classifiers("cgan-mlp")
    assert {"mnist-standard", "advertorch-standard", "advertorch-robust"} <= set(fitting)
    assert "squeezenet" not in fitting
    assert "advertorch-robust" in entries.fitting_classifiers("mnist-conv")


def loaded(name: str) -> LoadedClassifier:
    return load_classifier(catalogue(MODELS).classifier(name), [SHARED / "models"])


@pytest.fixture(scope="module")
def cgan() -> LoadedGenerator:
    return load_generator(catalogue(MODELS).generator("cgan-mlp"), [SHARED / "models"])


@needs_weights
@pytest.mark.parametrize(
    ("name", "share"), [("advertorch-standard", 0.9889), ("advertorch-robust", 0.9864)]
)
def test_advertorchs_classifiers_are_as_good_as_their_makers_say(name, share) -> None:
    classifier = loaded(name).module
    _, digits = load(SHARED / "mnist")
    with torch.no_grad():
        counted = sum(
            int((classifier(images).argmax(1) == labels).sum())
            for images, labels in digits.batches(500)
        )
    assert counted / len(digits) == pytest.approx(share, abs=2e-4)


@needs_weights
def test_squeezenet_is_right_on_65_of_100_photos_and_within_five_on_87() -> None:
    """To within one photo: resizing differs in the last bit between machines."""
    measured = accuracy(loaded("squeezenet"), SHARED / "photos")
    assert len(measured.predictions) == 100
    assert (measured.top1, measured.top5) == pytest.approx((0.65, 0.87), abs=0.011)


@needs_weights
def test_the_generators_digits_are_seen_as_what_was_asked_for(cgan) -> None:
    """97.0 % of 10 000 samples; 4000 here, whose share lies within three standard errors."""
    draws = torch.Generator().manual_seed(0)
    z = torch.randn(4000, 100, generator=draws)
    labels = torch.randint(10, (4000,), generator=draws)
    with torch.no_grad():
        images = (cgan.module(z, labels) * 255).round() / 255
        seen = loaded("advertorch-standard").module(images).argmax(1)
    share = (seen == labels).float().mean().item()
    assert share == pytest.approx(0.970, abs=3 * (0.97 * 0.03 / 4000) ** 0.5)


@needs_weights
@pytest.mark.parametrize("subset", ["all", "first", "last"])
def test_a_search_runs_on_them(cgan, subset) -> None:
    classifier = loaded("advertorch-standard").module
    results = list(
        search(
            progression(0, 8, 10),
            cgan.module,
            classifier,
            measure_scales(cgan.module, samples=500),
            layer_weights=layer_weights(cgan.entry, cgan.module.points, subset),
            schedule=SCHEDULES["imagenet"],
            slots=8,
        )
    )
    assert sorted(result.trial.index for result in results) == list(range(8))
    found = [result for result in results if result.outcome == "found"]
    assert len(found) >= 5
    for result in found:
        pixels = torch.from_numpy(result.stimulus).view(1, 1, 28, 28) / 255
        assert classifier(pixels).argmax() == result.trial.target
