"""The plan of an experiment: trials, schedules, conditions and the definition that joins them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any, Literal

import numpy as np


@dataclass(frozen=True)
class Trial:
    """One (y, z, t): `seed` gives z, `label` is y, `target` is t or None for "any other label"."""

    index: int
    label: int
    target: int | None
    seed: int


def progression_trial(
    experiment_seed: int, index: int, label_count: int, *, targeted: bool = True
) -> Trial:
    """Trial k of the fixed progression (Dunn et al. 2020, appendix B.2).

    Each trial has its own seed, derived from (experiment seed, k), so that 240 trials are a prefix
    of 1000 on every machine. NumPy promises SeedSequence to be stable; 53 bits survive JSON.
    The first draw from a trial's seed is z (see `Generator.latent`), so a second, derived stream
    gives y and t and a generator of another latent size still meets the same labels.
    """
    import torch  # here, so that pages can read definitions without it

    state = np.random.SeedSequence((experiment_seed, index)).generate_state(2, np.uint64)
    seed, label_seed = (int(word >> np.uint64(11)) for word in state)
    draws = torch.Generator().manual_seed(label_seed)
    label = int(torch.randint(label_count, (1,), generator=draws))
    shift = 1 + int(torch.randint(label_count - 1, (1,), generator=draws))
    target = (label + shift) % label_count if targeted else None
    return Trial(index, label, target, seed)


def progression(
    experiment_seed: int, count: int, label_count: int, *, start: int = 0, targeted: bool = True
) -> Iterator[Trial]:
    """Trials `start` … `count - 1` of the fixed progression."""
    for index in range(start, count):
        yield progression_trial(experiment_seed, index, label_count, targeted=targeted)


@dataclass(frozen=True)
class Schedule:
    """How a search moves: its first step, and the bound on ‖p‖₂ and how it is relaxed."""

    learning_rate: float
    initial_magnitude: float
    growth: float
    increment: float
    budget: int

    def bound(self, relaxations: int) -> float:
        """M_k, the bound after k relaxations: M_0 = initial, M_{k+1} = M_k·growth + increment."""
        bound = self.initial_magnitude
        for _ in range(relaxations):
            bound = bound * self.growth + self.increment
        return bound


#: The relaxation's two schedules are the paper's (appendices B.1 and D.2) with our budgets; the
#: third is the minimum-norm search's, which reads the same numbers in its own way: 299 updates are
#: 300 gradient evaluations, the one beside the last test included.
SCHEDULES: dict[str, Schedule] = {
    "imagenet": Schedule(0.03, 1.0, 1.03, 0.1, budget=200),
    "mnist": Schedule(0.004, 0.1, 1.0, 0.001, budget=10_000),
    "minimum-norm": Schedule(1.0, 0.0, 1.2, 0.0, budget=299),
}


@dataclass(frozen=True)
class Condition:
    """One cell of an experiment: classifier × layer subset × search with its schedule.

    A control has its `role`, the position of the condition that it controls, to which it is
    otherwise equal, and the number of its `repetition`: 1, 2, …
    """

    classifier: str
    subset: str
    layer_weights: tuple[float, ...]
    search: str
    schedule_name: str
    schedule: Schedule
    role: Literal["search", "random-direction", "repeat"] = "search"
    controls: int | None = None
    repetition: int = 0


@dataclass(frozen=True)
class Definition:
    """Everything that decides an experiment's results, together with the models' checksums."""

    generator: str
    conditions: tuple[Condition, ...]
    trials: int
    seed: int = 0
    targeted: bool = True
    truncation: float = 1.0
    condition_follows_z: bool = True
    precision: str = "float32"

    def as_json(self) -> dict[str, Any]:
        """A JSON-serialisable record; `from_json` is its inverse."""
        return asdict(self)

    @staticmethod
    def from_json(record: dict[str, Any]) -> Definition:
        conditions = tuple(
            Condition(
                **{
                    **condition,
                    "layer_weights": tuple(condition["layer_weights"]),
                    "schedule": Schedule(**condition["schedule"]),
                }
            )
            for condition in record["conditions"]
        )
        return Definition(**{**record, "conditions": conditions})
