"""The running average of a network's weights, which is what is kept of a training."""

from __future__ import annotations

import torch
from torch import nn


@torch.no_grad()
def follow(average: nn.Module, current: nn.Module, decay: float, done: int) -> None:
    """Move `average` towards `current` after batch number `done`, keeping the share `decay`.

    A young average would remember the random start, so at first it reaches back only over a tenth
    of the batches so far. Buffers (batch-norm statistics) are copied.
    """
    decay = min(decay, done / (done + 10))
    for kept, new in zip(average.parameters(), current.parameters(), strict=True):
        kept.lerp_(new, 1 - decay)
    for kept, new in zip(average.buffers(), current.buffers(), strict=True):
        kept.copy_(new)
