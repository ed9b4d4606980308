"""What an experiment would cost: asked by a page, answered by the worker, through small files.

Only the worker has models to time. A cost is no work that anybody waits for or resumes, so that it
is no job: the files lie in the home's caches and may be deleted at any time.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from time import time
from typing import Any

from app.runner.cost import Cost
from data.home import Home

#: An answer is read for so long; earlier trials and a busier machine may have changed it then.
FRESH_SECONDS = 600.0


def ask_cost(
    home: Home, device: str, definition: Mapping[str, Any], missing: Sequence[int] | None = None
) -> Cost | str | None:
    """The cost, or a sentence that says why it cannot be known, or None while nobody has answered.

    The first call asks; a later one reads the answer.
    """
    wish = {"definition": definition, "missing": missing}
    content = json.dumps(wish, sort_keys=True)
    file = _folder(home, device) / f"{hashlib.sha256(content.encode()).hexdigest()}.json"
    try:
        answer = json.loads(file.read_text())
        if time() - file.stat().st_mtime < FRESH_SECONDS:
            return answer["problem"] or Cost(**answer["cost"])
    except (FileNotFoundError, ValueError):
        pass
    wished = file.with_suffix(".wish")
    if not wished.exists():
        _write(wished, content)
    return None


def wishes(home: Home, device: str) -> dict[Path, dict[str, Any]]:
    """What is asked for at present, by the file that asks."""
    found = {}
    for file in sorted(_folder(home, device).glob("*.wish")):
        try:
            found[file] = json.loads(file.read_text())
        except (FileNotFoundError, ValueError):
            file.unlink(missing_ok=True)
    return found


def answer(wish: Path, cost: Cost | None, problem: str | None = None) -> None:
    """Answer a wish, or say in a sentence why that cannot be done."""
    told = {"cost": cost and asdict(cost), "problem": problem}
    _write(wish.with_suffix(".json"), json.dumps(told))
    wish.unlink(missing_ok=True)


def drop_old_answers(home: Home, device: str) -> None:
    """Delete the answers that nobody will read."""
    for file in _folder(home, device).glob("*.json"):
        if time() - file.stat().st_mtime > FRESH_SECONDS:
            file.unlink(missing_ok=True)


def _folder(home: Home, device: str) -> Path:
    folder = home.caches / "costs" / device.replace(":", "-")
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def _write(file: Path, content: str) -> None:
    partial = file.with_suffix(".partial")
    partial.write_text(content)
    partial.replace(file)
