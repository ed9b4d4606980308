"""BigGAN-deep at 128, 256 and 512 pixels: the layers, the points between them, the presets."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from engine.generators.interface import Point

if TYPE_CHECKING:
    from pytorch_pretrained_biggan import BigGANConfig

#: A residual block: does it upsample, channels in, channels out (in units of the channel width).
Layer = tuple[bool, int, int]

#: Brock et al. 2019, appendix B. For 256 pixels, the package's JSON of this configuration has the
#: published file's sha256, edd106f6…; `tests/engine/generators/test_biggan_points.py` checks that.
LAYERS: dict[int, tuple[Layer, ...]] = {
    128: (
        (False, 16, 16),
        (True, 16, 16),
        (False, 16, 16),
        (True, 16, 8),
        (False, 8, 8),
        (True, 8, 4),
        (False, 4, 4),
        (True, 4, 2),
        (False, 2, 2),
        (True, 2, 1),
    ),
    256: (
        (False, 16, 16),
        (True, 16, 16),
        (False, 16, 16),
        (True, 16, 8),
        (False, 8, 8),
        (True, 8, 8),
        (False, 8, 8),
        (True, 8, 4),
        (False, 4, 4),
        (True, 4, 2),
        (False, 2, 2),
        (True, 2, 1),
    ),
    512: (
        (False, 16, 16),
        (True, 16, 16),
        (False, 16, 16),
        (True, 16, 8),
        (False, 8, 8),
        (True, 8, 8),
        (False, 8, 8),
        (True, 8, 4),
        (False, 4, 4),
        (True, 4, 2),
        (False, 2, 2),
        (True, 2, 1),
        (False, 1, 1),
        (True, 1, 1),
    ),
}

#: How many points the presets first, middle and last take, by the resolution. Together they are
#: all points (Dunn et al. 2020 have six each, of the 18 at 512 pixels).
THIRDS: dict[int, tuple[int, int, int]] = {128: (4, 6, 4), 256: (5, 6, 5), 512: (6, 6, 6)}
_NUMBERS = {4: "four", 5: "five", 6: "six"}

#: What all three have in common: the size of z, the width in channels, and before which block
#: attention comes.
LATENT, WIDTH, ATTENTION = 128, 128, 8


def configuration(
    resolution: int, *, channel_width: int = WIDTH, label_count: int = 1000
) -> BigGANConfig:
    """The package's configuration at 128, 256 or 512 pixels; the published width is 128."""
    if resolution not in LAYERS:
        sizes = ", ".join(str(size) for size in LAYERS)
        raise ValueError(f"There is no BigGAN-deep of {resolution} pixels; there are {sizes}.")
    from pytorch_pretrained_biggan import BigGANConfig  # here: a second to import

    return BigGANConfig(
        output_dim=resolution,
        z_dim=LATENT,
        channel_width=channel_width,
        num_classes=label_count,
        layers=list(LAYERS[resolution]),
        attention_layer_position=ATTENTION,
    )


def cut_points(config: BigGANConfig) -> tuple[Point, ...]:
    """z; the linear layer's tensor; every block, and the attention, in order; RGB before tanh.

    Blocks are numbered as in the package, from 0: attention comes before block 8.
    """
    return _points(
        config.layers, config.z_dim, config.channel_width, config.attention_layer_position
    )


def published_points(resolution: int) -> tuple[Point, ...]:
    """The points of the published generator at 128, 256 or 512 pixels."""
    return _points(LAYERS[resolution], LATENT, WIDTH, ATTENTION)


def _points(layers: Sequence[Layer], latent: int, width: int, attention: int) -> tuple[Point, ...]:
    size = 4
    points = [Point("z", (latent,)), Point("linear", (16 * width, size, size))]
    for index, (upsamples, channels_in, channels_out) in enumerate(layers):
        if index == attention:
            points.append(Point("attention", (channels_in * width, size, size)))
        size *= 2 if upsamples else 1
        points.append(Point(f"block-{index}", (channels_out * width, size, size)))
    return (*points, Point("rgb", (3, size, size)))


def presets(resolution: int) -> dict[str, tuple[str, ...]]:
    """Point names by the preset's name: all, and for 512 pixels first six, middle six, last six."""
    names = tuple(point.name for point in published_points(resolution))
    first, middle, last = THIRDS[resolution]
    return {
        "all": names,
        f"first {_NUMBERS[first]}": names[:first],
        f"middle {_NUMBERS[middle]}": names[first : first + middle],
        f"last {_NUMBERS[last]}": names[-last:],
    }
