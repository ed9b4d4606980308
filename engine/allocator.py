"""The C library's allocator, told to keep what torch gives back.

By default glibc maps every large tensor anew and returns it at once: at every step the kernel hands
out zeroed pages again. `benchmarks.processor_settings` measures what keeping them saves. The memory
that the largest step needed stays with the process.
"""

from __future__ import annotations

import ctypes
import sys

# malloc.h's M_TRIM_THRESHOLD, M_TOP_PAD, M_MMAP_MAX.
TRIM_THRESHOLD, TOP_PAD, MMAP_MAX = -1, -2, -4
#: Memory is asked for in pieces of this size, and given back above the largest threshold there is.
PIECE, LARGEST = 64 * 2**20, 2**31 - 1


def keep_freed_memory() -> bool:
    """Tell glibc; False, and nothing done, with another C library."""
    if not sys.platform.startswith("linux"):
        return False
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is None:
        return False
    return all(
        mallopt(setting, value) == 1
        for setting, value in ((MMAP_MAX, 0), (TRIM_THRESHOLD, LARGEST), (TOP_PAD, PIECE))
    )
