"""The stage: source, perturbed picture and difference, large and sharp, with both top-5."""

from __future__ import annotations

from base64 import b64encode
from functools import lru_cache

import numpy as np

from app.runner.live import Guess, Live
from app.runner.menu import GeneratorChoice
from app.widgets.component import component
from data.images import decode, encode

#: The difference is shown around middle grey, so many times as strong as it is.
GAIN = 4

_component = component("explore_stage")


def stage(generator: GeneratorChoice, live: Live | None, state: str, line: str) -> None:
    """Draw the stage: empty frames before the first picture, in the same places as later.

    `state` is what is going on, in a few words, and `line` the figures that belong to it.
    """
    names = generator.labels
    image, source = (live.image, live.source) if live else (None, None)
    fooled = live is not None and live.outcome == "found"
    height, width = generator.image_shape[1:]
    _component(
        key="stage",
        data={
            "pixels": [width, height],
            "state": state,
            "fooled": fooled,
            "line": line,
            "panels": [
                _panel("Source", source, live.before if live else (), names, "the source"),
                _panel("Perturbed", image, live.after if live else (), names, "the perturbed one"),
                {
                    "address": address(difference(source, image)) if source and image else None,
                    "title": f"Difference × {GAIN}",
                    "note": "grey: unchanged",
                    "empty": "the difference",
                },
            ],
            "before": named(live.before if live else (), names),
            "after": named(live.after if live else (), names),
        },
    )


@lru_cache(maxsize=16)  # a page looks several times a second, and steps may take longer
def difference(source: bytes, image: bytes) -> bytes:
    """PNG of perturbed − source around middle grey, amplified by GAIN and clipped."""
    change = decode(image).astype(np.int16) - decode(source).astype(np.int16)
    return encode(np.clip(128 + GAIN * change // 2, 0, 255).astype(np.uint8))


def named(guesses: tuple[Guess, ...], names: tuple[str, ...]) -> list[dict[str, object]]:
    """Guesses with their labels' names, as the component shows them."""
    return [{"name": names[one.label], "confidence": one.confidence} for one in guesses]


def address(png: bytes) -> str:
    """PNG bytes as a data: address: a frame needs no request of its own."""
    return "data:image/png;base64," + b64encode(png).decode("ascii")


def _panel(
    title: str,
    picture: bytes | None,
    guesses: tuple[Guess, ...],
    names: tuple[str, ...],
    empty: str,
) -> dict[str, object]:
    note = f"{names[guesses[0].label]}, {guesses[0].confidence:.3f}" if guesses else ""
    return {
        "address": address(picture) if picture else None,
        "title": title,
        "note": note,
        "empty": empty,
    }
