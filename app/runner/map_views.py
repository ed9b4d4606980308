"""One picture of a map's space, with what classifiers say: asked by a page, drawn by a worker."""

from __future__ import annotations

from base64 import b64decode, b64encode
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from app.runner.live import Guess
from app.runner.wishes import Wishes, answer
from data.home import Home

FRESH_SECONDS = 3600.0


@dataclass(frozen=True)
class PictureView:
    """The picture at u (PNG) and each classifier's five likeliest labels, in the map's order."""

    image: bytes
    top: tuple[tuple[Guess, ...], ...]


def view_wishes(home: Home, device: str) -> Wishes:
    """Where pictures are asked for: of which `map`, and at which `u`."""
    return Wishes(home, device, "map-views", FRESH_SECONDS)


def ask_view(home: Home, device: str, map_id: str, u: Sequence[float]) -> PictureView | str | None:
    """The view, or a sentence that says why there is none, or None while nobody has answered."""
    wishes = view_wishes(home, device)
    question = {"map": map_id, "u": [round(float(one), 9) for one in u]}
    told = wishes.ask(question)
    if told is None:
        return None
    if told["problem"]:
        wishes.forget(question)  # the next time it may be possible
        return str(told["problem"])
    top = tuple(tuple(Guess(**one) for one in guesses) for guesses in told["top"])
    return PictureView(b64decode(told["image"]), top)


def answer_views(
    home: Home, device: str, draw: Callable[[str, list[float]], PictureView | str]
) -> int:
    """Answer what is asked: `draw` gets a map's id and u. How many were answered."""
    asked = view_wishes(home, device).asked()
    for wish, question in asked.items():
        drawn = draw(question["map"], question["u"])
        told: dict[str, object] = {"problem": None}
        if isinstance(drawn, str):
            told["problem"] = drawn
        else:
            told["image"] = b64encode(drawn.image).decode("ascii")
            told["top"] = [[vars(one) for one in guesses] for guesses in drawn.top]
        answer(wish, told)
    return len(asked)
