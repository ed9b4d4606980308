"""A bounded, even selection from a sequence whose length is not known in advance."""

from __future__ import annotations

from typing import Generic, TypeVar

Item = TypeVar("Item")


class Thinned(Generic[Item]):
    """Keeps at most `most` items at even intervals, and the newest one in any case.

    When it is full every other item is dropped and the interval doubles.
    """

    def __init__(self, most: int) -> None:
        if most < 2:
            raise ValueError("A selection needs room for at least two items.")
        self._most = most
        self._interval = 1
        self._count = 0
        self._kept: list[Item] = []
        self._newest: list[Item] = []

    def add(self, item: Item) -> None:
        """Offer the next item of the sequence."""
        if self._count % self._interval == 0:
            if len(self._kept) == self._most - 1:
                self._kept = self._kept[::2]
                self._interval *= 2
            if self._count % self._interval == 0:
                self._kept.append(item)
        self._newest = [item] if self._count % self._interval else []
        self._count += 1

    def items(self) -> list[Item]:
        """The selection, in order."""
        return self._kept + self._newest
