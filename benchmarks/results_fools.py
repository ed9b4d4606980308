"""What the Gallery and the parts of "What fools what" compute and send, as the page does."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from math import inf

import pandas as pd
import plotly.graph_objects as go

from app.access import current_home, database
from app.charts.agreement import agreement
from app.charts.gallery import gallery
from app.charts.label_targets import label_target_map
from app.charts.layers import magnitude_by_layer
from app.charts.transfer import transfer_matrices
from app.widgets.gallery_rows import gallery_columns, gallery_rows, in_order
from app.widgets.results_data import SelectedResults, Selection
from app.widgets.results_gallery import ANY, CELLS, FEWEST_ROWS, Wanted
from app.widgets.results_kept import standing_codes
from labelling.label_targets import EVERY, label_targets, most_met
from labelling.layer_shares import layer_shares, point_magnitudes
from labelling.strengths import (
    agreement_curves,
    agreement_fits,
    entering,
    fitted,
    strength_items,
    strength_table,
)
from labelling.transfers import transfer_matrix, transfer_table
from labelling.votes import Asked, asked

View = Callable[[Selection], None]


def fools(colours: Mapping[str, str], sent: Callable[[go.Figure], None]) -> dict[str, View]:
    """Each view under its name; `sent` takes its figure."""

    def pictures(selection: Selection) -> None:
        trials = SelectedResults(selection).trials
        wanted = Wanted(None, None, 0.0, inf, ANY)
        fits, columns = wanted.fits(trials), gallery_columns(trials, selection.subsets)
        shown = in_order(trials, fits, "trial")[: max(CELLS // len(columns), FEWEST_ROWS)]
        rows, cells = gallery_rows(database(), current_home(), trials, fits, shown, (), 4)
        sent(gallery(rows, columns, cells, colours=colours))

    @cache
    def tested(experiment_id: str) -> pd.DataFrame:
        return transfer_table(database(), experiment_id)

    def transfer(selection: Selection) -> None:
        trials = SelectedResults(selection).trials
        matrix = transfer_matrix(trials, tested(selection.experiment.id), "target", "both")
        sent(transfer_matrices(matrix, subsets=selection.subsets))

    def labels(selection: Selection) -> None:
        cells = label_targets(SelectedResults(selection).trials, "both")
        rows, columns = (most_met(cells, side) for side in ("label", "target"))
        shown = cells["label"].isin([*rows, EVERY]) & cells["target"].isin([*columns, EVERY])
        sent(label_target_map(cells[shown], labels=rows, targets=columns, name_of=str))

    @cache
    def by_point(condition_id: int) -> pd.DataFrame:
        return point_magnitudes(database(), condition_id)

    def layers(selection: Selection) -> None:
        trials = SelectedResults(selection).trials
        found = trials[(trials["outcome"] == "found").to_numpy()]
        of = {int(one): by_point(int(one)) for one in found["condition_id"].unique()}
        frame = layer_shares(found, of, "both")
        points = [f"point {number}" for number in range(int(frame["point"].max()) + 1)]
        sent(magnitude_by_layer(frame, points=points, subsets=selection.subsets, colours=colours))

    @cache
    def shown(experiment_id: str) -> tuple[pd.DataFrame, Asked]:
        items = strength_items(database(), experiment_id)
        return items, asked(database(), items)

    def people(selection: Selection) -> None:
        (newest,) = database().execute("SELECT max(id) FROM judgements").fetchone()
        codes = standing_codes(current_home().root, newest)
        items, pictures = shown(selection.experiment.id)
        told = {"items": items, "codes": codes, "pictures": pictures}
        told["excluded"] = SelectedResults(selection).left_out
        table = strength_table(database(), selection.experiment.id, selection.rule, **told)
        table = table[table["classifier"].isin(selection.classifiers)]
        each = fitted(table)
        fits = agreement_fits(each)
        answers = table[entering(table).to_numpy()]
        curves = agreement_curves(each)
        drawn = {"against": "magnitude", "subsets": selection.subsets, "colours": colours}
        sent(agreement(curves, fits, answers, **drawn))

    return {
        "Gallery": pictures,
        "Other classifiers": transfer,
        "Labels": labels,
        "Layers": layers,
        "People": people,
    }
