"""The command line as processes of their own, and waiting for what they do."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from data.home import Home

ROOT = Path(__file__).resolve().parents[2]
PATIENCE_SECONDS = 180.0


def command(*arguments: str, place: Home) -> list[str]:
    """The command line `python -m app …` for this home."""
    return [sys.executable, "-m", "app", *arguments, "--home", str(place.root)]


def until(condition: Callable[[], object]) -> None:
    """Wait until it holds; fail when it does not for three minutes."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not condition():
        if time.monotonic() > deadline:
            pytest.fail("Waited for three minutes, in vain.")
        time.sleep(0.01)
