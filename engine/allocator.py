"""The C library's allocator, told how this process uses memory.

By default glibc maps every large tensor anew and returns it at once: at every step the kernel hands
out zeroed pages again. `benchmarks.processor_settings` measures what keeping them saves. The memory
that the largest step needed stays with the process.

And it gives up to eight arenas a core to threads, each of which keeps the pages of what was freed
in it. A server whose every answer is a thread of its own grows by that for hours
(`tests/soak/test_load.py`); its threads hold Python's interpreter while they ask for memory, so
they gain nothing by arenas of their own.
"""

from __future__ import annotations

import ctypes
import sys

# malloc.h's M_TRIM_THRESHOLD, M_TOP_PAD, M_MMAP_MAX, M_ARENA_MAX.
TRIM_THRESHOLD, TOP_PAD, MMAP_MAX, ARENA_MAX = -1, -2, -4, -8
#: Memory is asked for in pieces of this size, and given back above the largest threshold there is.
PIECE, LARGEST = 64 * 2**20, 2**31 - 1
#: So many arenas serve all threads of a server.
ARENAS = 2


def keep_freed_memory() -> bool:
    """For a process of torch. False, and nothing done, with another C library than glibc."""
    return _told({MMAP_MAX: 0, TRIM_THRESHOLD: LARGEST, TOP_PAD: PIECE})


def share_arenas() -> bool:
    """For a server of many short threads. False, and nothing done, with another C library."""
    return _told({ARENA_MAX: ARENAS})


def _told(settings: dict[int, int]) -> bool:
    if not sys.platform.startswith("linux"):
        return False
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is None:
        return False
    return all(mallopt(setting, value) == 1 for setting, value in settings.items())
