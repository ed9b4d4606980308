"""BigGAN-deep at the published widths, against the package: minutes, and gigabytes."""

from __future__ import annotations

import copy

import pytest

from engine.generators.biggan_points import LAYERS, configuration
from tests.engine.generators.biggan_models import folded, random_biggan, some_latents
from tests.engine.generators.test_biggan import assert_as_close_as_single_precision_allows

SAMPLES = {128: 5, 256: 3, 512: 3}


@pytest.mark.parametrize("resolution", LAYERS)
def test_image_and_gradients_are_the_packages(resolution: int) -> None:
    config = configuration(resolution, label_count=10)
    plain = random_biggan(config)
    for truncation in (1.0, 0.5):
        stock = copy.copy(plain)
        stock.truncation = truncation
        z, labels = some_latents(plain, SAMPLES[resolution], seed=4)
        fast = folded(plain, config, truncation)
        assert_as_close_as_single_precision_allows(fast, stock, z, labels)
