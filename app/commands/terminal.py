"""Progress on the terminal's standard error, and results on standard output."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from time import monotonic
from typing import Any, TextIO

#: A terminal's line is rewritten so often; a log file gets a line so often.
LINE_SECONDS = 0.2
LOG_SECONDS = 30.0


class ProgressLine:
    """One line that tells how far the work is."""

    def __init__(self, stream: TextIO | None = None) -> None:
        self._stream = stream = stream or sys.stderr
        self._live = stream.isatty()
        self._shown = -LOG_SECONDS
        self._width = 0

    def show(self, text: str, *, at_once: bool = False) -> None:
        """Tell it, unless something was told a moment ago; `at_once` in any case."""
        pause = LINE_SECONDS if self._live else LOG_SECONDS
        if not at_once and monotonic() - self._shown < pause:
            return
        self._shown = monotonic()
        if self._live:
            self._stream.write("\r" + text.ljust(self._width))
            self._width = len(text)
        else:
            self._stream.write(text + "\n")
        self._stream.flush()

    def clear(self) -> None:
        """Take the line away, before something else is printed."""
        if self._live and self._width:
            self._stream.write("\r" + " " * self._width + "\r")
            self._stream.flush()
            self._width = 0


def say(text: str) -> None:
    """A sentence for the user, beside the results: on standard error."""
    print(text, file=sys.stderr, flush=True)


def print_object(value: Mapping[str, Any]) -> None:
    """One line of JSON Lines on standard output."""
    print(json.dumps(value, allow_nan=False, ensure_ascii=False), flush=True)
