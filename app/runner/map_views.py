"""One picture of a map's space with what each classifier says: asked by a page, drawn by a worker.

Only the worker has the models. As with costs (`app.runner.wishes`), question and answer are small
files in the home's caches, which may be deleted at any time.
"""

from __future__ import annotations

import hashlib
import json
from base64 import b64decode, b64encode
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from time import time

from app.runner.live import Guess
from data.home import Home

FRESH_SECONDS = 3600.0


@dataclass(frozen=True)
class PictureView:
    """The picture at u (PNG) and each classifier's five likeliest labels, in the map's order."""

    image: bytes
    top: tuple[tuple[Guess, ...], ...]


def ask_view(home: Home, device: str, map_id: str, u: Sequence[float]) -> PictureView | str | None:
    """The view, or a sentence that says why there is none, or None while nobody has answered."""
    content = json.dumps({"map": map_id, "u": [round(float(one), 9) for one in u]})
    file = _folder(home, device) / f"{hashlib.sha256(content.encode()).hexdigest()}.json"
    try:
        answer = json.loads(file.read_text())
    except (FileNotFoundError, ValueError):
        wish = file.with_suffix(".wish")
        if not wish.exists():
            _write(wish, content)
        return None
    if answer["problem"]:
        file.unlink(missing_ok=True)  # the next time it may be possible
        return str(answer["problem"])
    top = tuple(tuple(Guess(**one) for one in guesses) for guesses in answer["top"])
    return PictureView(b64decode(answer["image"]), top)


def answer_views(
    home: Home, device: str, draw: Callable[[str, list[float]], PictureView | str]
) -> int:
    """Answer what is asked: `draw` gets a map's id and u. How many were answered."""
    answered = 0
    for wish in sorted(_folder(home, device).glob("*.wish")):
        try:
            asked = json.loads(wish.read_text())
        except (FileNotFoundError, ValueError):
            wish.unlink(missing_ok=True)
            continue
        drawn = draw(asked["map"], asked["u"])
        told: dict[str, object] = {"problem": None}
        if isinstance(drawn, str):
            told["problem"] = drawn
        else:
            told["image"] = b64encode(drawn.image).decode("ascii")
            told["top"] = [[vars(one) for one in guesses] for guesses in drawn.top]
        _write(wish.with_suffix(".json"), json.dumps(told))
        wish.unlink(missing_ok=True)
        answered += 1
    return answered


def drop_old_views(home: Home, device: str) -> None:
    """Delete the answers that nobody will read."""
    for file in _folder(home, device).glob("*.json"):
        if time() - file.stat().st_mtime > FRESH_SECONDS:
            file.unlink(missing_ok=True)


def _folder(home: Home, device: str) -> Path:
    folder = home.caches / "map-views" / device.replace(":", "-")
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def _write(file: Path, content: str) -> None:
    partial = file.with_suffix(".partial")
    partial.write_text(content)
    partial.replace(file)
