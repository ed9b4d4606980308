"""What every file and figure of results says of itself: experiment, judging rule, plan."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Stamp:
    """What every file says of where its numbers come from.

    `analysis_plan` says whether they keep to the plan that was frozen before anybody judged.
    """

    experiment: str
    experiment_id: str
    judging_rule: str
    synthetic_judgements: bool
    analysis_plan: str

    def in_words(self) -> str:
        """One line, for a caption."""
        made_up = " SYNTHETIC JUDGEMENTS." if self.synthetic_judgements else ""
        return (
            f"Experiment {self.experiment} ({self.experiment_id}). A picture shows its label by"
            f" {self.judging_rule}.{made_up} {self.analysis_plan}"
        )


def stamped(frame: pd.DataFrame, stamp: Stamp) -> pd.DataFrame:
    """The frame with the stamp in every row."""
    return frame.assign(
        experiment=stamp.experiment,
        experiment_id=stamp.experiment_id,
        judging_rule=stamp.judging_rule,
        synthetic_judgements=stamp.synthetic_judgements,
        analysis_plan=stamp.analysis_plan,
    )
