"""A step as a CUDA graph: all of its kernels launched at once, and the host waits for none."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache

import torch

from engine.search.memory import ran_out

#: Passes that libraries and the allocator settle in; one more shows that the step never waits.
WARM_UPS = 2

log = logging.getLogger(__name__)


def captured(step: Callable[[], None], device: torch.device) -> torch.cuda.CUDAGraph | None:
    """The step on this GPU, to be replayed; None where it cannot be: it is run step by step.

    That is where a model asks its device for a value, or where its shapes depend on values. The
    step is made a few times meanwhile. Raises what `ran_out` knows when memory ends.
    """
    # Whatever happens, back to this stream: a failed capture leaves torch 2.11 on its own.
    with torch.cuda.device(device), torch.cuda.stream(torch.cuda.current_stream(device)):
        try:
            return _capture(step, _stream(device))
        except RuntimeError as error:
            if ran_out(error):
                raise
            log.warning("Searching without a CUDA graph, for a model cannot be captured: %s", error)
            torch.cuda.synchronize(device)
            return None


def _capture(step: Callable[[], None], stream: torch.cuda.Stream) -> torch.cuda.CUDAGraph:
    stream.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(stream):
        for _ in range(WARM_UPS):
            step()
        with _waiting_refused():
            step()
    torch.cuda.current_stream().wait_stream(stream)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph, stream=stream):
        step()
    return graph


@cache
def _stream(device: torch.device) -> torch.cuda.Stream:
    """One a device: each stream takes work space for matrix products, and keeps it."""
    return torch.cuda.Stream(device)


@contextmanager
def _waiting_refused() -> Iterator[None]:
    """A RuntimeError where the host would wait for the device.

    To meet that during the capture would break it, and torch's allocator with it.
    """
    before = torch.cuda.get_sync_debug_mode()
    torch.cuda.set_sync_debug_mode("error")
    try:
        yield
    finally:
        torch.cuda.set_sync_debug_mode(before)
