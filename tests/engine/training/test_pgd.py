"""PGD: its balls, and a linear model whose worst case is known."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from engine.classifiers.mnist import LeNet5
from engine.training.digits import Digits
from engine.training.pgd import Attack, pgd

ATTACKS = [
    Attack("linf", 0.3, 0.07, 10),
    Attack("linf", 0.05, 0.2, 3),  # steps longer than the ball
    Attack("l2", 0.3, 0.1, 10),
    Attack("l2", 1.5, 4.0, 3),
]


def draws(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def linear(weight: torch.Tensor) -> nn.Module:
    """Two labels with logits 0 and w·x, for 2×2 pictures."""
    layer = nn.Linear(4, 2, bias=False)
    with torch.no_grad():
        layer.weight.copy_(torch.stack([torch.zeros(4), weight]))
    return nn.Sequential(nn.Flatten(), layer)


@pytest.mark.parametrize("attack", ATTACKS, ids=str)
def test_the_result_is_in_the_ball_and_in_range(
    mnist: tuple[Digits, Digits], attack: Attack
) -> None:
    images, labels = next(mnist[1].first(32).batches(32))
    torch.manual_seed(0)
    moved = pgd(LeNet5().eval(), images, labels, attack, draws())
    assert moved.min() >= 0 and moved.max() <= 1
    order = float("inf") if attack.norm == "linf" else 2
    lengths = (moved - images).flatten(1).norm(order, dim=1)
    assert lengths.max() <= attack.radius * (1 + 1e-5)
    assert lengths.min() > 0


@pytest.mark.parametrize("radius", [0.1, 0.3, 0.8])
def test_linf_reaches_the_worst_case_of_a_linear_model(radius: float) -> None:
    weight = torch.tensor([1.0, -2.0, 0.5, -0.1])
    images = torch.rand((8, 1, 2, 2), generator=draws(1))
    labels = torch.tensor([0, 1] * 4)
    moved = pgd(linear(weight), images, labels, Attack("linf", radius, radius / 4, 12), draws())
    uphill = torch.where(labels == 0, 1, -1).view(-1, 1, 1, 1) * weight.sign().view(1, 1, 2, 2)
    assert torch.allclose(moved, (images + radius * uphill).clamp(0, 1), atol=1e-6)


def test_l2_reaches_the_worst_case_of_a_linear_model() -> None:
    weight = torch.tensor([1.0, -2.0, 0.5, -0.1])
    images = torch.full((2, 1, 2, 2), 0.5)  # far enough from 0 and 1 for the whole ball
    moved = pgd(linear(weight), images, torch.tensor([0, 1]), Attack("l2", 0.4, 0.1, 60), draws())
    along = 0.4 * weight.view(1, 2, 2) / weight.norm()
    assert torch.allclose(moved - images, torch.stack([along, -along]), atol=1e-3)


@pytest.mark.parametrize("norm", ["linf", "l2"])
def test_without_steps_it_is_a_random_point_of_the_whole_ball(norm: str) -> None:
    images = torch.full((2000, 1, 2, 2), 0.5)
    start = pgd(nn.Identity(), images, torch.zeros(2000).long(), Attack(norm, 0.4, 0.1, 0), draws())
    order = float("inf") if norm == "linf" else 2
    lengths = (start - images).flatten(1).norm(order, dim=1)
    # Uniform in four dimensions: the median length is radius · 2^(-1/4) in either norm.
    assert lengths.median() == pytest.approx(0.4 * 0.5**0.25, rel=0.02)
    assert lengths.max() <= 0.4 + 1e-6


def test_it_repeats_from_its_seed_and_leaves_no_gradient_on_weights() -> None:
    torch.manual_seed(0)
    classifier = LeNet5()
    images, labels = torch.rand((4, 1, 28, 28), generator=draws(1)), torch.arange(4)
    first, again, other = (
        pgd(classifier, images, labels, ATTACKS[0], draws(seed)) for seed in (0, 0, 1)
    )
    assert torch.equal(first, again) and not torch.equal(first, other)
    assert all(parameter.grad is None for parameter in classifier.parameters())


def test_an_unknown_norm_names_the_valid_ones() -> None:
    with pytest.raises(ValueError, match="choose linf or l2"):
        Attack("l1", 0.3, 0.1, 1)  # type: ignore[arg-type]
