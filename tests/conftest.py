"""What every test may ask for."""

from __future__ import annotations

import os

# Before anything imports torch: the tests run side by side, and each torch would take every core.
# The processes that a test starts inherit it.
os.environ["OMP_NUM_THREADS"] = "1"

from pathlib import Path

import pytest


@pytest.fixture
def home_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home folder of the test's own, which `data.home.home()` finds."""
    folder = tmp_path / "home"
    monkeypatch.setenv("PLAINVIEW_HOME", str(folder))
    return folder
