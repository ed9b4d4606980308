"""Spaces inside a generator: principal components, and from one source to another."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from engine.spaces.description import GeneratedSource, LatentInterpolation, PrincipalDirections
from engine.spaces.directions import _between, interpolation_space, principal_space
from engine.spaces.principal import cached_components, principal_components


def activations(generator, count, point, label, seed):
    """The samples that the components come from, one pass, by hand."""
    draws = torch.Generator().manual_seed(seed)
    z = generator.latents(count, draws)
    labels = torch.randint(10, (count,), generator=draws)
    labels = torch.full_like(labels, label) if label is not None else labels
    with torch.no_grad():
        condition, activation = generator.condition(z, labels), z
        for index in range(1, point + 1):
            activation = generator.stage(index, activation, condition)
    return activation.flatten(1).double().numpy()


@pytest.mark.parametrize(("name", "index", "label"), [("fc-64", 1, None), ("conv-1", 2, 3)])
def test_components_are_those_of_the_covariance(mnist_conv, name, index, label):
    found = principal_components(mnist_conv.module, name, label=label, samples=200, seed=1)
    rows = activations(mnist_conv.module, 200, index, label, 1)
    rows -= rows.mean(0)
    _, lengths, vectors = np.linalg.svd(rows, full_matrices=False)
    np.testing.assert_allclose(found.deviations, lengths[:20] / np.sqrt(199), rtol=1e-3)
    np.testing.assert_allclose(found.explained, lengths[:20] ** 2 / (lengths**2).sum(), rtol=1e-3)
    flat = found.directions.flatten(1).double().numpy()
    np.testing.assert_allclose(flat @ flat.T, np.eye(20), atol=1e-3)
    np.testing.assert_allclose(np.abs((flat[:3] * vectors[:3]).sum(1)), 1, atol=1e-3)
    assert (np.take_along_axis(flat, np.abs(flat).argmax(1)[:, None], 1) > 0).all()


def test_components_are_computed_once(mnist_conv, tmp_path):
    told = []

    def get(**changes):
        told.clear()
        return cached_components(
            tmp_path / "components",
            mnist_conv.module,
            "checksum",
            "fc-64",
            samples=64,
            on_progress=lambda done, total: told.append((done, total)),
            **changes,
        )

    first = get()
    assert told[-1] == (64, 64)
    again = get()
    assert not told
    assert torch.equal(first.directions, again.directions)
    assert first.samples == again.samples == 64
    get(seed=1)
    assert told, "another seed is another computation"
    [one, *_] = (tmp_path / "components").iterdir()
    one.write_bytes(one.read_bytes()[:50])  # as if ended while it was written
    for seed in (0, 1):
        assert get(seed=seed).samples == 64


def test_the_source_moves_along_components_in_standard_deviations(mnist_conv):
    source = GeneratedSource("mnist-conv", mnist_conv.checksum, 3, 11)
    components = principal_components(mnist_conv.module, "fc-64", samples=200)
    described = PrincipalDirections(source, "fc-64", (0, 2), samples=200)
    space = principal_space(described, mnist_conv.module, components)
    generator = mnist_conv.module
    z, label = generator.latent(11)[None], torch.tensor([3])
    with torch.no_grad():
        condition = generator.condition(z, label)
        activation = generator.stage(1, z, condition)
        for number, amount in ((0, 1.5), (2, -2.0)):
            move = amount * components.deviations[number] * components.directions[number]
            activation = activation + move
        for index in range(2, 7):
            activation = generator.stage(index, activation, condition)
    moved = space.images(np.array([[1.5, -2.0]]))
    torch.testing.assert_close(moved, activation.clamp(0, 1), atol=1e-5, rtol=0)
    source_image = generator(z, label).clamp(0, 1)
    torch.testing.assert_close(space.images(np.zeros((1, 2))), source_image, atol=1e-5, rtol=0)


def test_what_a_generator_has_not_is_named(mnist_conv):
    with pytest.raises(ValueError, match=r"There is no point “conv-9”.*fc-784"):
        principal_components(mnist_conv.module, "conv-9")
    components = principal_components(mnist_conv.module, "fc-64", samples=8)
    source = GeneratedSource("mnist-conv", mnist_conv.checksum, 3, 11)
    for chosen, message in (((9,), "no component 10"), ((0, 1, 2), "one or two")):
        with pytest.raises(ValueError, match=message):
            principal_space(
                PrincipalDirections(source, "fc-64", chosen), mnist_conv.module, components
            )


@pytest.mark.parametrize("spherical", [True, False])
def test_an_interpolation_begins_and_ends_with_its_sources(mnist_conv, spherical):
    one = GeneratedSource("mnist-conv", mnist_conv.checksum, 3, 11)
    other = replace(one, label=8, seed=12)
    space = interpolation_space(LatentInterpolation(one, other, spherical), mnist_conv.module)
    got = space.images(np.array([[0, 0], [1, 1], [0, 1]]))
    generator = mnist_conv.module
    z = torch.stack([generator.latent(seed) for seed in (11, 12, 11)])
    expected = generator(z, torch.tensor([3, 8, 8])).clamp(0, 1)
    torch.testing.assert_close(got, expected, atol=1e-5, rtol=0)


def test_with_one_label_only_the_latent_is_mixed(mnist_conv):
    one = GeneratedSource("mnist-conv", mnist_conv.checksum, 3, 11)
    described = LatentInterpolation(one, replace(one, seed=12))
    space = interpolation_space(described, mnist_conv.module)
    assert [axis.name for axis in space.axes] == ["latent"]
    assert space.pixels([[0.5]]).shape == (1, 28, 28, 1)
    with pytest.raises(ValueError, match="different generators"):
        interpolation_space(
            replace(described, second=replace(one, checksum="x")), mnist_conv.module
        )


def test_spherical_interpolation_keeps_the_length():
    start, end = torch.tensor([3.0, 0.0]), torch.tensor([0.0, 3.0])
    share = torch.tensor([[0.0], [1 / 3], [1.0]])
    between = _between(start, end, share)
    expected = 3 * torch.tensor([[1, 0], [np.sqrt(3) / 2, 0.5], [0, 1]], dtype=torch.float32)
    torch.testing.assert_close(between, expected)
    torch.testing.assert_close(_between(start, start, share), start.expand(3, 2))
