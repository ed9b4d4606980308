"""The Python API, as its documentation shows it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def test_the_documented_example_runs(home_folder: Path) -> None:
    document = (ROOT / "docs" / "api.md").read_text(encoding="utf-8")
    [example] = [part.partition("```")[0] for part in document.split("```python\n")[1:]]
    ran = subprocess.run(
        [sys.executable, "-c", example],
        cwd=ROOT,
        env={**os.environ, "OMP_WAIT_POLICY": "PASSIVE"},
        capture_output=True,
        text=True,
    )
    assert ran.returncode == 0, ran.stderr
    assert ran.stdout.split()[0] == "found"
    assert (home_folder / "plainview.sqlite").is_file()
