"""The strength slider: the picture and its prediction at 0 to 1.5 times the perturbation."""

from __future__ import annotations

from collections.abc import Sequence

from app.runner.live import Strength
from app.runner.menu import GeneratorChoice
from app.widgets.component import component
from app.widgets.explore_stage import address, named

_component = component("explore_strength")


def strength_slider(generator: GeneratorChoice, strengths: Sequence[Strength], *, run: str) -> None:
    """Show it at strength 1 to begin with; every picture is sent at once, so moving is instant."""
    height, width = generator.image_shape[1:]
    nearest = min(range(len(strengths)), key=lambda index: abs(strengths[index].strength - 1))
    _component(
        key="strength",
        data={
            "run": run,
            "pixels": [width, height],
            "chosen": nearest,
            "steps": [
                {
                    "strength": one.strength,
                    "address": address(one.image),
                    "guesses": named(one.top, generator.labels),
                    "verdict": _verdict(generator, one),
                }
                for one in strengths
            ],
        },
    )


def _verdict(generator: GeneratorChoice, one: Strength) -> str:
    seen = generator.phrases[one.top[0].label]
    return f"The classifier sees {seen}: " + ("fooled." if one.fooled else "not fooled.")
