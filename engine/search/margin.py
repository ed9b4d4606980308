"""Margins: how far a classifier is from, or beyond, being fooled."""

from __future__ import annotations

import torch
from torch import Tensor

#: In a tensor of targets, "any label but y".
UNTARGETED = -1


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
