"""The shipped MNIST models, loaded once."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.catalogue import (
    LoadedClassifier,
    LoadedGenerator,
    catalogue,
    load_classifier,
    load_generator,
)

BUNDLED = Path(__file__).parents[2] / "data" / "bundled"


@pytest.fixture(scope="session")
def mnist_conv() -> LoadedGenerator:
    return load_generator(catalogue().generator("mnist-conv"), [BUNDLED])


@pytest.fixture(scope="session")
def mnist_standard() -> LoadedClassifier:
    return load_classifier(catalogue().classifier("mnist-standard"), [BUNDLED])


@pytest.fixture(scope="session")
def mnist_robust() -> LoadedClassifier:
    return load_classifier(catalogue().classifier("mnist-robust"), [BUNDLED])
