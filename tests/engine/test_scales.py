"""σ per neuron."""

from __future__ import annotations

import pytest
import torch

from engine.scales import load_scales, measure_scales, save_scales
from tests.engine.linear_models import LinearGenerator


def test_sigma_is_the_standard_deviation_of_every_neuron() -> None:
    """In batches that do not divide the number of samples, and far from zero."""
    generator = LinearGenerator().requires_grad_(False)
    generator.label += 1000
    scales = measure_scales(generator, 1001, seed=3, batch=128)
    draws = torch.Generator().manual_seed(3)
    sizes = [128] * 7 + [105]
    activations = []
    for size in sizes:
        z = torch.randn((size, 12), generator=draws)
        labels = torch.randint(4, (size,), generator=draws)
        hidden = generator.stage(1, z, generator.condition(z, labels))
        activations.append((z, hidden, generator.stage(2, hidden, z)))
    for index, point in enumerate(generator.points):
        values = torch.cat([batch[index] for batch in activations]).double()
        torch.testing.assert_close(scales[point.name].double(), values.std(0), rtol=1e-5, atol=1e-7)
        assert scales[point.name].shape == point.shape


def test_the_same_seed_gives_the_same_sigma_and_progress_is_told() -> None:
    generator = LinearGenerator()
    told = []
    one = measure_scales(
        generator,
        300,
        seed=1,
        batch=100,
        on_progress=lambda *progress: told.append(progress),
    )
    two = measure_scales(generator, 300, seed=1, batch=100)
    assert all(torch.equal(one[name], two[name]) for name in one)
    assert told == [(100, 300), (200, 300), (300, 300)]


def test_scales_survive_their_file_and_another_generators_are_refused(tmp_path, mnist_conv) -> None:
    generator = LinearGenerator()
    file = tmp_path / "linear.scales.safetensors"
    scales = measure_scales(generator, 100)
    save_scales(scales, file)
    loaded = load_scales(file, generator)
    assert all(torch.equal(loaded[name], scales[name]) for name in scales)
    with pytest.raises(ValueError, match="of another generator"):
        load_scales(file, mnist_conv.module)


def test_the_shipped_sigma_is_that_of_the_shipped_generator(mnist_conv) -> None:
    """Measured anew over 2000 samples it agrees within sampling noise (1/√(2n) is 1.6 %)."""
    fresh = measure_scales(mnist_conv.module, 2000, seed=1)
    for name in ("z", "fc-64", "conv-1", "conv-2", "conv-3"):
        ratio = (fresh[name] / mnist_conv.scales[name].clamp(min=1e-6)).flatten()
        assert ratio.median().item() == pytest.approx(1, abs=0.02)
