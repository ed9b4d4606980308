"""The web server never imports torch: it would cost seconds at the start, and threads after."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGES = sorted(file.stem for file in (ROOT / "app" / "pages").glob("[a-z]*.py"))


@pytest.mark.parametrize("page", PAGES)
def test_a_page_is_shown_without_torch(page: str) -> None:
    program = f"import sys, app.pages.{page}; sys.exit('torch' in sys.modules)"
    ran = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True)
    assert ran.returncode == 0, ran.stderr
