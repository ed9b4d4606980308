"""What a person asks for, before any default is filled in."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass


class RequestError(ValueError):
    """A request cannot be met; the message is one sentence for the user with the valid choices.

    `key` names the part of an experiment's request that it is about, as its file calls it.
    """

    def __init__(self, message: str, key: str | None = None) -> None:
        super().__init__(message)
        self.key = key


@contextmanager
def about(key: str) -> Iterator[None]:
    """Within, a RequestError that says nothing of its key is about this one."""
    try:
        yield
    except RequestError as error:
        error.key = error.key or key
        raise


def point_weights(pairs: Iterable[str]) -> dict[str, float]:
    """ "z=1" "conv-1=0.5" as layer weights by point. Raises RequestError."""
    weights = {}
    for pair in pairs:
        point, _, weight = pair.rpartition("=")
        try:
            weights[point] = float(weight)
        except ValueError:
            point = ""
        if not point:
            raise RequestError(
                f"“{pair}” is no layer weight: write point=number, such as z=0.5.", "subsets"
            )
    return weights


@dataclass(frozen=True)
class StoredTrial:
    """What is stored of a trial of an experiment that a search is to find again.

    `slots` trials were searched side by side on `device`. `magnitude`: None unless it was found.
    """

    experiment: str
    name: str
    trial_index: int
    outcome: str
    magnitude: float | None
    slots: int
    device: str


@dataclass(frozen=True)
class SearchRequest:
    """One search. None stands for the generator's own default.

    `label` and `target` are indices, names or phrases ("seven"); a target of None means "any
    other label". `subset` is a preset's name; `weights` (point → weight ≥ 0) replaces it.
    `seed` draws z. `budget` overrides the schedule's number of steps. `truncation` and
    `condition_follows_z` are for generators that have them (BigGAN). `precision` is as in
    ExperimentRequest. `again`: the stored trial that this is to find again, where it is one.
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
    precision: str = "float32"
    again: StoredTrial | None = None
    owner: str = "local"


@dataclass(frozen=True)
class ExperimentRequest:
    """Every combination of classifiers × subsets × searches × schedules over one progression.

    A subset is a preset's name or layer weights of the user's own (point → weight ≥ 0); none means
    "all". No schedules means the generator's own one. `slots` trials are searched side by side: by
    default 128, or as many as there are. `precision` is that of all computing, but for
    "bfloat16": that of the gradients, while float32 decides what is found. Controls of every
    combination: so many `random_directions` of each found magnitude, so many `repeats` of the
    trials. `keep_perturbations` keeps their tensors, under the home's quota. `device` is where it
    runs unless something else is said; None: the machine's own default.
    """

    generator: str
    classifiers: tuple[str, ...]
    subsets: tuple[str | Mapping[str, float], ...] = ()
    searches: tuple[str, ...] = ("relaxation",)
    schedules: tuple[str, ...] = ()
    budget: int | None = None
    trials: int = 240
    seed: int = 0
    targeted: bool = True
    slots: int | None = None
    precision: str = "float32"
    random_directions: int = 0
    repeats: int = 0
    keep_perturbations: bool = False
    device: str | None = None
    truncation: float = 1.0
    condition_follows_z: bool = True
    owner: str = "local"
