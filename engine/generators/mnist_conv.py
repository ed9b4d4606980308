"""The conditional MNIST generator of Dunn et al. 2020, Table 4."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from engine.generators.interface import Generator, Point

LATENT = 128
LABELS = 10
SLOPE = 0.2  # of the leaky ReLU


class MnistConv(Generator):
    """Two linear layers around three transposed convolutions, 4×4 → 8×8 → 16×16 → 32×32 → 28×28.

    A point holds what its layer puts out, before the batch norm and the activation function; the
    next stage begins with those. `output` is the sigmoid's picture.
    """

    points = (
        Point("z", (LATENT,)),
        Point("fc-64", (64,)),
        Point("conv-1", (32, 8, 8)),
        Point("conv-2", (8, 16, 16)),
        Point("conv-3", (4, 32, 32)),
        Point("fc-784", (784,)),
        Point("output", (1, 28, 28)),
    )
    image_shape = (1, 28, 28)
    label_count = LABELS

    def __init__(self) -> None:
        super().__init__()
        self.fc_64 = nn.Linear(LATENT + LABELS, 64)
        self.conv_1 = _double(4, 32)
        self.norm_1 = nn.BatchNorm2d(32)
        self.conv_2 = _double(32, 8)
        self.norm_2 = nn.BatchNorm2d(8)
        self.conv_3 = _double(8, 4)
        self.norm_3 = nn.BatchNorm2d(4)
        self.fc_784 = nn.Linear(4 * 32 * 32, 784)

    def condition(self, z: Tensor, labels: Tensor) -> Tensor:
        """The label as one-hot (B, 10), in z's precision."""
        return functional.one_hot(labels, LABELS).to(z)

    def stage(self, index: int, activation: Tensor, condition: Tensor) -> Tensor:
        """The activation (B, *points[index].shape) from the one before; stage 1 sees the label."""
        match index:
            case 1:
                return self.fc_64(torch.cat([activation, condition], dim=1))
            case 2:
                return self.conv_1(functional.relu(activation).view(-1, 4, 4, 4))
            case 3:
                return self.conv_2(functional.leaky_relu(self.norm_1(activation), SLOPE))
            case 4:
                return self.conv_3(functional.leaky_relu(self.norm_2(activation), SLOPE))
            case 5:
                return self.fc_784(functional.leaky_relu(self.norm_3(activation), SLOPE).flatten(1))
            case 6:
                return torch.sigmoid(activation).view(-1, 1, 28, 28)
        raise ValueError(f"mnist-conv has stages 1 to 6, not {index}; choose one of those.")

    def to_image(self, activation: Tensor) -> Tensor:
        """The last point already is the picture, (B, 1, 28, 28) in [0, 1]."""
        return activation


def _double(channels_in: int, channels_out: int) -> nn.ConvTranspose2d:
    """A transposed convolution, 5×5 with stride 2, that exactly doubles height and width."""
    return nn.ConvTranspose2d(
        channels_in, channels_out, kernel_size=5, stride=2, padding=2, output_padding=1
    )
