"""Pixel distances beside magnitudes: read for just those rows, averaged by hand over those kept."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from data.database import open_database
from data.home import Home
from labelling.curves import common_set
from labelling.distances import DISTANCES, MEANS, mean_distances, pixel_distances
from labelling.estimands import (
    AS_PUBLISHED,
    FOOLED_WHILE_PEOPLE_AGREE,
    RAW,
    SOURCE_JUDGED,
    Estimand,
)
from labelling.means import table_of_means
from labelling.trials import stored_trials
from tests.labelling.synthetic_study import add_experiment
from tests.labelling.trial_tables import trial_table

JUDGED = trial_table(
    "found 1 y y", "found 2 y n", "found 3 n", "found 4 y y", "exhausted 9 y", "skipped 0 y"
)


def like_the_magnitude(trials: pd.DataFrame) -> pd.DataFrame:
    """ℓ2 as large as the magnitude, ℓ∞ a tenth of it, SSIM 1 less that; NaN where not found."""
    size = trials["magnitude"]
    values = [size, size / 10, 1 - size / 10]
    return pd.DataFrame(dict(zip(DISTANCES, values, strict=True)))


@pytest.mark.parametrize(
    "estimand", [RAW, SOURCE_JUDGED, FOOLED_WHILE_PEOPLE_AGREE, AS_PUBLISHED], ids=lambda e: e.key
)
def test_they_are_averaged_over_the_trials_of_the_plain_mean(estimand: Estimand) -> None:
    (row,) = mean_distances(JUDGED, like_the_magnitude(JUDGED), estimand).to_dict("records")
    plain = table_of_means(JUDGED, estimand, 6.0, draws=10)["plain_mean"].item()
    assert [row[name] for name in MEANS] == pytest.approx([plain, plain / 10, 1 - plain / 10])


def test_a_trial_fooled_by_its_source_changes_no_pixel() -> None:
    trials = trial_table("found 2 y y", "skipped! 0 y")
    (row,) = mean_distances(trials, like_the_magnitude(trials), RAW).to_dict("records")
    assert [row[name] for name in MEANS] == pytest.approx([1.0, 0.1, 0.9])


@pytest.mark.parametrize("rows", [["exhausted 9 y"], ["found 1 y y", "found 2 y y"]])
def test_what_is_not_stored_is_not_guessed(rows: list[str]) -> None:
    """Nothing found; or one of two was stored without its distances."""
    trials = trial_table(*rows)
    distances = like_the_magnitude(trials)
    distances.iloc[0] = np.nan
    (row,) = mean_distances(trials, distances, RAW).to_dict("records")
    assert all(np.isnan(row[name]) for name in MEANS)


def test_conditions_are_kept_apart_and_the_common_set_has_fewer_trials() -> None:
    first, second = (
        trial_table(*rows, condition=number)
        for number, rows in ((4, ["found 1", "found 3"]), (2, ["found 5", "skipped 0"]))
    )
    own = pd.concat([first, second], ignore_index=True)
    for trials, means in ((own, {4: 2.0, 2: 5.0}), (common_set(own), {4: 1.0, 2: 5.0})):
        table = mean_distances(trials, like_the_magnitude(trials), RAW)
        assert dict(zip(table["condition_id"], table["mean_pixel_l2"], strict=True)) == means


def test_only_the_rows_asked_for_are_read_in_their_order(tmp_path: Path) -> None:
    home = Home(tmp_path)
    with closing(open_database(home)) as database:
        experiment_id = add_experiment(
            database, home, trials=5, found=lambda trial, condition: trial != 3
        )
        database.execute(
            "UPDATE results SET pixel_l2 = condition_id * 10 + trial_index, pixel_linf = 0.5,"
            " ssim = 0.25 WHERE trial_index <> 4"
        )
        trials = stored_trials(database, [experiment_id])
        some = trials.sample(frac=0.6, random_state=1)
        distances = pixel_distances(database, some)
        nothing = pixel_distances(database, trials[:0])
    assert distances.index.equals(some.index) and list(nothing) == list(DISTANCES)
    known = ~some["trial_index"].isin([3, 4])  # exhausted; stored without
    expected = (some["condition_id"] * 10 + some["trial_index"]).where(known)
    assert distances["pixel_l2"].tolist() == pytest.approx(expected.tolist(), nan_ok=True)
    assert distances["ssim"].isna().tolist() == (~known).tolist() and known.any()
