"""AdverTorch's two LeNet-5 for MNIST, as a user adds them: this file goes into the home's models/,
the two weight files into its weights/."""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional

from engine.catalogue import DIGITS, ClassifierEntry, Provenance, Weights


class LeNet5(nn.Module):
    """Images (B, 1, 28, 28) in [0, 1] → logits (B, 10)."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(1, 32, 3, padding=1)
        self.conv2 = nn.Conv2d(32, 64, 3, padding=1)
        self.linear1 = nn.Linear(3136, 200)
        self.linear2 = nn.Linear(200, 10)

    def forward(self, images: Tensor) -> Tensor:
        hidden = functional.max_pool2d(functional.relu(self.conv1(images)), 2)
        hidden = functional.max_pool2d(functional.relu(self.conv2(hidden)), 2).flatten(1)
        return self.linear2(functional.relu(self.linear1(hidden)))


def entry(name: str, title: str, file: str, sha256: str, accuracy: str) -> ClassifierEntry:
    return ClassifierEntry(
        name=name,
        title=title,
        build=LeNet5,
        weights=Weights(file, sha256=sha256, repair="Copy it from AdverTorch's repository."),
        labels=DIGITS,
        image_shape=(1, 28, 28),
        provenance=Provenance("AdverTorch, advertorch_examples", "LGPL-3.0", accuracy),
    )


ENTRIES = [
    entry(
        "advertorch-standard",
        "AdverTorch's LeNet-5, standard training",
        "advertorch_lenet5_clntrained.safetensors",
        "1414adc7c56b50edc51ebe1e8c62d8af2290600bc368c7964c2ba4eba295b220",
        "98.89 %",
    ),
    entry(
        "advertorch-robust",
        "AdverTorch's LeNet-5, adversarially trained",
        "advertorch_lenet5_advtrained.safetensors",
        "be56397c84df419b8a8d845cb02e1a1111e437a8e71e0f66030f7c4a1df11037",
        "98.64 %",
    ),
]
