"""Each step of the folding, alone, against the package's own layers."""

from __future__ import annotations

import copy

import pytest
import torch
from pytorch_pretrained_biggan.model import BigGANBatchNorm, GenBlock
from torch import Tensor
from torch.nn import functional

from engine.generators.biggan_folded import (
    FoldedBlock,
    FoldedOutput,
    Modulation,
    modulated,
    remove_spectral_norm,
    statistics,
    upsampling_kernel,
)
from engine.generators.biggan_plain import PlainBigGan
from tests.engine.generators.biggan_models import narrow, random_biggan


@pytest.fixture(scope="module")
def plain() -> PlainBigGan:
    return random_biggan(narrow(128))


@pytest.fixture(scope="module")
def bare(plain: PlainBigGan) -> PlainBigGan:
    """In double precision, without spectral norm."""
    bare = copy.deepcopy(plain).double()
    remove_spectral_norm(bare)
    return bare


def normal(*shape: int, seed: int = 0) -> Tensor:
    draws = torch.Generator().manual_seed(seed)
    return torch.randn(shape, generator=draws, dtype=torch.float64)


def test_without_spectral_norm_the_image_is_the_same_bit_for_bit(plain):
    bare = copy.deepcopy(plain)
    remove_spectral_norm(bare)
    assert not any("weight_orig" in name for name in bare.state_dict())
    z, labels = normal(2, 128).float(), torch.tensor([3, 7])
    assert torch.equal(bare(z, labels), plain(z, labels))


@pytest.mark.parametrize(
    ("truncation", "rows"),
    [
        (1.0, {50: 1.0}),
        (0.02, {1: 1.0}),
        (0.14, {7: 1.0}),
        (0.28, {14: 1.0}),
        (0.56, {28: 1.0}),
        (0.58, {29: 1.0}),
        (0.94, {47: 1.0}),
        (0.25, {12: 0.5, 13: 0.5}),
        (0.305, {15: 0.75, 16: 0.25}),
        (0.999, {49: 0.05, 50: 0.95}),
    ],
)
def test_the_statistics_of_a_truncation_are_its_row_or_between_its_neighbours(truncation, rows):
    norm = BigGANBatchNorm(3, conditional=False)
    norm.running_means.copy_(normal(51, 3))
    norm.running_vars.copy_(normal(51, 3, seed=1).exp())
    for found, table in zip(
        statistics(norm, truncation), (norm.running_means, norm.running_vars), strict=True
    ):
        expected = sum(weight * table[row].double() for row, weight in rows.items())
        torch.testing.assert_close(found, expected, rtol=1e-12, atol=1e-12)


def test_upsampling_and_a_convolution_are_one_transposed_convolution():
    x, kernel = normal(2, 5, 6, 7), normal(4, 5, 3, 3, seed=1)
    torch.testing.assert_close(
        functional.conv_transpose2d(x, upsampling_kernel(kernel), stride=2, padding=1),
        functional.conv2d(functional.interpolate(x, scale_factor=2.0), kernel, padding=1),
    )


def blocks(model: PlainBigGan) -> list[GenBlock]:
    return [layer for layer in model.generator.layers if isinstance(layer, GenBlock)]


#: Blocks 0, 1, 3: the three kinds there are.
KINDS = {"same size": 0, "twice the size": 1, "twice the size, half the channels": 3}


@pytest.mark.parametrize("index", KINDS.values(), ids=KINDS)
@pytest.mark.parametrize("truncation", [1.0, 0.5])
def test_a_block_computes_what_the_packages_block_does(bare, index, truncation):
    block = blocks(bare)[index]
    modulation = Modulation(modulated(block), truncation)
    folded = FoldedBlock(block, 0)
    x, condition = normal(3, block.bn_0.num_features, 6, 6), normal(3, 256, seed=1)
    torch.testing.assert_close(
        folded(x, modulation(condition)), block(x, condition, truncation), rtol=1e-10, atol=1e-10
    )


@pytest.mark.parametrize("index", KINDS.values(), ids=KINDS)
def test_a_blocks_gradients_are_those_of_finite_differences(bare, index):
    folded = FoldedBlock(blocks(bare)[index], 0)
    x = normal(2, blocks(bare)[index].bn_0.num_features, 3, 3).requires_grad_()
    modulation = normal(2, folded.columns.stop, seed=1).requires_grad_()
    assert torch.autograd.gradcheck(folded, (x, modulation), fast_mode=True)


def test_a_block_reads_only_its_own_columns_of_the_modulation(bare):
    block = blocks(bare)[0]
    alone, among = FoldedBlock(block, 0), FoldedBlock(block, 11)
    x, modulation = normal(2, block.bn_0.num_features, 4, 4), normal(2, alone.columns.stop, seed=1)
    others = functional.pad(modulation, (11, 5), value=float("nan"))
    assert torch.equal(among(x, others), alone(x, modulation))


def test_of_the_rgb_convolution_the_three_channels_that_are_used_remain(bare):
    generator = bare.generator
    folded = FoldedOutput(generator.bn, generator.conv_to_rgb, 0.5)
    x = normal(2, 8, 16, 16)
    everything = generator.conv_to_rgb(generator.bn(x, 0.5).relu())
    assert folded.weight.shape[0] == 3 < everything.shape[1]
    torch.testing.assert_close(folded(x), everything[:, :3], rtol=1e-10, atol=1e-10)
