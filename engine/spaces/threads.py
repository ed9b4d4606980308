"""Whole batches side by side, each with one thread of torch.

Small pictures leave the threads of a single operation waiting for each other, the more so where
other processes want the cores too.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from functools import cache
from typing import TypeVar

import torch

Part = TypeVar("Part")
Made = TypeVar("Made")


def side_by_side(
    work: Callable[[Part], Made], parts: Sequence[Part], stop: Callable[[], bool] = lambda: False
) -> Iterator[Made]:
    """What `work` makes of each part, in order, by as many threads as torch has.

    Once `stop` says True no part is begun any more; those that were are still yielded.
    """
    threads = min(torch.get_num_threads(), len(parts))
    if threads <= 1:
        for part in parts:
            if stop():
                return
            yield work(part)
        return
    given = torch.get_num_threads()
    # MKL's number is the whole process's, OpenMP's each thread's own.
    torch.set_num_threads(1)
    running: deque[Future[Made]] = deque()
    try:
        for part in parts:
            if len(running) > threads:
                yield running.popleft().result()
            if stop():
                break
            running.append(_pool(given).submit(work, part))
        while running:
            yield running.popleft().result()
    finally:
        wait(running)
        torch.set_num_threads(given)


@cache
def _pool(threads: int) -> ThreadPoolExecutor:
    """Kept: regions ask hundreds of times a second."""
    return ThreadPoolExecutor(threads, "side-by-side", torch.set_num_threads, (1,))
