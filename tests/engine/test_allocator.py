"""The allocator keeps what is freed."""

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


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="glibc's own settings")
def test_a_large_tensor_made_again_and_again_gets_the_same_pages() -> None:
    def faults(setting: str) -> int:
        command = [sys.executable, "-c", PAGE_FAULTS, setting]
        return int(subprocess.run(command, check=True, capture_output=True, text=True).stdout)

    assert faults("kept") < faults("as it comes") / 2
