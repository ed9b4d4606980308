"""Real digits for the training tests, where this checkout has them."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from engine.training.digits import Digits, load

CHECKOUT = Path(__file__).resolve().parents[3]
SHARED = CHECKOUT.parent / "shared" / "data"


@pytest.fixture(scope="session")
def mnist_folder() -> Path:
    folder = SHARED / "mnist"
    if not folder.is_dir():
        pytest.skip(f"{folder} is absent: MNIST's files do not ship with the project")
    return folder


@pytest.fixture(scope="session")
def mnist(mnist_folder: Path) -> tuple[Digits, Digits]:
    """The training and the test digits."""
    return load(mnist_folder)


@pytest.fixture(autouse=True)
def one_thread() -> None:
    torch.set_num_threads(1)
