"""The compiled update is the rule's own, or is not used."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import replace
from functools import partial

import pytest
import torch
from torch._dynamo.testing import CompileCounter

from engine.experiment import SCHEDULES
from engine.search import fused
from engine.search import rule as rules
from engine.search.fused import fused_update
from engine.search.minimum_norm import MinimumNorm
from engine.search.relaxation import Relaxation

SHAPES = [(12,), (3, 8, 8)]
ROWS = 5


@pytest.fixture(autouse=True)
def compiled_anew() -> Iterator[None]:
    """No test meets what another has compiled."""
    fused._compiled.cache_clear()
    yield
    fused._compiled.cache_clear()


def zeros() -> list[torch.Tensor]:
    return [torch.zeros(ROWS, *shape, requires_grad=True) for shape in SHAPES]


def course(rule, update, steps: int = 6) -> list[torch.Tensor]:
    """p after some updates with the same gradients; the last row is over all along."""
    draws = torch.Generator().manual_seed(3)
    p = zeros()
    squares = torch.zeros(len(SHAPES), ROWS)
    alive = torch.tensor([True] * (ROWS - 1) + [False])
    for step in range(steps):
        gradients = [torch.randn(tensor.shape, generator=draws) for tensor in p]
        fooled = alive & (torch.rand(ROWS, generator=draws) > 0.7)
        loss = torch.where(fooled, -0.3, 0.7)
        counts = torch.full((ROWS,), step)
        with torch.no_grad():
            squares = update(
                p, gradients, rules.Tested(counts, squares, loss, -loss, fooled, alive)
            )
    return [*(tensor.detach() for tensor in p), squares]


@pytest.mark.skipif(shutil.which("g++") is None, reason="compiling for a processor needs g++")
@pytest.mark.parametrize(
    ("rule", "schedule"), [(Relaxation, "imagenet"), (MinimumNorm, "minimum-norm")]
)
def test_the_compiled_update_moves_p_as_the_rule_does(rule, schedule, caplog) -> None:
    schedule = replace(SCHEDULES[schedule], budget=20)
    own, compiled = rule(schedule, zeros()), rule(schedule, zeros())
    update = fused_update(compiled, zeros())
    assert "runs as it is" not in caplog.text, "it was compiled, and agreed"
    assert update != compiled.update
    for one, other in zip(course(own, own.update), course(compiled, update), strict=True):
        assert torch.allclose(one, other, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("fault", ["fails", "differs"])
def test_a_compiler_that_fails_or_differs_is_not_used(fault, monkeypatch, caplog) -> None:
    """The compiler is the one thing here that cannot be had broken: it is replaced by one."""

    def broken(function, **settings):
        def update(rule, p, gradients, tested):
            if fault == "fails":
                raise RuntimeError("no compiler")
            return 1.01 * function(rule, p, gradients, tested)

        return update

    monkeypatch.setattr(torch, "compile", broken)
    rule = Relaxation(SCHEDULES["imagenet"], zeros())
    assert fused_update(rule, zeros()) == rule.update
    assert "runs as it is" in caplog.text


def test_every_kind_of_batch_that_a_process_searches_is_compiled(monkeypatch) -> None:
    """torch gives up after eight variants of one function: two a kind, the compared and its own."""
    counter = CompileCounter()
    monkeypatch.setattr(torch, "compile", partial(torch.compile, backend=counter))
    for kind in range(1, 6):
        rule = Relaxation(replace(SCHEDULES["imagenet"], budget=20 + kind), zeros())
        course(rule, fused_update(rule, zeros()), steps=1)
        assert counter.frame_count == 2 * kind
