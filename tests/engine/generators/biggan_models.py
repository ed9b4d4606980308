"""BigGAN-deep with random weights that are alive, and the package with its two faults corrected."""

from __future__ import annotations

import math

import pytest
import torch
from pytorch_pretrained_biggan import BigGANConfig
from pytorch_pretrained_biggan.model import BigGANBatchNorm
from torch import Tensor, nn
from torch.nn import functional

from engine.generators.biggan import BigGanDeep
from engine.generators.biggan_plain import PlainBigGan
from engine.generators.biggan_points import configuration
from engine.generators.interface import Generator


def random_biggan(config: BigGANConfig, seed: int = 0) -> PlainBigGan:
    """The package with every parameter and every row of the statistics drawn at random.

    Two things that training gives are put in, or nothing would come out but infinities: u and v
    are the weights' first singular vectors, and the statistics are of the order of the
    activations' own, each row another.
    """
    draws = torch.Generator().manual_seed(seed)
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        plain = PlainBigGan(config)
    for module in plain.modules():
        if hasattr(module, "weight_orig"):
            _find_singular_vectors(module)
        if getattr(module, "bias", None) is not None:
            module.bias.data.normal_(0, 0.1, generator=draws)
        if hasattr(module, "gamma"):
            module.gamma.data.fill_(0.7)
        if isinstance(module, BigGANBatchNorm) and not module.conditional:
            module.weight.data.uniform_(0.5, 1.5, generator=draws)
    hooks = [
        module.register_forward_pre_hook(lambda norm, inputs: _draw_rows(norm, inputs[0], draws))
        for module in plain.modules()
        if isinstance(module, BigGANBatchNorm)
    ]
    plain.requires_grad_(False).eval()
    plain(*some_latents(plain, 4, seed))
    for hook in hooks:
        hook.remove()
    return plain


def folded(plain: PlainBigGan, config: BigGANConfig, truncation: float = 1.0) -> BigGanDeep:
    """The fast generator with the same weights, prepared; in the same precision."""
    fast = BigGanDeep(config).to(plain.embeddings.weight.dtype)
    fast.load_state_dict(plain.state_dict())
    fast.prepare(truncation)
    return fast


def narrow(resolution: int) -> BigGANConfig:
    """Every layer of the real architecture, with 8 channels where it has 128, for 10 labels."""
    return configuration(resolution, channel_width=8, label_count=10)


def some_latents(generator: Generator, count: int, seed: int) -> tuple[Tensor, Tensor]:
    """Latents in the generator's precision, and labels."""
    draws = torch.Generator().manual_seed(seed)
    z = torch.randn((count, *generator.points[0].shape), generator=draws)
    labels = torch.randint(generator.label_count, (count,), generator=draws)
    return z.to(next(generator.parameters()).dtype), labels


def correct_the_package(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its batch norm, line by line, but for the two lines that choose the statistics."""

    def forward(norm, x, truncation, condition_vector=None):
        coef, start_idx = math.modf(round(truncation / norm.step_size, 9))  # no float error
        start_idx = int(start_idx)
        if coef != 0.0:  # the nearer row weighs more
            mean = norm.running_means[start_idx] * (1 - coef) + (
                norm.running_means[start_idx + 1] * coef
            )
            variance = norm.running_vars[start_idx] * (1 - coef) + (
                norm.running_vars[start_idx + 1] * coef
            )
        else:
            mean = norm.running_means[start_idx]
            variance = norm.running_vars[start_idx]
        if not norm.conditional:
            return functional.batch_norm(
                x, mean, variance, norm.weight, norm.bias, training=False, eps=norm.eps
            )
        weight = 1 + norm.scale(condition_vector)[..., None, None]
        bias = norm.offset(condition_vector)[..., None, None]
        mean, variance = mean[:, None, None], variance[:, None, None]
        return (x - mean) / torch.sqrt(variance + norm.eps) * weight + bias

    monkeypatch.setattr(BigGANBatchNorm, "forward", forward)


def _find_singular_vectors(module: nn.Module) -> None:
    matrix = module.weight_orig.detach().flatten(1)
    for _ in range(5):
        module.weight_v.copy_(functional.normalize(matrix.t() @ module.weight_u, dim=0))
        module.weight_u.copy_(functional.normalize(matrix @ module.weight_v, dim=0))


def _draw_rows(norm: BigGANBatchNorm, x: Tensor, draws: torch.Generator) -> None:
    """51 rows: means within half a deviation, variances two to six times those of `x`."""
    mean, variance = x.mean((0, 2, 3)), x.var((0, 2, 3)) + 0.1 * x.var()
    shift, spread = torch.rand((2, *norm.running_means.shape), generator=draws)
    norm.running_means.copy_(mean + (shift - 0.5) * variance.sqrt())
    norm.running_vars.copy_(variance * (2 + 4 * spread))
