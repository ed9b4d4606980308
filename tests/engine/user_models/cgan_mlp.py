"""A conditional generator of MNIST digits made of three linear layers, as a user adds it."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from engine.catalogue import DIGITS, GeneratorEntry, Provenance, Weights
from engine.generators.interface import Generator, Point


class CganMlp(Generator):
    """A point holds what its layer puts out, before the activation function."""

    points = (
        Point("z", (100,)),
        Point("fc-256", (256,)),
        Point("fc-512", (512,)),
        Point("fc-784", (784,)),
        Point("output", (1, 28, 28)),
    )
    image_shape = (1, 28, 28)
    label_count = 10

    def __init__(self) -> None:
        super().__init__()
        self.label_emb = nn.Embedding(10, 10)
        self.net = nn.Sequential(
            nn.Linear(110, 256),
            nn.LeakyReLU(0.2),
            nn.Linear(256, 512),
            nn.LeakyReLU(0.2),
            nn.Linear(512, 784),
        )

    def condition(self, z: Tensor, labels: Tensor) -> Tensor:
        return self.label_emb(labels).to(z)

    def stage(self, index: int, activation: Tensor, condition: Tensor) -> Tensor:
        match index:
            case 1:
                return self.net[0](torch.cat([activation, condition], dim=1))
            case 2:
                return self.net[2](functional.leaky_relu(activation, 0.2))
            case 3:
                return self.net[4](functional.leaky_relu(activation, 0.2))
            case 4:
                return (torch.tanh(activation).view(-1, 1, 28, 28) + 1) / 2
        raise ValueError(f"cgan-mlp has stages 1 to 4, not {index}.")

    def to_image(self, activation: Tensor) -> Tensor:
        return activation


ENTRIES = [
    GeneratorEntry(
        name="cgan-mlp",
        title="Conditional MLP GAN of MNIST",
        build=CganMlp,
        weights=Weights(
            "cgan_mlp_mnist.safetensors",
            sha256="029158146828b9bfd1c7b64d889292fab645514cc639d2c6635ba8ecf74ecce0",
            repair="Copy it from where you had it.",
        ),
        labels=DIGITS,
        presets={
            "all": ("z", "fc-256", "fc-512", "fc-784", "output"),
            "first": ("z", "fc-256"),
            "last": ("fc-784", "output"),
        },
        schedule="mnist",
        provenance=Provenance("Digit_Generator", "MIT", "97.0 % get the requested label"),
    )
]
