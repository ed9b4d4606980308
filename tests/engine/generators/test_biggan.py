"""BigGAN-deep as it runs against BigGAN-deep as the package has it, on the real architecture.

In double precision the two agree to the last digits at every point, and so do the gradients there:
the algebra is the same. In single precision images agree within 1e-5, and gradients that have gone
through the whole generator within 1e-3 of their length, in the median sample. What is left is
rounding; now and then it tips over one of the first blocks' few ReLUs, which alone can move a
gradient by 1e-3, and moves the package's own from the true one as often. At the points in between
such tips weigh more. `tests/soak` does the same at the published widths.
"""

from __future__ import annotations

import copy
import statistics
from collections.abc import Sequence

import pytest
import torch
from pytorch_pretrained_biggan import BigGAN, BigGANConfig
from scipy import stats
from torch import Tensor
from torch.nn.functional import one_hot

from engine.generators.biggan import BigGanDeep
from engine.generators.biggan_plain import PlainBigGan
from engine.generators.biggan_points import LAYERS, configuration
from engine.generators.interface import Generator
from engine.search.perturbed_pass import PerturbedPass
from tests.engine.generators.biggan_models import (
    correct_the_package,
    folded,
    narrow,
    random_biggan,
    some_latents,
)

RESOLUTIONS = tuple(LAYERS)
#: The package reads the right row, or the middle between two.
RIGHT_ROW = (1.0, 0.5, 0.4, 0.25, 0.02)
#: It interpolates with the two weights swapped.
SWAPPED = (0.305, 0.999)
#: Float error in truncation/0.02 makes it read the neighbouring row.
WRONG_ROW = (0.14, 0.28, 0.56, 0.58, 0.94)


@pytest.fixture(scope="module")
def plain() -> PlainBigGan:
    return random_biggan(narrow(128))


@pytest.fixture(scope="module")
def fast(plain: PlainBigGan) -> BigGanDeep:
    return folded(plain, narrow(128))


def activations(generator: Generator, z: Tensor, labels: Tensor) -> list[Tensor]:
    condition = generator.condition(z, labels)
    found = [z]
    for index in range(1, len(generator.points)):
        found.append(generator.stage(index, found[-1], condition))
    return found


def image_and_gradients(
    generator: Generator, z: Tensor, labels: Tensor
) -> tuple[Tensor, list[Tensor]]:
    """The image, perturbed at every point, and the gradient of a mixture of its three colours."""
    scales = {point.name: torch.ones(point.shape, dtype=z.dtype) for point in generator.points}
    weights = [1.0] * len(generator.points)
    perturbed = PerturbedPass(generator, scales, weights, dtype=z.dtype)
    draws = torch.Generator().manual_seed(0)
    p = [
        (0.01 * torch.randn((len(z), *shape), generator=draws)).to(z.dtype).requires_grad_()
        for shape in perturbed.shapes
    ]
    activation, condition = perturbed.prefix(z, labels)
    image = perturbed.image(activation, condition, labels, p)
    mixture = torch.tensor([0.5, -1.0, 0.8], dtype=z.dtype)
    loss = (image.sum((2, 3)) * mixture).sum()
    return image.detach(), list(torch.autograd.grad(loss, p))


def relative(found: Sequence[Tensor], expected: Sequence[Tensor]) -> list[float]:
    return [
        float((one - other).norm() / other.norm())
        for one, other in zip(found, expected, strict=True)
    ]


def test_the_yardstick_is_the_package_itself(plain):
    package = BigGAN(narrow(128))
    package.load_state_dict(plain.state_dict())
    z, labels = some_latents(plain, 2, seed=1)
    output = package.eval()(z, one_hot(labels, 10).float(), 1.0)
    assert torch.equal(plain(z, labels), (output + 1) / 2)


