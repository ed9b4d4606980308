"""Classifiers of 28×28 digits: the two that ship to be fooled, and the judge of the generator."""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional


class StandardCnn(nn.Module):
    """Two convolutions and three linear layers (Dunn et al. 2020, appendix). ~0.2 M weights."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(1, 32, kernel_size=5)
        self.conv2 = nn.Conv2d(32, 64, kernel_size=5)
        self.linear1 = nn.Linear(64 * 4 * 4, 128)
        self.linear2 = nn.Linear(128, 64)
        self.linear3 = nn.Linear(64, 10)

    def forward(self, images: Tensor) -> Tensor:
        """Images (B, 1, 28, 28) in [0, 1] → logits (B, 10)."""
        hidden = functional.relu(functional.max_pool2d(self.conv1(images), 2))
        hidden = functional.relu(functional.max_pool2d(self.conv2(hidden), 2)).flatten(1)
        hidden = functional.relu(self.linear1(hidden))
        hidden = functional.relu(self.linear2(hidden))
        return self.linear3(hidden)


class LeNet5(nn.Module):
    """AdverTorch's LeNet-5, layer for layer and name for name, so that its weights load here.

    Pooling comes before the ReLU: the result is the same, for a quarter of the work.
    """

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(1, 32, kernel_size=3, padding=1)
        self.conv2 = nn.Conv2d(32, 64, kernel_size=3, padding=1)
        self.linear1 = nn.Linear(64 * 7 * 7, 200)
        self.linear2 = nn.Linear(200, 10)

    def forward(self, images: Tensor) -> Tensor:
        """Images (B, 1, 28, 28) in [0, 1] → logits (B, 10)."""
        hidden = functional.relu(functional.max_pool2d(self.conv1(images), 2))
        hidden = functional.relu(functional.max_pool2d(self.conv2(hidden), 2)).flatten(1)
        return self.linear2(functional.relu(self.linear1(hidden)))


class Judge(nn.Module):
    """Three batch-normalised convolutions and one linear layer.

    Built unlike the two above, because it only measures whether the generator drew the digit that
    was asked for, and should not share their mistakes.
    """

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(1, 24, kernel_size=3, padding=1)
        self.norm1 = nn.BatchNorm2d(24)
        self.conv2 = nn.Conv2d(24, 48, kernel_size=3, padding=1)
        self.norm2 = nn.BatchNorm2d(48)
        self.conv3 = nn.Conv2d(48, 96, kernel_size=3, padding=1)
        self.norm3 = nn.BatchNorm2d(96)
        self.linear = nn.Linear(96 * 7 * 7, 10)

    def forward(self, images: Tensor) -> Tensor:
        """Images (B, 1, 28, 28) in [0, 1] → logits (B, 10)."""
        hidden = functional.relu(self.norm1(functional.max_pool2d(self.conv1(images), 2)))
        hidden = functional.relu(self.norm2(functional.max_pool2d(self.conv2(hidden), 2)))
        hidden = functional.relu(self.norm3(self.conv3(hidden)))
        return self.linear(hidden.flatten(1))
