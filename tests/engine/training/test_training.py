"""Each training for a handful of steps on real digits: it runs, learns, repeats and is loadable."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from torch import nn

from engine.classifiers.mnist import LeNet5, StandardCnn
from engine.generators.mnist_conv import MnistConv
from engine.training import gan
from engine.training.__main__ import main
from engine.training.card import checksum, read_card
from engine.training.classifier import (
    AdversarialRecipe,
    ClassifierRecipe,
    shift,
    train_against_pgd,
    train_on_shifts,
)
from engine.training.digits import Digits
from engine.training.measure import accuracy
from engine.training.shipped import SHIPPED, Recipe, with_epochs


def quick(recipe: Recipe) -> Recipe:
    """Two passes, and little time spent on batch-norm statistics."""
    recipe = with_epochs(recipe, 2)
    return replace(recipe, settle=1) if isinstance(recipe, gan.GanRecipe) else recipe


def same(one: nn.Module, other: nn.Module) -> bool:
    pairs = zip(one.state_dict().values(), other.state_dict().values(), strict=True)
    return all(torch.equal(a, b) for a, b in pairs)


@pytest.mark.parametrize("command", SHIPPED)
def test_a_seed_gives_the_same_weights_to_the_bit(
    mnist: tuple[Digits, Digits], command: str
) -> None:
    model = SHIPPED[command]
    digits, steps = mnist[0].first(256), []

    def train(seed: int) -> nn.Module:
        def note(done: int, total: int, _: str) -> None:
            steps.append((done, total))

        return model.train(digits, seed, quick(model.recipe), note)

    first = train(3)
    torch.manual_seed(99)  # nothing may depend on the process's own generator
    assert same(first, train(3))
    assert not same(first, train(4))
    assert steps[:4] == [(1, 4), (2, 4), (3, 4), (4, 4)]
    assert not first.training


def test_standard_training_learns(mnist: tuple[Digits, Digits]) -> None:
    recipe = ClassifierRecipe(epochs=4, average=0.9)
    trained = train_on_shifts(StandardCnn, mnist[0].first(1280), 0, recipe)
    assert accuracy(trained, mnist[1].first(500)) > 0.7


def test_adversarial_training_learns(mnist: tuple[Digits, Digits]) -> None:
    recipe = AdversarialRecipe(ClassifierRecipe(epochs=3, average=0.8), ramp=1.0, fine=1.0)
    trained = train_against_pgd(LeNet5, mnist[0].first(1024), 0, recipe)
    assert accuracy(trained, mnist[1].first(500)) > 0.5


def test_the_attack_grows_then_takes_finer_steps() -> None:
    recipe = AdversarialRecipe()
    assert recipe.attack_at(0).radius == 0
    assert recipe.attack_at(recipe.ramp / 2).radius == pytest.approx(recipe.attack.radius / 2)
    assert recipe.attack_at(recipe.ramp) == recipe.attack
    assert recipe.attack_at(recipe.fine) == recipe.fine_attack


def test_shifting_moves_whole_digits_by_at_most_two_pixels() -> None:
    images = torch.zeros(500, 1, 9, 9)
    images[:, 0, 4, 4] = 1
    moved = shift(images, 2, torch.Generator().manual_seed(0))
    assert torch.equal(moved.sum(dim=(1, 2, 3)), torch.ones(500))
    places = {tuple(place) for place in moved[:, 0].nonzero()[:, 1:].tolist()}
    assert places == {(row, column) for row in range(2, 7) for column in range(2, 7)}


def test_folding_the_tanh_paints_the_same_picture() -> None:
    torch.manual_seed(0)
    generator = MnistConv().eval()
    draws = torch.Generator().manual_seed(1)
    with torch.no_grad():
        generator.fc_784.weight.mul_(20)  # far into both ends of the tanh
        by_tanh, labels = gan._draw_tanh(generator, 16, draws)
        gan._fold_tanh(generator)
        z = torch.randn((16, 128), generator=torch.Generator().manual_seed(1))
        by_sigmoid = generator(z, labels)
    assert by_tanh.abs().max() > 0.9
    assert torch.allclose((by_tanh + 1) / 2, by_sigmoid, atol=1e-6)


@pytest.mark.parametrize("precision", [torch.float32, torch.float64])
def test_every_stage_of_the_generator_yields_its_point(precision: torch.dtype) -> None:
    generator = MnistConv().eval().to(precision)
    activation = z = torch.randn(3, 128, dtype=precision)
    labels = torch.tensor([0, 4, 9])
    condition = generator.condition(z, labels)
    for index, point in enumerate(generator.points):
        if index:
            activation = generator.stage(index, activation, condition)
        assert activation.shape == (3, *point.shape)
        assert activation.dtype == precision
    assert torch.equal(generator.to_image(activation), generator(z, labels))
    assert activation.min() >= 0 and activation.max() <= 1


def test_the_command_trains_everything_into_loadable_files(
    mnist_folder: Path, tmp_path: Path
) -> None:
    trial = ["--digits", "128", "--epochs", "1", "--threads", "1", "--samples", "200"]
    assert main(["all", "--data", str(mnist_folder), "--out", str(tmp_path), *trial]) == 0
    for model in SHIPPED.values():
        file = tmp_path / f"{model.name}.safetensors"
        model.build().load_state_dict(load_file(file))
        card = read_card(model.name, tmp_path)
        assert card.sha256 == checksum(file)
        assert card.training.seed == model.seed
        assert str(mnist_folder) in card.training.command
        assert f"`{card.training.command}`" in (tmp_path / f"{model.name}.md").read_text()
    files = json.loads((tmp_path / "mnist-conv.json").read_text())["files"]
    scales = tmp_path / "mnist-conv.scales.safetensors"
    assert files[scales.name]["sha256"] == checksum(scales)
    assert files[scales.name]["generator"] == checksum(tmp_path / "mnist-conv.safetensors")
    assert (tmp_path / "mnist-conv.png").is_file()
    assert not list(tmp_path.glob("*.partial"))


def test_the_generator_asks_for_its_judge_before_it_trains(
    mnist_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["generator", "--data", str(mnist_folder), "--out", str(tmp_path)]) == 2
    assert "train mnist-judge first" in capsys.readouterr().err
