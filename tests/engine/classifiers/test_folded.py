"""Batch norms folded into convolutions: other arithmetic, the same classifier."""

from __future__ import annotations

import pytest
import timm
import torch
import torchvision
from torch import Tensor, nn

from engine.classifiers.folded import folded


def norms(network: nn.Module) -> int:
    return sum(isinstance(module, nn.BatchNorm2d) for module in network.modules())


def with_statistics(network: nn.Module) -> nn.Module:
    """Random weights and random statistics, so that no norm is the identity."""
    draws = torch.Generator().manual_seed(0)
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            for values, low in (
                (module.running_mean, -0.2),
                (module.running_var, 0.5),
                (module.weight.data, 0.5),
                (module.bias.data, -0.2),
            ):
                values.copy_(low + torch.rand(values.shape, generator=draws))
    return network.eval().requires_grad_(False)


@pytest.mark.parametrize(
    ("build", "left"),
    [
        (torchvision.models.resnet18, 0),
        (torchvision.models.mobilenet_v3_small, 0),
        # DenseNet norms its inputs before it convolves them: only some can be folded.
        (torchvision.models.densenet121, None),
        (torchvision.models.squeezenet1_1, 0),  # has none
        # timm's norms include their activation and are left as they are.
        (lambda: timm.create_model("efficientnet_b0"), None),
    ],
    ids=["resnet18", "mobilenet_v3_small", "densenet121", "squeezenet1_1", "timm efficientnet_b0"],
)
def test_logits_and_gradients_are_those_of_the_network(build, left) -> None:
    torch.manual_seed(0)
    network = with_statistics(build())
    quick = folded(network, 64)
    if left is not None:
        assert norms(quick) == left
    images = torch.rand(2, 3, 64, 64, requires_grad=True)
    expected, logits = network(images), quick(images)
    scale = expected.detach().abs().max()
    assert torch.allclose(logits, expected, rtol=0, atol=1e-5 * float(scale))
    direction = torch.randn_like(expected)
    (of_network,) = torch.autograd.grad((expected * direction).sum(), images)
    (of_folded,) = torch.autograd.grad((logits * direction).sum(), images)
    assert (of_network - of_folded).norm() < 1e-3 * of_network.norm()


class DependsOnItsValues(nn.Module):
    """What tracing cannot follow."""

    def __init__(self) -> None:
        super().__init__()
        self.body = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.AdaptiveAvgPool2d(1))

    def forward(self, images: Tensor) -> Tensor:
        hidden = self.body(images).flatten(1)
        return -hidden if hidden.sum() > 0 else hidden


class NormUsedTwice(nn.Module):
    """What folding would get wrong: the convolution's own output is used beside the norm's."""

    def __init__(self) -> None:
        super().__init__()
        self.convolution, self.norm = nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4)

    def forward(self, images: Tensor) -> Tensor:
        hidden = self.convolution(images)
        once = self.norm(hidden)
        return (self.norm(once) + hidden).mean((2, 3))


@pytest.mark.parametrize("build", [DependsOnItsValues, NormUsedTwice])
def test_what_cannot_be_folded_is_used_as_it_is(build) -> None:
    network = with_statistics(build())
    quick = folded(network, 16)
    images = torch.rand(3, 3, 16, 16)
    assert torch.allclose(quick(images), network(images), atol=1e-6)
    assert norms(quick) == norms(network)
