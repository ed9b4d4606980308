"""The files under data/bundled: whole, small, and as good as their cards say."""

from __future__ import annotations

from math import sqrt
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from engine.catalogue import catalogue
from engine.generators.mnist_conv import MnistConv
from engine.scales import measure_scales
from engine.training.__main__ import trained
from engine.training.card import checksum, read_card, render
from engine.training.digits import Digits
from engine.training.figures import ATTACKS
from engine.training.measure import accuracy, accuracy_under, frame_level, sample, spread
from engine.training.shipped import GENERATOR, JUDGE, ROBUST, SHIPPED, STANDARD

BUNDLED = Path(__file__).resolve().parents[3] / "data" / "bundled"
NAMES = [model.name for model in SHIPPED.values()]


def every(digits: Digits, nth: int) -> Digits:
    """Each nth digit: the first thousand of MNIST's test set are harder than the rest."""
    return Digits(digits.images[::nth], digits.labels[::nth])


def close(measured: float, stated: float, count: int) -> bool:
    """Within four binomial standard errors of the stated share."""
    return abs(measured - stated) <= 4 * sqrt(stated * (1 - stated) / count)


@pytest.mark.parametrize("name", NAMES)
def test_the_weights_are_those_of_the_card(name: str) -> None:
    card = read_card(name, BUNDLED)
    assert checksum(BUNDLED / f"{name}.safetensors") == card.sha256
    assert (BUNDLED / f"{name}.md").read_text(encoding="utf-8") == render(card)


def test_everything_is_under_20_megabytes() -> None:
    assert sum(file.stat().st_size for file in BUNDLED.iterdir()) < 20e6


@pytest.mark.parametrize(
    ("name", "figure", "least"),
    [
        ("mnist-conv", "agreement_mnist-judge", 0.98),
        ("mnist-standard", "clean", 0.990),
        ("mnist-robust", "clean", 0.98),
        ("mnist-robust", "linf_0.3", 0.92),
    ],
)
def test_the_stated_figures_are_good_enough(name: str, figure: str, least: float) -> None:
    stated = read_card(name, BUNDLED).figures[figure]
    assert stated.value >= least
    assert stated.count == 10_000


@pytest.mark.parametrize("name", ["mnist-standard", "mnist-robust"])
def test_the_catalogue_states_what_the_card_has_measured(name: str) -> None:
    figures = read_card(name, BUNDLED).figures
    clean, attacked = (100 * figures[key].value for key in ("clean", "linf_0.3"))
    stated = catalogue().classifier(name).provenance.accuracy
    assert stated == f"{clean:.2f} %; {attacked:.2f} % under PGD ℓ∞ 0.3"


@pytest.mark.parametrize("model", [STANDARD, ROBUST, JUDGE], ids=lambda model: model.name)
def test_clean_accuracy_holds(mnist: tuple[Digits, Digits], model: object) -> None:
    digits = every(mnist[1], 10)
    stated = read_card(model.name, BUNDLED).figures["clean"].value
    assert close(accuracy(trained(model, BUNDLED), digits), stated, len(digits))


def test_robust_accuracy_holds(mnist: tuple[Digits, Digits]) -> None:
    digits = every(mnist[1], 20)
    stated = read_card(ROBUST.name, BUNDLED).figures["linf_0.3"].value
    measured = accuracy_under(trained(ROBUST, BUNDLED), digits, ATTACKS["linf_0.3"], seed=5)
    assert close(measured, stated, len(digits))


def test_label_agreement_background_and_diversity_hold() -> None:
    figures = read_card(GENERATOR.name, BUNDLED).figures
    drawn = sample(trained(GENERATOR, BUNDLED), 500, seed=5)
    judged = accuracy(trained(JUDGE, BUNDLED), drawn)
    assert close(judged, figures["agreement_mnist-judge"].value, 500)
    assert frame_level(drawn) < 1.5  # of 255: black
    assert spread(drawn) == pytest.approx(figures["spread"].value, rel=0.1)


def test_scales_hold() -> None:
    stated = load_file(BUNDLED / "mnist-conv.scales.safetensors")
    facts = read_card(GENERATOR.name, BUNDLED).files["mnist-conv.scales.safetensors"]
    assert facts["generator"] == checksum(BUNDLED / "mnist-conv.safetensors")
    assert facts["sha256"] == checksum(BUNDLED / "mnist-conv.scales.safetensors")
    assert facts["samples"] >= 10_000
    assert list(stated) and set(stated) == {point.name for point in MnistConv.points}
    again = measure_scales(trained(GENERATOR, BUNDLED), 2000, seed=5)
    for point in MnistConv.points:
        assert stated[point.name].shape == point.shape
        assert stated[point.name].dtype == torch.float32
        ratio = again[point.name].mean() / stated[point.name].mean()
        assert ratio == pytest.approx(1, abs=0.05), point.name