@pytest.mark.parametrize("resolution", RESOLUTIONS)
def test_every_point_has_its_declared_shape_and_the_packages_values(resolution):
    plain = random_biggan(narrow(resolution)).double()
    fast = folded(plain, narrow(resolution))
    z, labels = some_latents(plain, 2, seed=1)
    found, expected = activations(fast, z, labels), activations(plain, z, labels)
    assert [tuple(activation.shape[1:]) for activation in found] == [
        point.shape for point in fast.points
    ]
    for one, other in zip(found, expected, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("resolution", RESOLUTIONS)
def test_gradients_at_every_point_are_the_packages(resolution):
    plain = random_biggan(narrow(resolution)).double()
    z, labels = some_latents(plain, 1, seed=2)
    image, gradients = image_and_gradients(folded(plain, narrow(resolution)), z, labels)
    expected_image, expected = image_and_gradients(plain, z, labels)
    torch.testing.assert_close(image, expected_image, rtol=1e-9, atol=1e-9)
    assert max(relative(gradients, expected)) < 1e-9


def assert_as_close_as_single_precision_allows(
    fast: Generator, plain: Generator, z: Tensor, labels: Tensor
) -> None:
    image, gradients = image_and_gradients(fast, z, labels)
    expected_image, expected = image_and_gradients(plain, z, labels)
    assert expected_image.std() > 0.05, "a flat image would prove nothing"
    assert (image - expected_image).abs().max() < 1e-5
    assert statistics.median(relative(gradients[0], expected[0])) < 1e-3


@pytest.mark.parametrize("truncation", RIGHT_ROW)
def test_in_single_precision_image_and_gradients_are_the_packages(plain, truncation):
    stock = copy.copy(plain)
    stock.truncation = truncation
    z, labels = some_latents(plain, 3, seed=3)
    assert_as_close_as_single_precision_allows(
        folded(plain, narrow(128), truncation), stock, z, labels
    )


@pytest.mark.parametrize("truncation", SWAPPED + WRONG_ROW)
def test_where_the_package_is_wrong_they_are_the_corrected_packages(plain, truncation, monkeypatch):
    stock = copy.copy(plain)
    stock.truncation = truncation
    z, labels = some_latents(plain, 3, seed=3)
    fast = folded(plain, narrow(128), truncation)
    assert (fast(z, labels) - stock(z, labels)).abs().max() > 0.01, "the fault does not show"
    correct_the_package(monkeypatch)
    assert_as_close_as_single_precision_allows(fast, stock, z, labels)


@pytest.mark.parametrize("truncation", RIGHT_ROW)
def test_the_corrected_package_is_the_package_where_that_is_right(plain, truncation, monkeypatch):
    stock = copy.copy(plain)
    stock.truncation = truncation
    z, labels = some_latents(plain, 1, seed=3)
    as_published = stock(z, labels)
    correct_the_package(monkeypatch)
    torch.testing.assert_close(stock(z, labels), as_published, rtol=0, atol=1e-6)


def test_at_the_published_width_image_and_gradients_are_the_packages():
    config: BigGANConfig = configuration(128, label_count=10)
    plain = random_biggan(config)
    z, labels = some_latents(plain, 3, seed=4)
    assert_as_close_as_single_precision_allows(folded(plain, config), plain, z, labels)


def test_images_are_between_0_and_1(fast):
    images = fast(*some_latents(fast, 4, seed=5))
    assert images.shape == (4, 3, 128, 128)
    assert 0 <= images.min() < 0.4 and 0.6 < images.max() <= 1


def test_a_row_does_not_feel_its_neighbours(fast):
    z, labels = some_latents(fast, 3, seed=6)
    others, other_labels = some_latents(fast, 3, seed=7)
    others[1], other_labels[1] = z[1], labels[1]
    image, gradients = image_and_gradients(fast, z, labels)
    beside_others, gradients_beside_others = image_and_gradients(fast, others, other_labels)
    assert not torch.equal(image[0], beside_others[0])
    assert torch.equal(image[1], beside_others[1])
    for one, other in zip(gradients, gradients_beside_others, strict=True):
        assert torch.equal(one[1], other[1])


def test_channels_come_last_at_every_point(fast):
    for activation in activations(fast, *some_latents(fast, 2, seed=8))[1:]:
        assert activation.is_contiguous(memory_format=torch.channels_last)


def test_a_perturbed_z_reaches_every_block_unless_the_condition_is_kept(plain, fast):
    z, labels = some_latents(fast, 2, seed=9)
    moved = z + 0.5
    generator = plain.generator
    embedded = plain.condition(z, labels)[:, 128:]
    kept = fast.condition(z, labels)
    linear = generator.gen_z(torch.cat([moved, embedded], 1))
    assert_close_in_single_precision = dict(rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(
        fast.stage(1, moved, kept).permute(0, 2, 3, 1).flatten(1),
        linear,
        **assert_close_in_single_precision,
    )
    x = fast.stage(1, z, kept)
    block = generator.layers[0]
    for condition, seen in ((kept, z), (fast.condition(moved, labels), moved)):
        torch.testing.assert_close(
            fast.stage(2, x, condition),
            block(x, torch.cat([seen, embedded], 1), 1.0),
            **assert_close_in_single_precision,
        )


def test_the_recorded_switch_decides_which_of_the_two_a_search_sees(plain, fast):
    z, labels = some_latents(fast, 2, seed=9)
    scales = {point.name: torch.ones(point.shape) for point in fast.points}
    kept = copy.copy(fast)
    kept.condition_follows_z = False
    for generator, seen in ((fast, z + 0.5), (kept, z)):
        pass_ = PerturbedPass(generator, scales, [1.0] + [0.0] * (len(fast.points) - 1))
        activation, condition = pass_.prefix(z, labels)
        image = pass_.image(activation, condition, labels, [torch.full_like(z, 0.5)])
        expected, condition = z + 0.5, fast.condition(seen, labels)
        for index in range(1, len(fast.points)):
            expected = fast.stage(index, expected, condition)
        torch.testing.assert_close(image, fast.to_image(expected))
    assert fast.condition_follows_z, "the copy is another generator"


def test_what_folding_replaces_is_let_go(plain, fast):
    assert not fast.state_dict().keys() & plain.state_dict().keys()
    stored = sum(values.numel() for values in fast.state_dict().values())
    assert stored < sum(values.numel() for values in plain.state_dict().values())


def test_a_generator_is_prepared_once_for_one_truncation(plain):
    fast = folded(plain, narrow(128), 0.5)
    z, labels = some_latents(fast, 1, seed=10)
    before = fast(z, labels)
    fast.prepare(0.5)
    assert torch.equal(fast(z, labels), before)
    with pytest.raises(ValueError, match=r"for truncation 0\.5 already.*again for 1"):
        fast.prepare(1.0)


@pytest.mark.parametrize("truncation", [0.0, -0.5, 1.5, float("nan")])
def test_a_truncation_outside_0_to_1_is_refused(truncation):
    with pytest.raises(ValueError, match="above 0 and at most 1"):
        BigGanDeep(narrow(128)).prepare(truncation)


def test_latents_at_truncation_1_are_standard_normal_and_not_cut(fast):
    assert torch.equal(fast.latent(7), torch.randn(128, generator=torch.Generator().manual_seed(7)))
    z = fast.latents(1000, torch.Generator().manual_seed(0)).flatten()
    assert z.abs().max() > 4
    assert stats.kstest(z.numpy(), "norm").pvalue > 0.01


@pytest.mark.parametrize("truncation", [0.4, 0.14])
def test_latents_below_truncation_1_are_a_scaled_normal_cut_at_two_deviations(plain, truncation):
    fast = folded(plain, narrow(128), truncation)
    z = fast.latents(1000, torch.Generator().manual_seed(0)).flatten()
    assert z.abs().max() <= 2 * truncation
    cut = stats.truncnorm(-2, 2, scale=truncation)
    assert stats.kstest(z.double().numpy(), cut.cdf).pvalue > 0.01


def test_a_seed_gives_the_same_latent_again_and_at_every_truncation_but_for_what_is_cut(plain):
    fast = folded(plain, narrow(128), 0.5)
    seeds = range(20)
    full = torch.stack(
        [torch.randn(128, generator=torch.Generator().manual_seed(s)) for s in seeds]
    )
    drawn = torch.stack([fast.latent(seed) for seed in seeds])
    assert torch.equal(drawn, torch.stack([fast.latent(seed) for seed in seeds]))
    inside = full.abs() <= 2
    assert 0 < (~inside).sum() < 0.1 * full.numel()
    assert torch.equal(drawn[inside], 0.5 * full[inside])
