"""A rule's update as few kernels: one pass over p and its state instead of one an operation.

With BigGAN-deep-512 the traffic of an unfused update, not arithmetic, is what a GPU waits for.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from copy import deepcopy
from functools import lru_cache
from inspect import unwrap
from types import FunctionType

import torch
from torch import Tensor

from engine.experiment import Schedule
from engine.search.rule import Rule, Tested

#: Fused arithmetic may round otherwise: by this share of the largest value, and no more.
TOLERANCE = 1e-5
#: Updates compared, from a first one on: the bias corrections and the projection change with them.
COMPARED = 3
ROWS = 2
#: So many compiled updates are kept, one for each kind of batch that a process has searched.
KEPT = 16

Update = Callable[[Sequence[Tensor], Sequence[Tensor], Tested], Tensor]

log = logging.getLogger(__name__)


def fused_update(rule: Rule, perturbation: Sequence[Tensor]) -> Update:
    """The rule's `update`, compiled; the rule's own where this machine's compiler fails or differs.

    The two are compared on two rows of the same shapes with gradients drawn at random.
    """
    few = [torch.zeros_like(p[:ROWS], requires_grad=False) for p in perturbation]
    own, other = (type(rule)(rule.schedule, few) for _ in range(2))
    try:
        compiled = _compiled(type(rule), rule.schedule, tuple(p.shape for p in perturbation))
        agrees = _agree(own.update, lambda *given: compiled(other, *given), few)
    except Exception:  # whatever a compiler, or its absence, raises
        log.warning("The update runs as it is: it could not be compiled.", exc_info=True)
        return rule.update
    if not agrees:
        log.warning("The update runs as it is: compiled, it differs.")
        return rule.update
    return lambda *given: compiled(rule, *given)


@lru_cache(KEPT)
def _compiled(
    rule: type[Rule], schedule: Schedule, shapes: tuple[torch.Size, ...]
) -> Callable[..., Tensor]:
    """`rule.update` for one kind of batch, to be called without gradients.

    torch counts the variants that it has compiled of one code object, and after eight (`update` of
    four subsets) runs it as it is without a word. So every kind has a code object of its own.
    """
    update = unwrap(rule.update)  # torch counts those of what a decorator returns all together
    own = FunctionType(
        update.__code__.replace(), update.__globals__, update.__name__, update.__defaults__
    )
    return torch.compile(own, dynamic=False)


@torch.no_grad()
def _agree(one: Update, other: Update, few: Sequence[Tensor]) -> bool:
    draws = torch.Generator().manual_seed(0)
    mine, theirs = deepcopy(list(few)), deepcopy(list(few))
    rows, device = len(few[0]), few[0].device
    alive = torch.ones(rows, dtype=torch.bool, device=device)
    squares = torch.zeros(len(few), rows, device=device, dtype=few[0].dtype)
    for step in range(COMPARED):
        gradients = [torch.randn(p.shape, generator=draws).to(p) for p in few]
        loss = torch.ones(rows, device=device, dtype=few[0].dtype)
        steps = torch.full((rows,), step, dtype=torch.int64, device=device)
        tested = Tested(steps, squares, loss, -loss, ~alive, alive)
        squares = one(mine, gradients, tested)
        pairs = [(squares, other(theirs, gradients, tested)), *zip(mine, theirs, strict=True)]
        if not all(_close(a, b) for a, b in pairs):
            return False
    return True


def _close(a: Tensor, b: Tensor) -> bool:
    return bool((a - b).abs().max() <= TOLERANCE * a.abs().max())
