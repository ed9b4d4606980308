"""What a search yields for one trial."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from engine.experiment import Trial

Outcome = Literal["found", "exhausted", "skipped", "failed", "changed", "unchanged"]


@dataclass(frozen=True)
class Result:
    """The end of one trial. An outcome is never an exception nor a gap.

    - *found*: `stimulus` (8-bit) is classified as the target; `magnitude` is ‖p‖₂ and lies in
      `bracket`, the half-open interval (M_{k-1}, M_k] between the last bound that failed and the
      bound that sufficed.
    - *exhausted*: the budget is spent; censored at `bound`, the last bound tested.
    - *skipped*: the classifier did not give the source its label.
    - *failed*: something went wrong; `reason` says what.
    - *changed*, *unchanged*: of a random direction (engine.random_direction), whether the
      classifier still gives the picture its label.

    Images are uint8 arrays (H, W, C). `margin` is max_{j≠t} f_j subtracted from f_t on the
    stimulus (untargeted: f_y subtracted from max_{j≠y} f_j); positive means fooled.
    `magnitudes` has ‖p_i‖₂ for every point of the generator, 0 where the weight is 0.
    `perturbation` holds the active p_i by point name where it was asked for.
    `seconds` is this trial's share of the batch's time.
    """

    trial: Trial
    outcome: Outcome
    steps: int
    seconds: float
    source: np.ndarray | None = None
    source_logits: np.ndarray | None = None
    stimulus: np.ndarray | None = None
    logits: np.ndarray | None = None
    magnitude: float | None = None
    bound: float | None = None
    bracket: tuple[float, float] | None = None
    magnitudes: tuple[float, ...] | None = None
    margin: float | None = None
    perturbation: dict[str, np.ndarray] | None = None
    reason: str | None = None
