"""σ per neuron."""

from __future__ import annotations

import pytest
import torch

from engine.scales import Measurement, load_scales, measure_scales, save_scales
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


def test_a_measurement_that_was_stopped_goes_on_to_the_very_same_sigma(tmp_path) -> None:
    generator, file = LinearGenerator(), tmp_path / "half.safetensors"
    whole = measure_scales(generator, 300, seed=1, batch=70)
    stopped = Measurement(generator, 300, seed=1, batch=70)
    for _ in range(3):
        stopped.step()
    stopped.save(file)
    resumed = Measurement(generator, 300, seed=1, batch=70)
    resumed.resume(file)
    assert (resumed.done, resumed.finished) == (210, False)
    while not resumed.finished:
        resumed.step()
    assert all(torch.equal(resumed.scales()[name], whole[name]) for name in whole)


def test_only_a_measurement_of_the_same_kind_is_gone_on_with(tmp_path) -> None:
    generator, file = LinearGenerator(), tmp_path / "half.safetensors"
    stopped = Measurement(generator, 300, seed=1, batch=70)
    stopped.step()
    stopped.save(file)
    for other in (Measurement(generator, 300, seed=2, batch=70), Measurement(generator, 400)):
        other.resume(file)
        assert other.done == 0
    file.write_bytes(b"cut off")
    again = Measurement(generator, 300, seed=1, batch=70)
    again.resume(file)
    assert again.done == 0


def test_latents_are_the_generators_own() -> None:
    """Cut where the generator is truncated: then z varies less than a standard normal."""

    class Halved(LinearGenerator):
        def latents(self, count: int, draws: torch.Generator) -> torch.Tensor:
            return 0.5 * super().latents(count, draws)

    full, halved = (measure_scales(model(), 500)["z"] for model in (LinearGenerator, Halved))
    torch.testing.assert_close(halved, 0.5 * full)


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
