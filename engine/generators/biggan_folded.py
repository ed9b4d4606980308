"""BigGAN-deep's layers as a search runs them: one truncation, frozen, everything constant folded.

Each class takes a layer of `pytorch-pretrained-biggan` (spectral norm already removed) and computes
the same function of its input, up to rounding:

- A conditional batch norm, at one truncation, is x·s(c) + t(c) with s and t affine in the condition
  c; so are the biases of the convolution before it. All of a generator's s and t come from one
  matrix, computed once a condition rather than once a stage: see `Modulation`.
- Nearest upsampling and the 3×3 convolution after it are one transposed convolution of 4×4, with
  stride 2 and 4/9 of the arithmetic: see `upsampling_kernel`.
- Weights are kept in `channels_last`, and so is every activation.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from pytorch_pretrained_biggan.model import BigGANBatchNorm, GenBlock, SelfAttn
from torch import Tensor, nn
from torch.autograd.function import FunctionCtx, once_differentiable
from torch.nn import functional

#: Truncations closer than this to a row of the statistics are that row.
ROW_TOLERANCE = 1e-6


def remove_spectral_norm(module: nn.Module) -> None:
    """Replace every spectrally normalised weight by what it is in eval mode, bit for bit."""
    for part in module.modules():
        if hasattr(part, "weight_orig"):
            nn.utils.remove_spectral_norm(part)


def statistics(norm: BigGANBatchNorm, truncation: float) -> tuple[Tensor, Tensor]:
    """The running mean and variance (channels,) at `truncation`, row i being that of i/50.

    Between two rows they are interpolated. The package's own code swaps the two weights of the
    interpolation, and where truncation/0.02 is not exact in binary (0.14, 0.28, 0.56, 0.58, 0.94)
    it thereby reads the neighbouring row.
    """
    means, variances = norm.running_means.double(), norm.running_vars.double()
    position = truncation * (len(means) - 1)
    row = round(position)
    if abs(position - row) < ROW_TOLERANCE:
        return means[row], variances[row]
    row = int(position)
    above = position - row
    return (
        (1 - above) * means[row] + above * means[row + 1],
        (1 - above) * variances[row] + above * variances[row + 1],
    )


class Modulation(nn.Module):
    """The scales s and shifts t of all conditional batch norms, from the condition.

    Each norm with mean μ, variance v and the bias b of the convolution before it is
    (x + b − μ)/√(v + ε)·(1 + S c) + O c, that is x·s + t with
    s = i + i·S c and t = k + (O + k·S) c, where i = 1/√(v + ε) and k = i·(b − μ).
    """

    def __init__(
        self, norms: Sequence[tuple[BigGANBatchNorm, Tensor | None]], truncation: float
    ) -> None:
        super().__init__()
        weights, biases = [], []
        for norm, bias in norms:
            mean, variance = statistics(norm, truncation)
            inverse = (variance + norm.eps).rsqrt()
            constant = inverse * ((0 if bias is None else bias.double()) - mean)
            scale, offset = norm.scale.weight.double(), norm.offset.weight.double()
            weights += [inverse[:, None] * scale, offset + constant[:, None] * scale]
            biases += [inverse, constant]
        dtype = norms[0][0].running_means.dtype
        self.weight = _constant(torch.cat(weights).to(dtype))
        self.bias = _constant(torch.cat(biases).to(dtype))

    def forward(self, condition: Tensor) -> Tensor:
        """(B, c) → (B, s and t of every norm, one after another)."""
        return functional.linear(condition, self.weight, self.bias)


class FoldedBlock(nn.Module):
    """A residual block. `modulation` is the whole generator's; the block reads its own columns."""

    def __init__(self, block: GenBlock, first_column: int) -> None:
        super().__init__()
        self.upsamples: bool = block.up_sample
        self.sizes = [size for norm in norms_of(block) for size in 2 * [norm.num_features]]
        self.columns = slice(first_column, first_column + sum(self.sizes))
        kernel = block.conv_1.weight
        self.reduce = _kernel(block.conv_0.weight)
        self.first = _kernel(upsampling_kernel(kernel) if self.upsamples else kernel)
        self.second = _kernel(block.conv_2.weight)
        self.expand = _kernel(block.conv_3.weight)
        self.bias = _constant(block.conv_3.bias)

    def forward(self, x: Tensor, modulation: Tensor) -> Tensor:
        """(B, C, H, W) and (B, m) → (B, C', H', W')."""
        x = x.contiguous(memory_format=torch.channels_last)
        return _Residual.apply(x, modulation[:, self.columns], self)

    def convolve(self, h: Tensor, index: int) -> Tensor:
        """The block's convolution `index`, 0 to 3."""
        match index:
            case 0:
                return functional.conv2d(h, self.reduce)
            case 1 if self.upsamples:
                return functional.conv_transpose2d(h, self.first, stride=2, padding=1)
            case 1:
                return functional.conv2d(h, self.first, padding=1)
            case 2:
                return functional.conv2d(h, self.second, padding=1)
            case _:
                return functional.conv2d(h, self.expand, self.bias)

    def convolve_back(self, gradient: Tensor, h: Tensor, index: int) -> Tensor:
        """The gradient at `h`, whose values do not matter, from that after convolution `index`."""
        weight = (self.reduce, self.first, self.second, self.expand)[index]
        stride, transposed = (2, True) if index == 1 and self.upsamples else (1, False)
        padding = 0 if index in (0, 3) else 1
        return torch.ops.aten.convolution_backward(
            gradient,
            h,
            weight,
            None,
            [stride, stride],
            [padding, padding],
            [1, 1],
            transposed,
            [0, 0],
            1,
            [True, False, False],
        )[0]


