"""Python runs this at its start where the folder is in PYTHONPATH: a clock that a test moves.

The file that PLAINVIEW_TEST_CLOCK names holds the seconds by which the clock is off.
"""

from __future__ import annotations

import os
import time
from pathlib import Path

_right = time.time
_file = Path(os.environ["PLAINVIEW_TEST_CLOCK"])


def _moved() -> float:
    return _right() + float(_file.read_text() or 0)


time.time = _moved
