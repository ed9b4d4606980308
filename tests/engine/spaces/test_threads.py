"""Parts side by side: in order, stoppable, and torch's threads given back whatever happens."""

from __future__ import annotations

import threading

import pytest
import torch

from engine.spaces.threads import side_by_side


@pytest.fixture(params=[1, 3])
def threads(request):
    before = torch.get_num_threads()
    torch.set_num_threads(request.param)
    yield request.param
    assert torch.get_num_threads() == request.param
    torch.set_num_threads(before)


def test_what_is_made_comes_in_order(threads):
    assert list(side_by_side(lambda part: part * part, range(50))) == [n * n for n in range(50)]
    assert list(side_by_side(lambda part: part, [])) == []


def test_parts_are_made_at_the_same_time():
    before = torch.get_num_threads()
    torch.set_num_threads(3)
    together = threading.Barrier(3, timeout=30)
    assert len(list(side_by_side(lambda part: together.wait(), range(3)))) == 3
    torch.set_num_threads(before)


def test_after_a_stop_no_part_is_begun(threads):
    begun = []
    answers = iter([False, False, True])
    parts = side_by_side(lambda part: begun.append(part) or part, range(50), lambda: next(answers))
    assert list(parts) == [0, 1]
    assert sorted(begun) == [0, 1]


def test_an_error_is_the_callers(threads):
    def fails(part):
        raise ZeroDivisionError(part)

    with pytest.raises(ZeroDivisionError):
        list(side_by_side(fails, range(5)))
