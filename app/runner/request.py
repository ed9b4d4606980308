"""What a person asks for, before any default is filled in."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


class RequestError(ValueError):
    """A request cannot be met; the message is one sentence for the user with the valid choices."""


@dataclass(frozen=True)
class SearchRequest:
    """One search. None stands for the generator's own default.

    `label` and `target` are indices, names or phrases ("seven"); a target of None means "any
    other label". `subset` is a preset's name; `weights` (point → weight ≥ 0) replaces it.
    `seed` draws z. `budget` overrides the schedule's number of steps. `truncation` and
    `condition_follows_z` are for generators that have them (BigGAN).
    """

    generator: str
    classifier: str
    label: int | str
    target: int | str | None = None
    seed: int = 0
    subset: str = "all"
    weights: Mapping[str, float] | None = None
    search: str = "relaxation"
    schedule: str | None = None
    budget: int | None = None
    truncation: float = 1.0
    condition_follows_z: bool = True
    owner: str = "local"


@dataclass(frozen=True)
class ExperimentRequest:
    """Every combination of classifiers × subsets × searches × schedules over one progression.

    `weights` adds one subset of the user's own. No schedules means the generator's own one; no
    subsets and no weights means "all". `slots` trials are searched side by side: by default 128,
    or as many as there are.
    """

    generator: str
    classifiers: tuple[str, ...]
    subsets: tuple[str, ...] = ()
    weights: Mapping[str, float] | None = None
    searches: tuple[str, ...] = ("relaxation",)
    schedules: tuple[str, ...] = ()
    budget: int | None = None
    trials: int = 240
    seed: int = 0
    targeted: bool = True
    slots: int | None = None
    truncation: float = 1.0
    condition_follows_z: bool = True
    owner: str = "local"
