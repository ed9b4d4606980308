"""Margins: how far a classifier is from, or beyond, being fooled."""

from __future__ import annotations

import torch
from torch import Tensor

#: In a tensor of targets, "any label but y".
UNTARGETED = -1

#: Rounding to 8 bits errs evenly within half a step either way: the deviation of one channel.
ROUNDING_DEVIATION = 1 / 255 / 12**0.5
#: The margin may move by this many deviations of what independent errors do to first order.
#: Measured: at most 15 (`python -m benchmarks.rounding_reach`).
ROUNDING_REACH = 32


def margins(logits: Tensor, labels: Tensor, targets: Tensor) -> Tensor:
    """f_t − max_{j≠t} f_j; untargeted: max_{j≠y} f_j − f_y. Positive means fooled.

    logits: (B, classes); labels, targets: (B,) int64, `UNTARGETED` where any wrong label will do.
    """
    targeted = targets != UNTARGETED
    anchor = torch.where(targeted, targets, labels).unsqueeze(1)
    own = logits.gather(1, anchor).squeeze(1)
    others = logits.scatter(1, anchor, -torch.inf).amax(1)
    return torch.where(targeted, own - others, others - own)


def relaxation_loss(margin: Tensor, targets: Tensor) -> Tensor:
    """ℓ = max_j f_j − f_t (Dunn et al. 2020, section 4), which is 0 once the float image fools.

    Untargeted: f_y − max_{j≠y} f_j, which goes on falling.
    """
    return torch.where(targets != UNTARGETED, (-margin).clamp(min=0), -margin)


def in_reach_of_rounding(margin: Tensor, image_gradients: Tensor) -> Tensor:
    """Where an image that does not fool may do so once it is rounded to 8 bits: (B,) bool.

    margin: (B,), of the float images; image_gradients: (B, C, H, W), of what is minimised, which
    falls as the margin rises (untargeted, minimum-norm: as that towards one rival rises). A broken
    margin is in reach, since what is not finite must be found out.
    """
    reach = ROUNDING_REACH * ROUNDING_DEVIATION * image_gradients.flatten(1).norm(dim=1)
    return ~(margin < -reach)