class _Residual(torch.autograd.Function):
    """A block's forward and backward pass, written out.

    Only the inputs of its four norms are kept for the backward pass; their ReLUs' masks are
    computed again, which takes less time than to keep what comes after them takes memory.
    """

    @staticmethod
    def forward(ctx: FunctionCtx, x: Tensor, modulation: Tensor, block: FoldedBlock) -> Tensor:
        scales, shifts = _split(modulation, block.sizes)
        inputs, h = [], x
        for index in range(4):
            inputs.append(h)
            h = torch.addcmul(shifts[index], h, scales[index]).relu_()
            h = block.convolve(h, index)
        shortcut = x[:, : h.shape[1]]
        if block.upsamples:
            # Each pixel of the shortcut is added to the four it becomes.
            _by_fours(h).add_(shortcut[:, :, :, None, :, None])
        else:
            h += shortcut
        ctx.block = block
        ctx.save_for_backward(modulation, *inputs)
        return h

    @staticmethod
    @once_differentiable
    def backward(ctx: FunctionCtx, gradient: Tensor) -> tuple[Tensor, Tensor | None, None]:
        block = ctx.block
        modulation, *inputs = ctx.saved_tensors
        scales, shifts = _split(modulation, block.sizes)
        towards_modulation: list[Tensor] = []
        h = gradient
        for index in reversed(range(4)):
            h = block.convolve_back(h, inputs[index], index)
            mask = torch.addcmul(shifts[index], inputs[index], scales[index])
            h = torch.ops.aten.threshold_backward(h, mask, 0)
            if ctx.needs_input_grad[1]:
                of_scale = (h * inputs[index]).sum((2, 3))
                towards_modulation[:0] = [of_scale, h.sum((2, 3))]
            if index:
                h *= scales[index]
        if block.upsamples:
            gradient = functional.avg_pool2d(gradient, 2, divisor_override=1)
        if h.shape == gradient.shape:
            h = torch.addcmul(gradient, h, scales[0])
        else:
            h *= scales[0]
            h[:, : gradient.shape[1]] += gradient
        return h, torch.cat(towards_modulation, 1) if towards_modulation else None, None


class FoldedAttention(nn.Module):
    """Self-attention: its three projections are one convolution, and γ is part of the last."""

    def __init__(self, attention: SelfAttn) -> None:
        super().__init__()
        projections = (attention.snconv1x1_theta, attention.snconv1x1_phi, attention.snconv1x1_g)
        self.sizes = [projection.out_channels for projection in projections]
        self.project = _kernel(torch.cat([projection.weight for projection in projections]))
        self.merge = _kernel(attention.gamma * attention.snconv1x1_o_conv.weight)

    def forward(self, x: Tensor, modulation: Tensor) -> Tensor:
        """(B, C, H, W) → the same shape; `modulation` is not used."""
        x = x.contiguous(memory_format=torch.channels_last)
        size = self.sizes[0]
        queries, rest = functional.conv2d(x, self.project).tensor_split([size], 1)
        keys, values = _rows(functional.max_pool2d(rest, 2)).tensor_split([size], 2)
        attended = (_rows(queries) @ keys.mT).softmax(-1) @ values
        attended = attended.mT.unflatten(2, x.shape[2:])
        return functional.conv2d(attended, self.merge) + x


