"""The allocator keeps what is freed, and gives a server's threads few arenas."""

from __future__ import annotations

import platform
import subprocess
import sys

import pytest

PAGE_FAULTS = """
import resource, sys, torch
from engine.allocator import keep_freed_memory
if sys.argv[1] == "kept":
    assert keep_freed_memory()
def faults():
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(3):
    torch.ones(2**23)
before = faults()
for _ in range(20):
    torch.ones(2**23)
print(faults() - before)
"""


#: Twenty threads at once, and how many arenas glibc made for them.
ARENAS = """
import ctypes, sys, tempfile, threading
from engine.allocator import share_arenas
if sys.argv[1] == "shared":
    assert share_arenas()
all_here = threading.Barrier(20)
def work():
    all_here.wait()
    [bytes(1000) for _ in range(100)]
    all_here.wait()
threads = [threading.Thread(target=work) for _ in range(20)]
[thread.start() for thread in threads]
[thread.join() for thread in threads]
libc = ctypes.CDLL(None)
libc.fopen.restype = ctypes.c_void_p
with tempfile.NamedTemporaryFile() as file:
    report = ctypes.c_void_p(libc.fopen(file.name.encode(), b"w"))
    libc.malloc_info(0, report)
    libc.fclose(report)
    print(file.read().count(b"<heap nr="))
"""

of_glibc = pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="glibc's own settings")


@of_glibc
def test_the_threads_of_a_server_share_few_arenas() -> None:
    def arenas(setting: str) -> int:
        command = [sys.executable, "-c", ARENAS, setting]
        return int(subprocess.run(command, check=True, capture_output=True, text=True).stdout)

    assert arenas("shared") <= 2 < arenas("as it comes")


@of_glibc
def test_a_large_tensor_made_again_and_again_gets_the_same_pages() -> None:
    def faults(setting: str) -> int:
        command = [sys.executable, "-c", PAGE_FAULTS, setting]
        return int(subprocess.run(command, check=True, capture_output=True, text=True).stdout)

    assert faults("kept") < faults("as it comes") / 2
