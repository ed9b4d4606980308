"""What only the worker can say, asked by a page: questions and answers as small files.

Only the worker has models. What is asked here is no work that anybody waits for or resumes, so that
it is no job: the files lie in the home's caches and may be deleted at any time.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from time import time
from typing import Any

from data.home import Home


@dataclass(frozen=True)
class Wishes:
    """Questions of one `kind` to the worker of a device; answers are read for `fresh_seconds`."""

    home: Home
    device: str
    kind: str
    fresh_seconds: float

    def ask(self, question: Mapping[str, Any]) -> dict[str, Any] | None:
        """What was answered, or None while nobody has. The first call asks, later ones read."""
        file = self._file(question)
        try:
            answered = json.loads(file.read_text())
            if time() - file.stat().st_mtime < self.fresh_seconds:
                return answered
        except (FileNotFoundError, ValueError):
            pass
        wish = file.with_suffix(".wish")
        if not wish.exists():
            _write(wish, question)
        return None

    def forget(self, question: Mapping[str, Any]) -> None:
        """Ask again the next time."""
        self._file(question).unlink(missing_ok=True)

    def asked(self) -> dict[Path, dict[str, Any]]:
        """What waits for an answer, by the file that asks."""
        found = {}
        for wish in sorted(self._folder().glob("*.wish")):
            try:
                found[wish] = json.loads(wish.read_text())
            except (FileNotFoundError, ValueError):
                wish.unlink(missing_ok=True)
        return found

    def drop_old(self) -> None:
        """Delete the answers that nobody will read."""
        for file in self._folder().glob("*.json"):
            if time() - file.stat().st_mtime > self.fresh_seconds:
                file.unlink(missing_ok=True)

    def _file(self, question: Mapping[str, Any]) -> Path:
        content = json.dumps(question, sort_keys=True)
        return self._folder() / f"{hashlib.sha256(content.encode()).hexdigest()}.json"

    def _folder(self) -> Path:
        folder = self.home.caches / self.kind / self.device.replace(":", "-")
        folder.mkdir(parents=True, exist_ok=True)
        return folder


def answer(wish: Path, told: Mapping[str, Any]) -> None:
    """Answer a question of `Wishes.asked`."""
    _write(wish.with_suffix(".json"), told)
    wish.unlink(missing_ok=True)


def _write(file: Path, content: Mapping[str, Any]) -> None:
    partial = file.with_suffix(".partial")
    partial.write_text(json.dumps(content, sort_keys=True))
    partial.replace(file)
