"""A gallery's rows and cells: which trials, their pictures from files, and what is said of each."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from sqlite_utils import Database

from app.figures import figures
from app.trial_words import distances_in_words, label_name
from app.widgets.gallery_pictures import difference, picture, prepare
from data.counted import counted
from data.home import Home
from labelling.distances import pixel_distances

#: What people say of a picture, by its judgement.
SAID = {
    "agree": "still the label",
    "disagree": "no longer the label",
    "missing": "not judged",
}
_MARKS = {"agree": "✓", "disagree": "✗", "missing": ""}


def in_order(trials: pd.DataFrame, fits: np.ndarray, order: str) -> np.ndarray:
    """The trials that have a picture that fits, in one of the orders."""
    fitting = trials.loc[fits, ["trial_index", "magnitude"]]
    if order == "trial":
        return np.unique(fitting["trial_index"].to_numpy())
    by_trial = fitting.groupby("trial_index")["magnitude"]
    if order == "small":
        return by_trial.min().sort_values(kind="stable").index.to_numpy()
    return by_trial.max().sort_values(ascending=False, kind="stable").index.to_numpy()


def gallery_columns(trials: pd.DataFrame, subsets: Sequence[str]) -> pd.DataFrame:
    """The conditions, those of a layer subset side by side in the order given."""
    columns = trials[["condition_id", "classifier", "subset"]].drop_duplicates("condition_id")
    place = {name: number for number, name in enumerate(subsets)}
    columns = columns.assign(place=[place.get(str(one), 0) for one in columns["subset"]])
    return columns.sort_values(["place", "classifier"], ignore_index=True)


def gallery_rows(
    database: Database,
    home: Home,
    trials: pd.DataFrame,
    fits: np.ndarray,
    shown: np.ndarray,
    names: Sequence[str],
    gain: int,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The rows and the cells of the trials `shown`, as `app.charts.gallery` takes them.

    `trials` is a judged table of `labelling.trials`; rows of it that do not fit stand back. `names`
    are the labels'; differences are amplified by `gain`.
    """
    here = trials["trial_index"].isin(shown).to_numpy()
    cells = trials[here].assign(fits=fits[here])
    cells = cells.join(pixel_distances(database, cells))
    first = cells.drop_duplicates("trial_index").set_index("trial_index").loc[shown].reset_index()
    records = cells.to_dict("records")
    prepare(home, [(one["source_stimulus"], one["perturbed_stimulus"]) for one in records], gain)
    rows = pd.DataFrame(
        {
            "trial_index": shown,
            "source": [picture(home, one) for one in first["source_stimulus"]],
            "caption": [_about(one, names) for one in first.to_dict("records")],
        }
    )
    pictures = [picture(home, one["perturbed_stimulus"]) for one in records]
    return rows, pd.DataFrame(
        {
            "condition_id": cells["condition_id"].to_numpy(),
            "trial_index": cells["trial_index"].to_numpy(),
            "picture": pictures,
            "difference": [
                difference(home, one["source_stimulus"], one["perturbed_stimulus"], gain)
                for one in records
            ],
            "caption": [_under(one, image) for one, image in zip(records, pictures, strict=True)],
            "hover": [_hover(one, names) for one in records],
            "fits": cells["fits"].to_numpy(),
        }
    )


def _about(one: dict[str, Any], names: Sequence[str]) -> str:
    target = "" if pd.isna(one["target"]) else f"<br>→ {label_name(int(one['target']), names)}"
    said = _MARKS[one["source_judgement"]]
    return f"trial {one['trial_index']}<br>{label_name(one['label'], names)} {said}{target}"


def _under(one: dict[str, Any], image: str | None) -> str:
    if one["outcome"] == "found":
        gone = "" if image else "<br>file missing"
        return f"{figures(one['magnitude'])} {_MARKS[one['perturbed_judgement']]}{gone}"
    if one["outcome"] == "exhausted":
        return f"not fooled<br>up to {figures(one['bound'])}"
    return one["outcome"]


def _hover(one: dict[str, Any], names: Sequence[str]) -> str:
    if one["outcome"] != "found":
        return ""
    target = "" if pd.isna(one["target"]) else f" → {label_name(int(one['target']), names)}"
    return (
        f"<b>{one['classifier']}</b>, layers {one['subset']}<br>{label_name(one['label'], names)}"
        f"{target} · trial {one['trial_index']}<br>‖p‖ {figures(one['magnitude'])} after"
        f" {counted(one['steps'], 'step')}{distances_in_words(one).replace(' · ', '<br>', 1)}"
        f"<br>people: {SAID[one['perturbed_judgement']]}"
    )
