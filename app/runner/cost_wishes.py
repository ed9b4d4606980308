"""What an experiment would cost: asked by a page, timed and answered by the worker."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from app.runner.cost import Cost
from app.runner.wishes import Wishes, answer
from data.home import Home

#: Earlier trials and a busier machine may have changed an answer after so long.
FRESH_SECONDS = 600.0


def cost_wishes(home: Home, device: str) -> Wishes:
    """Where costs on a device are asked for: `definition`, and which trials of it are `missing`."""
    return Wishes(home, device, "costs", FRESH_SECONDS)


def ask_cost(
    home: Home, device: str, definition: Mapping[str, Any], missing: Sequence[int] | None = None
) -> Cost | str | None:
    """The cost, or a sentence that says why it cannot be known, or None while nobody has answered.

    The first call asks; a later one reads the answer.
    """
    told = cost_wishes(home, device).ask({"definition": definition, "missing": missing})
    return told and (told["problem"] or Cost(**told["cost"]))


def answer_cost(wish: Path, cost: Cost | None, problem: str | None = None) -> None:
    """Answer a wish, or say in a sentence why that cannot be done."""
    answer(wish, {"cost": cost and asdict(cost), "problem": problem})