class FoldedLinear(nn.Module):
    """The linear layer: z and the label's embedding → (B, C, 4, 4)."""

    def __init__(self, linear: nn.Linear) -> None:
        super().__init__()
        self.weight = _constant(linear.weight)
        self.bias = _constant(linear.bias)

    def forward(self, condition: Tensor) -> Tensor:
        """(B, c) → (B, C, 4, 4); channels come last in the layer's own order."""
        flat = functional.linear(condition, self.weight, self.bias)
        return flat.unflatten(1, (4, 4, -1)).permute(0, 3, 1, 2)


class FoldedOutput(nn.Module):
    """Batch norm, ReLU and the RGB convolution, of whose channels the package uses three."""

    def __init__(self, norm: BigGANBatchNorm, convolution: nn.Conv2d, truncation: float) -> None:
        super().__init__()
        mean, variance = statistics(norm, truncation)
        scale = norm.weight.double() / (variance + norm.eps).sqrt()
        shift = norm.bias.double() - mean * scale
        dtype = norm.weight.dtype
        self.scale = _constant(scale.to(dtype)[:, None, None])
        self.shift = _constant(shift.to(dtype)[:, None, None])
        self.weight = _kernel(convolution.weight[:3])
        self.bias = _constant(convolution.bias[:3])

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, H, W) → (B, 3, H, W), before the tanh."""
        x = x.contiguous(memory_format=torch.channels_last)
        h = torch.addcmul(self.shift, x, self.scale).relu_()
        return functional.conv2d(h, self.weight, self.bias, padding=1)


def norms_of(block: GenBlock) -> list[BigGANBatchNorm]:
    """A block's four conditional batch norms, in order."""
    return [block.bn_0, block.bn_1, block.bn_2, block.bn_3]


def modulated(block: GenBlock) -> list[tuple[BigGANBatchNorm, Tensor | None]]:
    """A block's norms, each with the bias of the convolution just before it inside the block."""
    biases = [None, block.conv_0.bias, block.conv_1.bias, block.conv_2.bias]
    return list(zip(norms_of(block), biases, strict=True))


def upsampling_kernel(kernel: Tensor) -> Tensor:
    """A transposed convolution's (in, out, 4, 4) for upsampling before a 3×3 (out, in, 3, 3).

    After nearest upsampling, an even row sees the rows a | b+c of the kernel over two rows of the
    input, an odd one a+b | c. With stride 2 and padding 1 that is the kernel c, b+c, a+b, a; and
    the same along the other axis.
    """
    exact = kernel.double().transpose(0, 1)
    for axis in (2, 3):
        a, b, c = exact.unbind(axis)
        exact = torch.stack([c, b + c, a + b, a], axis)
    return exact.to(kernel)


def _split(modulation: Tensor, sizes: list[int]) -> tuple[Sequence[Tensor], Sequence[Tensor]]:
    """A block's scales and shifts, each (B, C, 1, 1)."""
    parts = modulation[:, :, None, None].split(sizes, 1)
    return parts[0::2], parts[1::2]


def _by_fours(x: Tensor) -> Tensor:
    """A view (B, C, H/2, 2, W/2, 2) of (B, C, H, W)."""
    return x.unflatten(3, (-1, 2)).unflatten(2, (-1, 2))


def _rows(x: Tensor) -> Tensor:
    """(B, C, H, W) → (B, H·W, C), a view where channels come last."""
    return x.flatten(2).mT


def _constant(values: Tensor) -> nn.Parameter:
    return nn.Parameter(values.detach().clone(), requires_grad=False)


def _kernel(weight: Tensor) -> nn.Parameter:
    return _constant(weight.contiguous(memory_format=torch.channels_last))
