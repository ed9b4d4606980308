"""The controls of an experiment as they are printed: headings and text."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd
from sqlite_utils import Database

from app.results_files import interval, percent
from labelling.control_conditions import (
    MOVED,
    control_table,
    random_directions,
    repeated_runs,
)


@dataclass(frozen=True, eq=False)
class ControlRows:
    """One kind of control: what it is called, a row a searched condition, what the rows show."""

    title: str
    rows: pd.DataFrame
    caption: str


def control_rows(database: Database, experiment_id: str) -> list[ControlRows]:
    """Random directions and repeated runs, as far as the experiment has them."""
    table = control_table(database, experiment_id)
    kinds = [
        ControlRows("Random directions of the same magnitude", _random(table), _RANDOM),
        ControlRows("Repeated runs of the same trials", _repeated(table), _REPEATED),
    ]
    return [one for one in kinds if len(one.rows)]


def _random(table: pd.DataFrame) -> pd.DataFrame:
    found = random_directions(table)
    return pd.DataFrame(
        {
            **_names(found),
            "Pictures": found["n"].astype(str),
            "Changed": found["changed"].astype(str),
            "Share changed": [
                interval(*(100 * value for value in (row.share, row.low, row.high))).replace(
                    "]", "] %"
                )
                for row in found.itertuples()
            ],
        }
    )


def _repeated(table: pd.DataFrame) -> pd.DataFrame:
    found = repeated_runs(table)
    return pd.DataFrame(
        {
            **_names(found),
            "Pairs that found something": found["n"].astype(str),
            "Median difference": [percent(value) for value in found["median"]],
            "Largest": [percent(value) for value in found["largest"]],
            f"Over {MOVED:.0%}": found["moved"].astype(str),
            "Ended otherwise": [f"{row.otherwise} of {row.pairs}" for row in found.itertuples()],
        }
    )


def _names(found: pd.DataFrame) -> dict[str, object]:
    searches = [f"{row.search}, {row.schedule_name}" for row in found.itertuples()]
    return {"Layers": found["subset"], "Classifier": found["classifier"], "Search": searches}


_RANDOM = (
    "For each trial that was fooled, noise with the same ‖p‖₂ at each point takes the place of what"
    " the search found. Changed: the classifier no longer gives the picture its label. Wilson's"
    " 95 % interval, for as many pictures as there are sources. It does not show what other noise,"
    " or the same noise on other points, would do."
)
_REPEATED = (
    "Difference: |second magnitude − first| / first, over the trials that both runs found. On one"
    " processor and with one number of slots it is nought; elsewhere it shows the noise of the"
    " device, which a search is sensitive to. Ended otherwise: found by one run and not by the"
    " other. It does not show how another seed of the same trial would differ."
)
