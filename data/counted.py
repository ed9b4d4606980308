"""How many of something, as people say it: the same on pages, in the terminal and in sentences."""

from __future__ import annotations


def counted(count: int, noun: str, plural: str | None = None) -> str:
    """ "1 map", "3 maps"; `plural` where that is not the noun with an s."""
    return f"{count} {noun if count == 1 else plural or f'{noun}s'}"
